package command

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/port"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/fieldmanager"
)

type adoptCommand struct {
	*session
	print        printFlags
	run          dryRun
	manager      string
	from         []string
	theContainer string
	gone         bool

	all           bool
	allNamespaces bool
	selector      string
	chunkSize     int64
}

func newAdopt(s *session) *cobra.Command {
	a := &adoptCommand{session: s}
	cmd := &cobra.Command{
		Use:   "adopt (KIND/NAME | --all) --from MANAGER[,MANAGER...]",
		Short: "Take over the adapter ports that other managers own",
		Long: `Take over the adapter-* ports of a container from managers that no longer
write: an operator that wrote them with updates, before-first-apply. Nothing
else of those managers' is touched and the pod template does not change, so
nothing restarts. Where a plain update has left an adapter port and a static
port with one number, the adapter's copy is removed, which is a change of the
template. A list of ports that they own of a container without any, which keeps
every port out, is taken from them.

A manager that applies the ports still declares them, and the API server would
refuse its next apply, so adopt takes none from it: rename or remove the ports
in its manifest. If nothing applies under its name any more, add
--manager-is-gone.

A manager that still updates these ports will own them again, beside portside.
A client-side apply that had them in its manifest deletes them once they are
out of it; adopt warns of that and says how to go on.

--all goes over the StatefulSets, Deployments and DaemonSets of a namespace,
and over every container that has something to take over. One that fails holds
up no other. An interrupt ends it after the workload at hand, and running it
again does the rest.

Exit codes: 0 also when there is nothing to take over; 2 when a manager of
--from owns nothing in the container (with --all: in any of the workloads), a
port could not be taken over, the workload is missing or paused, the container
is missing or ambiguous, a manager applies the ports, the field manager owns
other fields, or the server refused; 1 when the input or the connection is
unusable, or it was interrupted.`,
		Example: `  # Which managers own which port?
  portside owners statefulset/dittofs

  # Take over from an operator that was removed
  portside adopt statefulset/dittofs --from dittofs-operator

  # Take over from a manager that applied the ports, and is gone
  portside adopt deployment/web --from old-operator --manager-is-gone

  # What would become of each workload of a namespace, and how many pods
  # would restart?
  portside adopt --all -n storage --from manager --dry-run=server`,
		Args:              a.arguments,
		ValidArgsFunction: s.completeWorkloads,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.adopt(cmd, args) },
	}
	a.addFlags(cmd)
	return cmd
}

func (a *adoptCommand) addFlags(cmd *cobra.Command) {
	a.print.add(cmd)
	dryRunFlag(cmd, &a.run)
	fieldManagerFlag(cmd, &a.manager)
	containerFlag(cmd, a.session, &a.theContainer, "Container that has the ports; by default the only one, or the pod template's default; with --all, each that has any")
	flags := cmd.Flags()
	flags.StringSliceVar(&a.from, "from", nil, "Managers to take over from, as owners shows them")
	mustComplete(cmd, "from", a.completeManagers)
	flags.BoolVar(&a.gone, "manager-is-gone", false, "Take over from managers that apply the ports, too; nothing may apply under their names any more")
	flags.BoolVar(&a.all, "all", false, "Go over all workloads of the namespace")
	flags.BoolVarP(&a.allNamespaces, "all-namespaces", "A", false, "With --all, go over the workloads of all namespaces")
	flags.StringVarP(&a.selector, "selector", "l", "", "With --all, go over the workloads whose labels match this selector alone")
	flags.Int64Var(&a.chunkSize, "chunk-size", 500, "With --all, list workloads in chunks of this size rather than all at once; 0 disables it")
}

// arguments refuses a workload beside --all, and what only goes with --all
// beside a workload.
func (a *adoptCommand) arguments(cmd *cobra.Command, args []string) error {
	if a.all {
		return noArguments(cmd, args)
	}
	for _, flag := range []string{"all-namespaces", "selector", "chunk-size"} {
		if cmd.Flags().Changed(flag) {
			return usageError(cmd, "--%s goes with --all", flag)
		}
	}
	return workloadArgument(cmd, args)
}

