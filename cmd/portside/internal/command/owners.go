package command

import (
	"slices"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/output"
	"github.com/portside-dev/portside/fieldmanager"
)

type ownersCommand struct {
	*session
	print     printFlags
	container string
}

// ownersReport is the document that owners prints.
type ownersReport struct {
	Target targetName   `json:"target"`
	Ports  []ownedPorts `json:"ports"`
}

type ownedPorts struct {
	Container string          `json:"container"`
	Name      string          `json:"name"`
	Port      int32           `json:"port"`
	Protocol  corev1.Protocol `json:"protocol"`
	HostPort  int32           `json:"hostPort,omitempty"`
	HostIP    string          `json:"hostIP,omitempty"`
	// Managers own the port or a field of it.
	Managers []portManager `json:"managers"`
}

// portManager is what a manager owns of one port.
type portManager struct {
	fieldmanager.Manager
	// OwnsPort tells that the port stays as long as this manager declares it.
	// One that owns fields alone does not keep it.
	OwnsPort bool `json:"ownsPort"`
	// Fields are the port's fields whose values it owns.
	Fields []string `json:"fields"`
	// LastWrite is when it last changed something that it owns, anywhere in
	// the workload, as far as managedFields say.
	LastWrite *metav1.Time `json:"lastWrite,omitempty"`
}

func newOwners(s *session) *cobra.Command {
	o := &ownersCommand{session: s}
	cmd := &cobra.Command{
		Use:   "owners KIND/NAME",
		Short: "Show every container port and the managers that own it",
		Long: `Show every container port of a workload and the managers that own it, as its
managedFields say. A port stays as long as one owner declares it.

-o wide has a line for each manager: how it writes, which fields of the port it
owns (a manager may own a field, such as hostPort, and not the port), and when
it last changed anything that it owns in this workload. -o name prints the
names of the owners.`,
		Example: `  portside owners statefulset/dittofs
  portside owners sts dittofs -c dittofs -o wide`,
		Args:              workloadArgument,
		ValidArgsFunction: s.completeWorkloads,
		RunE:              func(cmd *cobra.Command, args []string) error { return o.owners(cmd, args) },
	}
	o.print.add(cmd)
	containerFlag(cmd, s, &o.container, "Show the ports of this container alone")
	return cmd
}

func (o *ownersCommand) owners(cmd *cobra.Command, args []string) error {
	target, err := o.workload(args)
	if err != nil {
		return err
	}
	w, err := o.look(cmd, target)
	if err != nil {
		return err
	}
	if o.container != "" {
		if _, err := w.Container(o.container); err != nil {
			return err
		}
	}
	report, err := readOwners(w, o.container)
	if err != nil {
		return err
	}
	switch o.print.format {
	case output.JSON, output.YAML:
		return output.WriteDocument(o.out, o.print.format, report)
	case output.Name:
		return report.writeNames(o.out)
	}
	if len(report.Ports) == 0 {
		o.messages.Note("%s declares no container port", target)
		return nil
	}
	if o.print.format == output.Wide {
		return report.wideTable(time.Now()).Write(o.out, !o.print.noHeaders)
	}
	return report.table().Write(o.out, !o.print.noHeaders)
}

// look reads a workload that must be there.
func (s *session) look(cmd *cobra.Command, target workload.Target) (*workload.Workload, error) {
	applier, err := s.applier(apply.DefaultFieldManager, dryRunServer)
	if err != nil {
		return nil, err
	}
	w, err := applier.Get(cmd.Context(), target)
	if err != nil {
		return nil, readError(target, err)
	}
	return w, nil
}

func readOwners(w *workload.Workload, container string) (*ownersReport, error) {
	owned, err := apply.Owners(w)
	if err != nil {
		return nil, err
	}
	report := &ownersReport{Target: nameOf(w.Target), Ports: []ownedPorts{}}
	for _, p := range owned {
		if container != "" && p.Container != container {
			continue
		}
		report.Ports = append(report.Ports, ownedPorts{
			Container: p.Container,
			Name:      p.Port.Name,
			Port:      p.Port.ContainerPort,
			Protocol:  p.Port.Protocol,
			HostPort:  p.Port.HostPort,
			HostIP:    p.Port.HostIP,
			Managers:  managersOf(w, p.Owners),
		})
	}
	return report, nil
}

// managersOf turns the owners of a port around: what each manager owns of it.
func managersOf(w *workload.Workload, owners fieldmanager.ItemOwners) []portManager {
	managers := []portManager{}
	of := func(m fieldmanager.Manager) *portManager {
		at := slices.IndexFunc(managers, func(p portManager) bool { return p.Manager == m })
		if at < 0 {
			managers = append(managers, portManager{Manager: m, Fields: []string{}, LastWrite: lastWrite(w, m)})
			at = len(managers) - 1
		}
		return &managers[at]
	}
	for _, m := range owners.Item {
		of(m).OwnsPort = true
	}
	for field, leafOwners := range owners.Leaves {
		for _, m := range leafOwners {
			p := of(m)
			p.Fields = append(p.Fields, field)
		}
	}
	for i := range managers {
		slices.Sort(managers[i].Fields)
	}
	slices.SortFunc(managers, func(a, b portManager) int { return a.Compare(b.Manager) })
	return managers
}

// lastWrite is the time of a manager's entry: the latest, where it has several
// for several API versions.
func lastWrite(w *workload.Workload, m fieldmanager.Manager) *metav1.Time {
	var last *metav1.Time
	for _, e := range w.ManagedFields {
		if (fieldmanager.Manager{Name: e.Manager, Operation: e.Operation, Subresource: e.Subresource}) != m {
			continue
		}
		if last == nil || last.Before(e.Time) {
			last = e.Time
		}
	}
	return last
}

// readError returns the error for a workload that could not be read.
func readError(target workload.Target, err error) error {
	if apierrors.IsNotFound(err) {
		return notFound(target)
	}
	return targetError(target, err)
}
