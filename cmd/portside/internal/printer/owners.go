package printer

import (
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/duration"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/fieldmanager"
)

// Owners is the document that owners prints.
type Owners struct {
	Target Target      `json:"target"`
	Ports  []ownedPort `json:"ports"`
	// Backends are where the ports of a Service lead, if that was read.
	Backends []backend `json:"backends,omitempty"`
}

type ownedPort struct {
	Container string          `json:"container"`
	Name      string          `json:"name"`
	Port      int32           `json:"port"`
	Protocol  corev1.Protocol `json:"protocol"`
	HostPort  int32           `json:"hostPort,omitempty"`
	HostIP    string          `json:"hostIP,omitempty"`
	// TargetPort, NodePort and AppProtocol are those of a port of a Service, which has no
	// container.
	TargetPort  *intstr.IntOrString `json:"targetPort,omitempty"`
	NodePort    int32               `json:"nodePort,omitempty"`
	AppProtocol *string             `json:"appProtocol,omitempty"`
	// Managers own the port or a field of it.
	Managers []portManager `json:"managers"`
}

// portManager is what a manager owns of a port.
type portManager struct {
	fieldmanager.Manager
	// OwnsPort means that the port stays as long as this manager declares it. A
	// manager that owns only fields does not keep it.
	OwnsPort bool `json:"ownsPort"`
	// Fields are the port's fields whose values it owns.
	Fields []string `json:"fields"`
	// LastWrite is when it last changed a field that it owns, anywhere in the
	// object, according to managedFields.
	LastWrite *metav1.Time `json:"lastWrite,omitempty"`
}

// OwnersOf returns the ports of a Service or a workload with their owners: those of one
// container if it is named, or else of all. Its error is managedFields that cannot
// be read.
func OwnersOf(w *workload.Workload, container string) (*Owners, error) {
	owners := &Owners{Target: TargetOf(w.Target), Ports: []ownedPort{}}
	inService, err := apply.ServiceOwners(w)
	if err != nil {
		return nil, err
	}
	for _, p := range inService {
		owners.Ports = append(owners.Ports, ownedPort{
			Name: p.Port.Name, Port: p.Port.Port, Protocol: p.Port.Protocol, TargetPort: targetPort(p.Port.TargetPort),
			NodePort: p.Port.NodePort, AppProtocol: p.Port.AppProtocol, Managers: managersOf(w, p.Owners),
		})
	}
	owned, err := apply.Owners(w)
	if err != nil {
		return nil, err
	}
	for _, p := range owned {
		if container == "" || p.Container == container {
			owners.Ports = append(owners.Ports, ownedPort{
				Container: p.Container, Name: p.Port.Name, Port: p.Port.ContainerPort, Protocol: p.Port.Protocol,
				HostPort: p.Port.HostPort, HostIP: p.Port.HostIP, Managers: managersOf(w, p.Owners),
			})
		}
	}
	return owners, nil
}

// managersOf returns what each manager owns of a port.
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

// lastWrite returns the time of a manager's entry: the latest, if it has several
// for several API versions.
func lastWrite(w *workload.Workload, m fieldmanager.Manager) *metav1.Time {
	var last *metav1.Time
	for _, e := range w.ManagedFields {
		if fieldmanager.ManagerOf(&e) != m {
			continue
		}
		if last == nil || last.Before(e.Time) {
			last = e.Time
		}
	}
	return last
}

// Table returns a row for each port, or in a wide table one for each manager of a
// port.
func (o *Owners) Table(wide bool) Table {
	var t Table
	service := o.Target.kind == workload.Service
	switch {
	case service:
		t.Columns = []string{"PORT", "NUMBER", "TARGETPORT", "NODEPORT"}
	case wide:
		t.Columns = []string{"CONTAINER", "PORT", "NUMBER", "HOST"}
	default:
		t.Columns = []string{"CONTAINER", "PORT", "NUMBER"}
	}
	if wide {
		t.Columns = append(t.Columns, "MANAGER", "OPERATION", "LAST WRITE", "OWNS")
	} else {
		t.Columns = append(t.Columns, "OWNERS")
	}
	now := time.Now()
	for i := range o.Ports {
		p := &o.Ports[i]
		row := []string{p.Container, orNone(p.Name), number(p.Port, p.Protocol)}
		switch {
		case service:
			row = append(row[1:], orNone(p.target()), orNone(p.node()))
		case wide:
			row = append(row, orNone(p.host()))
		}
		switch {
		case !wide:
			t.Rows = append(t.Rows, append(row, list(p.owners())))
		case len(p.Managers) == 0:
			t.Rows = append(t.Rows, append(row, none, none, none, "no manager owns it"))
		default:
			for _, m := range p.Managers {
				t.Rows = append(t.Rows, append(slices.Clone(row), m.Name, operation(m.Manager), age(m.LastWrite, now), m.owns()))
			}
		}
	}
	return t
}

// Object implements [OfObject].
func (o *Owners) Object() Target { return o.Target }

// Names returns the owners of all ports, each once.
func (o *Owners) Names() []string {
	var names []string
	for i := range o.Ports {
		names = append(names, o.Ports[i].owners()...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// owners returns the managers that own the port itself.
func (p *ownedPort) owners() []string {
	var owners []fieldmanager.Manager
	for _, m := range p.Managers {
		if m.OwnsPort {
			owners = append(owners, m.Manager)
		}
	}
	return fieldmanager.Names(owners)
}

func (p *ownedPort) host() string {
	switch {
	case p.HostPort == 0:
		return p.HostIP
	case p.HostIP == "":
		return fmt.Sprint(p.HostPort)
	}
	return fmt.Sprintf("%s:%d", p.HostIP, p.HostPort)
}

func (p *ownedPort) target() string {
	if p.TargetPort == nil {
		return ""
	}
	return p.TargetPort.String()
}

func (p *ownedPort) node() string {
	if p.NodePort == 0 {
		return ""
	}
	return fmt.Sprint(p.NodePort)
}

// operation returns how a manager writes: "Apply", or "Update of status".
func operation(m fieldmanager.Manager) string {
	if m.Subresource != "" {
		return fmt.Sprintf("%s of %s", m.Operation, m.Subresource)
	}
	return string(m.Operation)
}

// owns returns "the port: name, protocol" or, without the port, "only hostPort".
func (m portManager) owns() string { return owns("port", m.OwnsPort, m.Fields) }

// owns returns what a manager owns of an item of a list: the item, or only fields.
func owns(item string, whole bool, fields []string) string {
	text := strings.Join(fields, ", ")
	switch {
	case !whole:
		return "only " + text
	case text == "":
		return "the " + item
	}
	return "the " + item + ": " + text
}

// age returns how long ago something was, as kubectl's tables have it.
func age(t *metav1.Time, now time.Time) string {
	if t == nil {
		return "<unknown>"
	}
	return duration.HumanDuration(now.Sub(t.Time))
}
