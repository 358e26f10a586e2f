package apply

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/portside-dev/portside/apply/port"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/fieldmanager"
)

// Observed is a workload as it was read, with the owners of the ports of its
// containers, from the point of view of an [Applier].
type Observed struct {
	*workload.Workload

	applier    *Applier
	definition *workload.Definition
	entries    fieldmanager.Entries
	ports      []*port.Observed // of the containers, in their order
}

// Observe reads the owners of a workload's ports. It is pure. Its error is a kind that is
// not known, or managedFields that cannot be read.
func (a *Applier) Observe(w *workload.Workload) (*Observed, error) {
	d, err := a.define(w.Kind)
	if err != nil {
		return nil, err
	}
	entries, err := w.Entries()
	if err != nil {
		return nil, err
	}
	o := &Observed{Workload: w, applier: a, definition: d, entries: entries, ports: make([]*port.Observed, len(w.Containers))}
	for i, c := range w.Containers {
		list := workload.Ports(c.Name)
		items := make([]port.Item, len(c.Ports))
		for j, p := range c.Ports {
			items[j] = itemOf(list, p)
		}
		if o.ports[i], err = port.Observe(list, a.us(), entries, items); err != nil {
			return nil, err
		}
	}
	return o, nil
}

func itemOf(list port.List, p corev1.ContainerPort) port.Item {
	return list.Item(port.Port{Name: p.Name, Number: p.ContainerPort, Protocol: p.Protocol})
}

// HasClaim reports whether our field manager has an entry in the workload's
// managedFields, so that a [Applier.Release] has something to give up.
func (a *Applier) HasClaim(w *workload.Workload) bool { return len(a.claim(w)) > 0 }

// claim returns our entries of managedFields, as they were read.
func (a *Applier) claim(w *workload.Workload) []metav1.ManagedFieldsEntry {
	var ours []metav1.ManagedFieldsEntry
	for i := range w.ManagedFields {
		if fieldmanager.ManagerOf(&w.ManagedFields[i]) == a.us() {
			ours = append(ours, w.ManagedFields[i])
		}
	}
	return ours
}

// ours returns our entries, and others those of other managers.
func (o *Observed) ours() fieldmanager.Entries   { return o.entriesOf(true) }
func (o *Observed) others() fieldmanager.Entries { return o.entriesOf(false) }

func (o *Observed) entriesOf(us bool) fieldmanager.Entries {
	return slices.DeleteFunc(slices.Clone(o.entries), func(e fieldmanager.Entry) bool { return (e.Manager == o.applier.us()) != us })
}

// containerPort is a port together with the container it is in.
type containerPort struct {
	container string
	corev1.ContainerPort
}

// status returns the port with a state.
func (p containerPort) status(s port.State) PortStatus {
	return PortStatus{Name: p.Name, Port: int64(p.ContainerPort.ContainerPort), Protocol: p.Protocol, State: s}
}

// live calls with each port of each container and what was observed of it. Ports of one
// container that have one key have one observation.
func (o *Observed) live(call func(containerPort, *port.Live)) {
	for i, c := range o.Containers {
		for _, p := range c.Ports {
			call(containerPort{c.Name, p}, o.ports[i].Find(itemOf(o.ports[i].List, p).Key))
		}
	}
}

// own returns the live ports that we own in all containers, in order.
func (o *Observed) own() []containerPort {
	var own []containerPort
	o.live(func(p containerPort, live *port.Live) {
		if live.Ours {
			own = append(own, p)
		}
	})
	return own
}

// OwnPorts returns the live ports that we own in a container, in order; the container
// is found as [workload.Workload.Container] finds it. Its error is a
// [workload.ContainerError].
func (o *Observed) OwnPorts(container string) ([]corev1.ContainerPort, error) {
	c, err := o.Container(container)
	if err != nil {
		return nil, err
	}
	var ports []corev1.ContainerPort
	for _, p := range o.own() {
		if p.container == c.Name {
			ports = append(ports, p.ContainerPort)
		}
	}
	return ports, nil
}

// portsOf returns what was observed of a container, nil for one that is gone.
func (o *Observed) portsOf(container string) *port.Observed {
	i := o.indexOf(container)
	if i < 0 {
		return nil
	}
	return o.ports[i]
}

func (o *Observed) indexOf(container string) int {
	return slices.IndexFunc(o.Containers, func(c workload.Container) bool { return c.Name == container })
}

// ownersOf returns the managers that own a port, none where it is gone.
func (o *Observed) ownersOf(p containerPort) []fieldmanager.Manager {
	if ports := o.portsOf(p.container); ports != nil {
		if live := ports.Find(itemOf(ports.List, p.ContainerPort).Key); live != nil {
			return live.Owners
		}
	}
	return nil
}

// gone returns the ports that the workload does not have.
func (o *Observed) gone(ports []containerPort) []containerPort {
	return slices.DeleteFunc(slices.Clone(ports), func(p containerPort) bool {
		live := o.portsOf(p.container)
		return live != nil && live.Find(itemOf(live.List, p.ContainerPort).Key) != nil
	})
}

// OwnedPort is a container port with the managers that own it.
type OwnedPort struct {
	Container string
	Port      corev1.ContainerPort
	Owners    fieldmanager.ItemOwners
}

// Owners returns every port of every container, in order, with its owners. It
// is pure. Its error is managedFields that cannot be read.
func Owners(w *workload.Workload) ([]OwnedPort, error) {
	entries, err := w.Entries()
	if err != nil {
		return nil, err
	}
	var owned []OwnedPort
	for _, c := range w.Containers {
		list := workload.Ports(c.Name)
		owners := entries.In(list.At)
		for _, p := range c.Ports {
			of, err := owners.Of(itemOf(list, p).Key)
			if err != nil {
				return nil, err
			}
			owned = append(owned, OwnedPort{c.Name, p, of})
		}
	}
	return owned, nil
}

// changedTo reports whether a write of ours, answered with what was observed after it, was
// a change to the server. It compares our entry and our ports alone: the resourceVersion
// also moves with what others write at the same time.
func (o *Observed) changedTo(after *Observed) bool {
	if o.ResourceVersion == after.ResourceVersion && !o.applier.dryRun {
		return false
	}
	ours := o.applier.claim(after.Workload)
	if o.TrimmedFor != "" {
		ours = workload.TrimmedEntries(ours, o.applier.manager)
	}
	return !equality.Semantic.DeepEqual(o.applier.claim(o.Workload), ours) || !slices.Equal(o.own(), after.own())
}
