package command

import (
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/portside-dev/portside/cmd/portside/internal/history"
	"github.com/portside-dev/portside/cmd/portside/internal/output"
)

type historyCommand struct {
	*session
	print printFlags
}

func newHistory(s *session) *cobra.Command {
	h := &historyCommand{session: s}
	cmd := &cobra.Command{
		Use:   "history KIND/NAME",
		Short: "Show which revisions changed ports, when and by which manager",
		Long: `Show which revisions of a workload changed its container ports, when, and by
which manager where that is certain.

The revisions are the ControllerRevisions or ReplicaSets that the cluster keeps
(spec.revisionHistoryLimit). A template that is used again, as after a
rollback, takes a new number and leaves a gap.

portside records its own changes: the service keeps the last ten in the
AdapterSet's status, and sync, adopt and release create an Event, which the API
server deletes after an hour by default. A revision that matches a record
is portside's. Another manager is named where it alone owns the ports that were
added and has not written since. Every other revision is <unknown>; -o wide
says why. -o name prints the names of the revisions.`,
		Example: `  portside history statefulset/dittofs
  portside history deploy/web -o wide`,
		Args:              workloadArgument,
		ValidArgsFunction: s.completeWorkloads,
		RunE:              func(cmd *cobra.Command, args []string) error { return h.history(cmd, args) },
	}
	h.print.add(cmd)
	return cmd
}

// historyReport is the document that history prints.
type historyReport struct {
	Target    targetName       `json:"target"`
	Revisions []history.Change `json:"revisions"`
}

func (h *historyCommand) history(cmd *cobra.Command, args []string) error {
	target, err := h.workload(args)
	if err != nil {
		return err
	}
	config, err := h.restConfig()
	if err != nil {
		return err
	}
	past, err := history.Read(cmd.Context(), config, target)
	if err != nil {
		return readError(target, err)
	}
	report := historyReport{Target: nameOf(target), Revisions: past.Changes()}
	if slices.ContainsFunc(report.Revisions, func(c history.Change) bool { return !c.Certain && !c.Whole }) {
		for _, err := range past.Unread {
			h.messages.Note("changes by portside may be <unknown>: %s", errorText(err))
		}
	}
	switch h.print.format {
	case output.JSON, output.YAML:
		return output.WriteDocument(h.out, h.print.format, report)
	case output.Name:
		return report.writeNames(h, past.Resource)
	}
	if len(report.Revisions) == 0 {
		h.messages.Note("the cluster keeps no revision of %s", target)
		return nil
	}
	return report.table(h.print.format == output.Wide, time.Now()).Write(h.out, !h.print.noHeaders)
}

func (r *historyReport) table(wide bool, now time.Time) output.Table {
	t := output.Table{Columns: []string{"REVISION", "AGE", "BY", "CHANGE"}}
	if wide {
		t.Columns = []string{"REVISION", "NAME", "TIME", "BY", "BECAUSE", "CHANGE"}
	}
	for _, c := range r.Revisions {
		revision := fmt.Sprint(c.Revision)
		if c.Name == "" {
			revision = none
		}
		if wide {
			when := "<unknown>"
			if c.Time != nil {
				when = c.Time.UTC().Format(time.RFC3339)
			}
			t.Rows = append(t.Rows, []string{revision, orNone(c.Name), when, c.By(), c.Because, c.Text()})
			continue
		}
		t.Rows = append(t.Rows, []string{revision, age(c.Time, now), c.By(), c.Text()})
	}
	return t
}

// writeNames prints the revisions as kubectl names them, each once: one may
// have had several numbers.
func (r *historyReport) writeNames(h *historyCommand, resource string) error {
	printed := map[string]bool{}
	for _, c := range r.Revisions {
		if c.Name == "" || printed[c.Name] {
			continue
		}
		printed[c.Name] = true
		if _, err := fmt.Fprintf(h.out, "%s/%s\n", resource, c.Name); err != nil {
			return err
		}
	}
	return nil
}
