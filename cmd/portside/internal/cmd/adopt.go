package cmd

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/cli"
	"github.com/portside-dev/portside/cmd/portside/internal/printer"
	"github.com/portside-dev/portside/fieldmanager"
)

type adoption struct {
	*cli.Session
	print     cli.PrintFlags
	write     cli.WriteFlags
	from      []string
	container string
	gone      bool

	all           bool
	allNamespaces bool
	selector      string
	chunkSize     int64
}

func newAdopt(s *cli.Session) *cobra.Command {
	a := &adoption{Session: s}
	cmd := &cobra.Command{
		Use:   "adopt (KIND/NAME | --all) --from MANAGER[,MANAGER...]",
		Short: "Take over the adapter ports that other managers own",
		Long: `Take over the adapter-* ports of a container, or of a Service, from managers
that no longer write, such as an operator that wrote them with updates, or
before-first-apply. Nothing else of those managers is touched and the ports do
not change, so nothing restarts. Where an update has left an adapter port and a
static port of a container with one number, the adapter's copy is removed, which
changes the template. Ownership of an empty ports list, which blocks every
apply, is released.

A manager that applies the ports still declares them, and the API server would
refuse its next apply, so adopt takes none from it: rename or remove the ports
in its manifest. If nothing applies under its name any more, add
--manager-is-gone.

A manager that still updates these ports will own them again, together with
portside. A client-side apply that had them in its manifest deletes them once
they are removed from it; adopt warns of that and says what to do.

--all adopts in each container of every workload of a namespace, and in no
Service: name each of those. A workload is a
` + cli.Kinds() + `.
One that fails does not keep the others from being adopted. An interrupt ends it
after the current workload; run it again for the rest.

Exit codes: 0 also when there is nothing to take over; 2 when a manager of
--from owns nothing in the container or Service (with --all: in any of the
workloads), a port could not be taken over, the target is missing or paused, the
container is missing or ambiguous, a manager applies the ports, the field
manager owns other fields, or the server refused; 1 when the input or the
connection is unusable, or it was interrupted.`,
		Example: `  # Which managers own which port?
  portside owners statefulset/dittofs

  # Take over from an operator that was removed
  portside adopt statefulset/dittofs --from dittofs-operator

  # Take over from a manager that applied the ports, and is gone
  portside adopt deployment/web --from old-operator --manager-is-gone

  # The ports of a Service
  portside adopt service/dittofs-file --from dittofs-operator

  # What would be adopted in a namespace, and how many pods would restart?
  portside adopt --all -n storage --from manager --dry-run=server`,
		Args:              a.arguments,
		ValidArgsFunction: s.CompleteTargets,
		RunE: func(cmd *cobra.Command, args []string) error {
			writer, err := s.Writer(a.write, "adopt")
			if err != nil {
				return err
			}
			if a.all {
				return a.adoptAll(cmd.Context(), writer)
			}
			return a.adoptOne(cmd, args, writer)
		},
	}
	a.print.Add(cmd)
	a.write.Add(cmd)
	s.ContainerFlag(cmd, &a.container, "Container that has the ports; by default the only one, or the pod template's default; with --all, each that has any")
	flags := cmd.Flags()
	flags.StringSliceVar(&a.from, "from", nil, "Managers to take over from, as owners shows them")
	flags.BoolVar(&a.gone, "manager-is-gone", false, "Take over from managers that apply the ports, too; nothing may apply under their names any more")
	flags.BoolVar(&a.all, "all", false, "Adopt in all workloads of the namespace")
	flags.BoolVarP(&a.allNamespaces, "all-namespaces", "A", false, "With --all, adopt in the workloads of all namespaces")
	flags.StringVarP(&a.selector, "selector", "l", "", "With --all, adopt only in the workloads whose labels match this selector")
	flags.Int64Var(&a.chunkSize, "chunk-size", 500, "With --all, list workloads in chunks of this size rather than all at once; 0 disables it")
	cli.MustComplete(cmd, "from", s.CompleteFrom(a.candidates))
	return cmd
}