func (a *adoptCommand) adopt(cmd *cobra.Command, args []string) error {
	a.from = slices.DeleteFunc(a.from, func(name string) bool { return name == "" })
	if len(a.from) == 0 {
		return usageError(cmd, "must specify --from: the manager that owns the ports; portside owners shows the managers")
	}
	if a.all {
		return a.adoptAll(cmd)
	}
	target, err := a.workload(args)
	if err != nil {
		return err
	}
	applier, err := a.applier(a.manager, a.run)
	if err != nil {
		return err
	}
	result, err := worded(a.manager, a.theContainer)(applier.Adopt(cmd.Context(), target, a.theContainer, a.from, a.options()...))
	a.recorder().record(cmd.Context(), result)
	if err := a.finish(result, err, a.print, a.run); err != nil {
		return err
	}
	code := portsCode(result.Ports)
	if result.Before != nil {
		owners := newContainerOwners()
		if err := owners.add(result.Before, result.Container); err != nil {
			return err
		}
		where := fmt.Sprintf("container %s of %s", result.Container, result.Target)
		code = worse(code, a.checkFrom(owners, result.Outcome == apply.Applied, where))
	}
	switch result.Outcome {
	case apply.Unchanged:
		if code == exitOK {
			a.nothingHeld(result)
		}
	case apply.Applied:
		if len(result.Ports) == 0 {
			a.messages.Note("%s %s's ownership of an empty ports list, which blocked every apply", a.run.verb("released", "would release"), strings.Join(a.from, " or "))
			break
		}
		if pods := restarts(result); pods > 0 {
			a.messages.Note("the pod template %s, which restarts at most %d pods", a.run.verb("changed", "would change"), pods)
		}
		a.mayBeAlive()
	}
	return exitWith(code)
}

func (a *adoptCommand) recorder() recorder { return recorder{a.session, a.manager, "adopt", a.run} }

func (a *adoptCommand) options() []apply.AdoptOption {
	if a.gone {
		return []apply.AdoptOption{apply.WithGoneManagers()}
	}
	return nil
}

// restarts is how many pods an adoption restarts at most.
func restarts(r apply.Result) int32 {
	if !r.TemplateChanged() {
		return 0
	}
	return r.Before.Restarts
}

// verb picks what is said of what was done, or would be.
func (d dryRun) verb(done, would string) string {
	if d == dryRunServer {
		return would
	}
	return done
}

// mayBeAlive warns of what adoption cannot see: whether the managers go on.
func (a *adoptCommand) mayBeAlive() {
	alive := slices.DeleteFunc(slices.Clone(a.from), func(name string) bool { return name == fieldmanager.BeforeFirstApply })
	if len(alive) > 0 && !a.gone {
		a.messages.Note("if %s still writes these ports, it will own them again beside %s: see that it stops, or does not name them", strings.Join(alive, " or "), a.manager)
	}
}

// nothingHeld reports the managers that do own adapter ports.
func (a *adoptCommand) nothingHeld(r apply.Result) {
	var holders []string
	if r.Before != nil {
		holders = adapterPortOwners(r.Before)
	}
	from := strings.Join(a.from, " or ")
	if len(holders) == 0 {
		a.messages.Note("%s owns no adapter port of %s, and no other manager does", from, r.Target)
		return
	}
	a.messages.Note("%s owns no adapter port of %s; owners are: %s", from, r.Target, strings.Join(holders, ", "))
}

// adapterPortOwners are the names of the managers that own adapter ports.
func adapterPortOwners(w *workload.Workload) []string {
	owned, err := apply.Owners(w)
	if err != nil {
		return nil // said by the command already
	}
	var managers []fieldmanager.Manager
	for _, p := range owned {
		if strings.HasPrefix(p.Port.Name, port.NamePrefix) {
			managers = append(managers, p.Owners.Item...)
		}
	}
	return slices.Clip(fieldmanager.Names(managers))
}
