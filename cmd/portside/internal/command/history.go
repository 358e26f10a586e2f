package command

import (
	"fmt"
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
		Short: "Show which revisions changed ports, when and by whom",
		Long: `Show which revisions of a workload changed its container ports, when, and by
whom as far as the cluster knows.

The revisions are the ControllerRevisions or ReplicaSets that the cluster keeps
(spec.revisionHistoryLimit). A template that comes back takes a new number from
them and leaves a gap: a row says so where what was between is not kept, and
its time is then unknown. A time with a ~ is the last write of the manager that
probably made the change.

The cluster records no author: portside compares the times of the managers'
last writes. A manager that owns what a revision added and wrote nothing since
is named; where the times fit one manager but do not prove it, it is "probably"
that one; else nobody is named. -o name prints the names of the revisions.`,
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
	client, err := h.client()
	if err != nil {
		return err
	}
	past, err := history.Read(cmd.Context(), client, target)
	if err != nil {
		return readError(target, err)
	}
	report := historyReport{Target: nameOf(target), Revisions: past.Changes()}
	switch h.print.format {
	case output.JSON, output.YAML:
		return output.WriteDocument(h.out, h.print.format, report)
	case output.Name:
		return report.writeNames(h)
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
		about := ""
		if c.TimeProbable {
			about = "~"
		}
		if wide {
			when := "<unknown>"
			if c.Time != nil {
				when = c.Time.UTC().Format(time.RFC3339)
			}
			t.Rows = append(t.Rows, []string{revision, orNone(c.Name), about + when, c.By(), c.Because, c.Text()})
			continue
		}
		t.Rows = append(t.Rows, []string{revision, about + age(c.Time, now), c.By(), c.Text()})
	}
	return t
}

// writeNames prints the revisions as kubectl names them, each once: one may
// have had several numbers.
func (r *historyReport) writeNames(h *historyCommand) error {
	printed := map[string]bool{}
	for _, c := range r.Revisions {
		if c.Name == "" || printed[c.Name] {
			continue
		}
		printed[c.Name] = true
		if _, err := fmt.Fprintf(h.out, "%s/%s\n", history.Resource(r.Target.Kind), c.Name); err != nil {
			return err
		}
	}
	return nil
}