// candidates returns the managers to adopt from: those that own adapter ports of the
// target, other than the one that would take them over.
func (a *adoption) candidates(_ *cobra.Command, w *workload.Workload) []string {
	owners := newOwnersOf()
	if err := owners.add(w, ""); err != nil {
		return nil
	}
	return sets.List(owners.adapterPorts.Delete(a.write.FieldManager))
}

// arguments refuses a workload together with --all, and the flags of --all together
// with a workload.
func (a *adoption) arguments(cmd *cobra.Command, args []string) error {
	a.from = slices.DeleteFunc(a.from, func(name string) bool { return name == "" })
	if a.all {
		if err := cli.NoArguments(cmd, args); err != nil {
			return err
		}
		if _, err := labels.Parse(a.selector); err != nil {
			return cli.UsageError(cmd, "--selector: %w", err)
		}
	} else {
		for _, flag := range []string{"all-namespaces", "selector", "chunk-size"} {
			if cmd.Flags().Changed(flag) {
				return cli.UsageError(cmd, "--%s goes with --all", flag)
			}
		}
		if err := cli.OneTarget(cmd, args); err != nil {
			return err
		}
	}
	if len(a.from) == 0 {
		return cli.UsageError(cmd, "must specify --from: the manager that owns the ports; portside owners shows the managers")
	}
	return nil
}

func (a *adoption) options() []apply.AdoptOption {
	if a.gone {
		return []apply.AdoptOption{apply.WithGoneManagers()}
	}
	return nil
}

// adoptOne adopts the ports of one container.
func (a *adoption) adoptOne(cmd *cobra.Command, args []string, writer *cli.Writer) error {
	target, err := a.Target(args)
	if err == nil && target.Kind == workload.Service && a.container != "" {
		err = cli.UsageError(cmd, "a Service has no containers: leave out --container")
	}
	if err != nil {
		return err
	}
	result, err := writer.Adopt(cmd.Context(), target, a.container, a.from, a.options()...)
	code, err := writer.Print(a.print, result, err)
	if err != nil {
		return err
	}
	owners := newOwnersOf()
	if err := owners.add(result.Before, result.Container); err != nil {
		return err
	}
	from, where := strings.Join(a.from, " or "), result.Target.String()
	if result.Container != "" {
		where = fmt.Sprintf("container %s of %s", result.Container, where)
	}
	code = cli.Worse(code, a.checkFrom(owners, result.Outcome == apply.Applied, where))
	switch {
	case result.Outcome == apply.Unchanged && code == cli.OK:
		a.Messages.Note("%s owns no adapter port of %s; the adapter ports are owned by: %s", from, where, names(owners.adapterPorts))
	case result.Outcome == apply.Applied && len(result.Ports) == 0:
		a.Messages.Note("%s %s's ownership of an empty ports list, which blocked every apply", a.write.Verb("released", "would release"), from)
	case result.Outcome == apply.Applied:
		if pods := restarts(result); pods > 0 {
			a.Messages.Note("the pod template %s, which restarts %s", a.write.Verb("changed", "would change"), printer.Pods(pods))
		}
		a.noteWriters()
	}
	return cli.Exit(code)
}

// restarts returns how many pods an adoption restarts at most.
func restarts(r apply.Result) int32 {
	if !r.TemplateChanged() {
		return 0
	}
	return r.Before.Restarts
}

// noteWriters prints a note about what adoption cannot know: whether the managers
// still write.
func (a *adoption) noteWriters() {
	writers := slices.DeleteFunc(slices.Clone(a.from), func(name string) bool { return name == fieldmanager.BeforeFirstApply })
	if len(writers) > 0 && !a.gone {
		a.Messages.Note("if %s still writes these ports, it will own them again together with %s: stop it, or have it leave them out", strings.Join(writers, " or "), a.write.FieldManager)
	}
}
