package command

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/fieldmanager"
)

type adoptCommand struct {
	*session
	print              printFlags
	run                dryRun
	manager            string
	from, theContainer string
}

func newAdopt(s *session) *cobra.Command {
	a := &adoptCommand{session: s}
	cmd := &cobra.Command{
		Use:   "adopt KIND/NAME --from MANAGER",
		Short: "Take over the adapter ports that another manager owns",
		Long: `Take over the adapter-* ports of a container that another manager owns: an
operator that wrote them with updates, before-first-apply, an apply manager
that is gone. Nothing else of that manager's is touched and the pod template
does not change, so nothing restarts. Where a plain update has left an adapter
port and a static port with one number, the adapter's copy goes, which is a
change of the template.

A manager that still writes these ports will own them again, beside portside.

Exit codes: 0 also when there is nothing to take over; 2 when a port could not
be taken over, the workload is paused, the container is missing or ambiguous,
or the server refused; 1 when the input or the connection is unusable or the
workload is not there.`,
		Example: `  # Who owns which port?
  portside owners statefulset/dittofs

  # Take over from an operator that was removed
  portside adopt statefulset/dittofs --from dittofs-operator`,
		Args:              workloadArgument,
		ValidArgsFunction: s.completeWorkloads,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.adopt(cmd, args) },
	}
	a.print.add(cmd)
	dryRunFlag(cmd, &a.run)
	fieldManagerFlag(cmd, &a.manager)
	containerFlag(cmd, s, &a.theContainer, "Container that has the ports; by default the only one, or the pod template's default")
	cmd.Flags().StringVar(&a.from, "from", "", "Manager to take over from, as owners shows it")
	mustComplete(cmd, "from", s.completeManagers)
	return cmd
}

func (a *adoptCommand) adopt(cmd *cobra.Command, args []string) error {
	if a.from == "" {
		return usageError(cmd, "must specify --from: the manager that owns the ports (portside owners shows them)")
	}
	target, err := a.workload(args)
	if err != nil {
		return err
	}
	target.Container = a.theContainer
	applier, err := a.applier(a.manager, a.run)
	if err != nil {
		return err
	}
	result, err := applier.Adopt(cmd.Context(), target, a.from)
	if err := a.finish(result, err, a.print, a.run); err != nil {
		return err
	}
	switch result.Outcome {
	case apply.Unchanged:
		a.nothingHeld(result)
	case apply.Applied:
		a.mayBeAlive()
	}
	return exitWith(portsCode(result.Ports))
}

// mayBeAlive warns of what adoption cannot see: whether the manager goes on.
func (a *adoptCommand) mayBeAlive() {
	if a.from != fieldmanager.BeforeFirstApply {
		a.messages.Note("if %s still writes these ports, it will own them again beside %s: see that it stops, or does not name them", a.from, a.manager)
	}
}

// nothingHeld says who does hold adapter ports: the name may be misspelt.
func (a *adoptCommand) nothingHeld(r apply.Result) {
	var holders []string
	if r.Before != nil {
		holders = adapterPortOwners(r.Before)
	}
	if len(holders) == 0 {
		a.messages.Note("%s owns no adapter port of %s, nor does anybody else", a.from, r.Target)
		return
	}
	a.messages.Note("%s owns no adapter port of %s; owners are: %s", a.from, r.Target, strings.Join(holders, ", "))
}

// adapterPortOwners are the names of the managers that own adapter ports.
func adapterPortOwners(w *apply.Workload) []string {
	owned, err := apply.OwnersOf(w)
	if err != nil {
		return nil // said by the command already
	}
	var managers []fieldmanager.Manager
	for _, p := range owned {
		if strings.HasPrefix(p.Port.Name, apply.NamePrefix) {
			managers = append(managers, p.Owners.Item...)
		}
	}
	return slices.Clip(fieldmanager.Names(managers))
}
