package command

import (
	"github.com/spf13/cobra"

	"github.com/portside-dev/portside/apply"
)

type applyCommand struct {
	*session
	input          inputFlags
	print          printFlags
	run            dryRun
	manager        string
	ignoreNotFound bool
}

func newApply(s *session) *cobra.Command {
	a := &applyCommand{session: s}
	cmd := &cobra.Command{
		Use:   "apply -f FILE|DIR|- [--adapters FILE|-]",
		Short: "Make the adapter ports of workloads true to their adapters, once",
		Long: `Make the adapter-* ports of workloads true to the protocol adapters that they
serve, once, and own nothing else of them.

The AdapterSets say which workload, and either which adapters or where to ask.
--adapters gives the list that the workload's server answers to GET
/api/v1/adapters, in place of what the one AdapterSet says. Everything is read
and checked first: one bad document and nothing is written.

Nothing is forced. A port that another manager declares under another name is
Shadowed, one that it declares as wanted is Shared. A changed port restarts
pods: see diff. A change is recorded in an Event about the workload, if the user
may create Events: see history.

Exit codes: 0 when every wanted port is Owned, Shared or Shadowed, or the
target is not there yet; 2 when a port is Blocked or Invalid, the container is
missing or ambiguous, the field manager owns other fields, or the server
refused; 1 when the input or the connection is unusable.`,
		Example: `  # The adapters that the AdapterSet declares
  portside apply -f adapterset.yaml

  # The adapters that the server says it runs
  curl -sf https://dittofs:8080/api/v1/adapters |
    portside apply -f adapterset.yaml --adapters -

  # Every AdapterSet of a folder, stored nowhere
  portside apply -f adaptersets/ -R --dry-run=server`,
		Args:              noArguments,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(cmd *cobra.Command, _ []string) error { return a.apply(cmd) },
	}
	a.input.add(cmd)
	a.print.add(cmd)
	dryRunFlag(cmd, &a.run)
	fieldManagerFlag(cmd, &a.manager)
	cmd.Flags().BoolVar(&a.ignoreNotFound, "ignore-not-found", true, "Skip a target that is not there, with a warning; it may come later")
	return cmd
}

func (a *applyCommand) apply(cmd *cobra.Command) error {
	jobs, err := a.input.read(cmd, a.session)
	if err != nil {
		return err
	}
	applier, err := a.applier(a.manager, a.run)
	if err != nil {
		return err
	}
	all := a.passes(cmd.Context(), applier, jobs, recorder{a.session, a.manager, "apply", a.run})
	a.explain(all, a.messages.Error)
	code := exitOK
	report := newReport(a.run)
	for _, d := range all {
		if d.result.Outcome == apply.TargetNotFound {
			a.notFound(d)
		}
		report.add(d.result, d.err)
		code = worse(code, d.code(a.ignoreNotFound))
	}
	if a.run == dryRunServer {
		a.messages.Note("dry run: nothing was stored")
	}
	if err := report.write(a.out, a.print); err != nil {
		return err
	}
	return exitWith(code)
}

func (a *applyCommand) notFound(d done) {
	if a.ignoreNotFound {
		a.messages.Warn("%s: %s is not there; skipped, it may come later", d.place, d.result.Target)
		return
	}
	a.messages.Error("%s: %s is not there", d.place, d.result.Target)
}
