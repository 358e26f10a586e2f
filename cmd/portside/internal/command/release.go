package command

import (
	"github.com/spf13/cobra"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/port"
	"github.com/portside-dev/portside/apply/workload"
)

type releaseCommand struct {
	*session
	print     printFlags
	run       dryRun
	manager   string
	keepPorts bool
}

func newRelease(s *session) *cobra.Command {
	r := &releaseCommand{session: s}
	cmd := &cobra.Command{
		Use:   "release KIND/NAME",
		Short: "Release portside's ownership of a workload",
		Long: `Release portside's ownership of a workload. The adapter ports that no other
manager owns are removed, which restarts pods. With --keep-ports they stay,
without an owner, and nothing restarts.

Exit codes: 0 also when portside owns nothing there; 2 when the workload is
missing or paused, the field manager owns other fields (with --keep-ports it
may), or the server refused; 1 when the input or the connection is unusable.`,
		Example: `  # Remove the adapter ports
  portside release statefulset/dittofs

  # Leave them to another manager
  portside release statefulset/dittofs --keep-ports`,
		Args:              workloadArgument,
		ValidArgsFunction: s.completeWorkloads,
		RunE:              func(cmd *cobra.Command, args []string) error { return r.release(cmd, args) },
	}
	r.print.add(cmd)
	dryRunFlag(cmd, &r.run)
	fieldManagerFlag(cmd, &r.manager)
	cmd.Flags().BoolVar(&r.keepPorts, "keep-ports", false, "Leave the ports in place, without an owner")
	return cmd
}

func (r *releaseCommand) release(cmd *cobra.Command, args []string) error {
	target, err := r.workload(args)
	if err != nil {
		return err
	}
	applier, err := r.applier(r.manager, r.run)
	if err != nil {
		return err
	}
	result, err := worded(r.manager, "")(applier.Release(cmd.Context(), target, r.keepPorts))
	recorder{r.session, r.manager, "release", r.run}.record(cmd.Context(), result)
	if err := r.finish(result, err, r.print, r.run); err != nil {
		return err
	}
	if result.Outcome == apply.Unchanged {
		r.messages.Note("%s owns nothing of %s", r.manager, result.Target)
	}
	return exitWith(portsCode(result.Ports))
}

// finish prints the result of a release or an adoption, or says why there is
// none.
func (s *session) finish(result apply.Result, err error, print printFlags, run dryRun) error {
	if err == nil && result.Outcome == apply.TargetNotFound {
		return notFound(result.Target)
	}
	if err != nil {
		return targetError(result.Target, err)
	}
	s.explainHandOver(result)
	if run == dryRunServer {
		s.messages.Note("dry run: nothing was stored")
	}
	report := newReport(run)
	report.add(result, nil)
	if err := report.write(s.out, print); err != nil {
		return err
	}
	if result.Outcome == apply.Paused {
		return exitWith(exitRefused)
	}
	return nil
}

// explainHandOver says what stood in the way of a release or an adoption, and
// what will hurt later on.
func (s *session) explainHandOver(result apply.Result) {
	if result.Outcome == apply.Paused {
		s.messages.Error("%s carries the annotation %s: nothing was written", result.Target, workload.PausedAnnotation)
	}
	for _, p := range result.Ports {
		if p.State == port.Blocked {
			s.messages.Error("%s: %s: %s", result.Target, portState(p), p.Message)
		}
	}
	for _, w := range result.Warnings {
		s.messages.Warn("%s: %s", result.Target, w.Message)
	}
}
