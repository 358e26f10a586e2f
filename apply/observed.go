package apply

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/portside-dev/portside/apply/port"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/fieldmanager"
)

// Observed is a workload or a Service as it was read, with the owners of its ports, from
// the point of view of an [Applier].
type Observed struct {
	*workload.Workload

	applier    *Applier
	definition *workload.Definition
	entries    fieldmanager.Entries
	lists      []workload.PortList
	ports      []*port.Observed // of the lists, in their order
}

// Observe reads the owners of the ports of a workload or a Service. It is pure. Its error is a kind that is
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
	o := &Observed{Workload: w, applier: a, definition: d, entries: entries, lists: w.Lists()}
	o.ports = make([]*port.Observed, len(o.lists))
	for i := range o.lists {
		if o.ports[i], err = port.Observe(o.lists[i].List, a.us(), entries, o.lists[i].Items); err != nil {
			return nil, err
		}
	}
	return o, nil
}

// HasClaim reports whether our field manager has an entry in the workload's
// managedFields, so that a [Applier.Release] has something to give up.
func (a *Applier) HasClaim(w *workload.Workload) bool { return len(a.claim(w)) > 0 }

// claim returns our entries of managedFields, as they were read.
func (a *Applier) claim(w *workload.Workload) []metav1.ManagedFieldsEntry {
	var ours []metav1.ManagedFieldsEntry
	managed := w.Managed()
	for i := range managed {
		if fieldmanager.ManagerOf(&managed[i]) == a.us() {
			ours = append(ours, managed[i])
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

// livePort is a port together with the container it is in, none for a Service's.
type livePort struct {
	container string
	port.Port
}

// status returns the port with a state.
func (p livePort) status(s port.State) PortStatus {
	return PortStatus{Name: p.Name, Port: int64(p.Number), Protocol: p.Protocol, TargetPort: p.TargetPort, NodePort: p.NodePort, State: s}
}

// live calls with each port of each list and what was observed of it. Ports of one list
// that have one key have one observation.
func (o *Observed) live(call func(livePort, *port.Live)) {
	for i := range o.lists {
		list := &o.lists[i]
		for _, item := range list.Items {
			call(livePort{list.Container, list.Port(item)}, o.ports[i].Find(item.Key))
		}
	}
}

// own returns the live ports that we own in all lists, in order.
func (o *Observed) own() []livePort {
	var own []livePort
	o.live(func(p livePort, live *port.Live) {
		if live.Ours {
			own = append(own, p)
		}
	})
	return own
}

// OwnPorts returns the live ports that we own in a container, in order; the container is
// found as [workload.Workload.Container] finds it. For a Service, which has no container,
// they are those of the Service. Its error is a [workload.ContainerError].
func (o *Observed) OwnPorts(container string) ([]port.Port, error) {
	container, err := o.listOf(container)
	if err != nil {
		return nil, err
	}
	var ports []port.Port
	for _, p := range o.own() {
		if p.container == container {
			ports = append(ports, p.Port)
		}
	}
	return ports, nil
}

// listOf returns the name of the container that has the list of ports, which is found by
// its name as [workload.Workload.Container] finds it. For a Service it is empty.
func (o *Observed) listOf(container string) (string, error) {
	switch {
	case o.Service == nil:
		c, err := o.Workload.Container(container)
		if err != nil {
			return "", err
		}
		return c.Name, nil
	case container != "":
		return "", &workload.TargetError{Target: o.Target, Err: fmt.Errorf("a Service has no container %q", container)}
	}
	return "", nil
}

// portsOf returns what was observed of a list of ports, nil for that of a container that
// is gone.
func (o *Observed) portsOf(container string) *port.Observed {
	i := o.indexOf(container)
	if i < 0 {
		return nil
	}
	return o.ports[i]
}

func (o *Observed) indexOf(container string) int {
	return slices.IndexFunc(o.lists, func(l workload.PortList) bool { return l.Container == container })
}

// ownersOf returns the managers that own a port, none where it is gone.
func (o *Observed) ownersOf(p livePort) []fieldmanager.Manager {
	if ports := o.portsOf(p.container); ports != nil {
		if live := ports.Find(ports.List.Item(p.Port).Key); live != nil {
			return live.Owners
		}
	}
	return nil
}

// gone returns the ports that are not live.
func (o *Observed) gone(ports []livePort) []livePort {
	return slices.DeleteFunc(slices.Clone(ports), func(p livePort) bool {
		live := o.portsOf(p.container)
		return live != nil && live.Find(live.List.Item(p.Port).Key) != nil
	})
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
