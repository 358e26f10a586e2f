package cmd

import (
	"slices"

	"github.com/spf13/cobra"

	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/cli"
	"github.com/portside-dev/portside/cmd/portside/internal/history"
	"github.com/portside-dev/portside/cmd/portside/internal/printer"
)

func newHistory(s *cli.Session) *cobra.Command {
	var print cli.PrintFlags
	cmd := &cobra.Command{
		Use:   "history KIND/NAME",
		Short: "Show which changes of ports were made, when and by which manager",
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
says why. -o name prints the names of the revisions.

A Service has no revisions: history shows the changes that portside recorded,
and none by other managers.

Exit codes: 0 when the history is shown; 2 when the target is missing, or the
server refused; 1 when the input or the connection is unusable.`,
		Example: `  portside history statefulset/dittofs
  portside history deploy/web -o wide`,
		Args:              cli.OneTarget,
		ValidArgsFunction: s.CompleteTargets,
		RunE: func(cmd *cobra.Command, args []string) error {
			target, err := s.Target(args)
			if err != nil {
				return err
			}
			config, err := s.RESTConfig()
			if err != nil {
				return err
			}
			past, err := history.Read(cmd.Context(), config, target)
			if err != nil {
				return cli.TargetError(target, err)
			}
			revisions := past.Changes()
			if target.Kind == workload.Service {
				noteRecords(s, target, past, print.IsTable())
			} else {
				noteRevisions(s, target, past, revisions, print.IsTable())
			}
			if len(revisions) == 0 && print.IsTable() {
				return nil
			}
			return print.Print(s.Out, printer.History{Target: printer.TargetOf(target), Revisions: revisions, Resource: past.Resource})
		},
	}
	print.Add(cmd)
	return cmd
}

// noteRevisions notes why changes of a workload are not known.
func noteRevisions(s *cli.Session, t workload.Target, past *history.History, revisions []history.Change, table bool) {
	if slices.ContainsFunc(revisions, func(c history.Change) bool { return !c.Certain && !c.Whole }) {
		for _, err := range past.Unread {
			s.Messages.Note("changes by portside may be <unknown>: %s", cli.ErrorText(err))
		}
	}
	if len(revisions) == 0 && table {
		s.Messages.Note("the cluster keeps no revision of %s", t)
	}
}

// noteRecords notes why changes of a Service are not shown.
func noteRecords(s *cli.Session, t workload.Target, past *history.History, table bool) {
	for _, err := range past.Unread {
		s.Messages.Note("changes by portside may be missing: %s", cli.ErrorText(err))
	}
	if table {
		s.Messages.Note("%s has no revisions, as no Service has: only changes that portside recorded are known", t)
	}
}
