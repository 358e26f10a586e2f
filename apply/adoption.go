package apply

import (
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/portside-dev/portside/apply/port"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/fieldmanager"
)

// adoption is what is to be done about one container.
type adoption struct {
	container string
	list      port.List
	// take are the ports to transfer, and from the managers that have them.
	take []fieldmanager.Key
	from []fieldmanager.Manager
	// remove removes adapter ports that share their key with a static port;
	// drop are those keys.
	remove []fieldmanager.PatchOperation
	drop   []fieldmanager.Key
	ports  []PortStatus
	// ofEmpty own the list of ports, which is empty.
	ofEmpty []fieldmanager.Manager
	// applied are the ports that applier, one of from, owns by an Apply.
	applied []port.Port
	applier fieldmanager.Manager
}

// Adoptable returns the containers, in their order, in which [Applier.Adopt] from these
// managers has something to do: they own adapter ports there, or an adoption that was
// interrupted between its two writes is to be completed.
func (o *Observed) Adoptable(from ...string) []string {
	var containers []string
	for i := range o.lists {
		list := &o.lists[i]
		if len(withNames(o.ownersOfEmpty(list.Container), from)) > 0 || slices.ContainsFunc(o.ports[i].Items, func(p *port.Live) bool {
			return isOwnedBy(p, from) && hasAdapterPort(list, p.Key) || o.isToGiveBack(p)
		}) {
			containers = append(containers, list.Container)
		}
	}
	return containers
}

func isOwnedBy(p *port.Live, names []string) bool {
	return slices.ContainsFunc(p.Owners, func(m fieldmanager.Manager) bool { return slices.Contains(names, m.Name) })
}

// isToGiveBack reports whether p is a static port that our Update entry came to own as a
// side effect of an adoption's patch.
func (o *Observed) isToGiveBack(p *port.Live) bool {
	return o.Service == nil && !isAdapters(p.Name) && slices.Contains(p.Owners, fieldmanager.Updater(o.applier.manager))
}

func isAdapters(name string) bool { return strings.HasPrefix(name, port.NamePrefix) }

// hasAdapterPort reports whether one of the items of the key, of which there may be two,
// is an adapter port.
func hasAdapterPort(list *workload.PortList, key fieldmanager.Key) bool {
	return slices.ContainsFunc(list.Items, func(i port.Item) bool { return isAdapters(i.Name) && i.Key == key })
}

// adoption returns what is to be done about a container.
func (o *Observed) adoption(container string, from []string) *adoption {
	at := o.indexOf(container)
	observed := o.ports[at]
	s := &adoption{container: container, list: observed.List, ofEmpty: withNames(o.ownersOfEmpty(container), from)}
	for _, e := range o.entries {
		if slices.Contains(from, e.Name) && e.Subresource == "" && !slices.Contains(s.from, e.Manager) {
			s.from = append(s.from, e.Manager)
		}
	}
	for i, item := range o.lists[at].Items {
		live := observed.Find(item.Key)
		if !isAdapters(item.Name) || !isOwnedBy(live, from) {
			continue
		}
		p := s.list.Port(item)
		s.appliedBy(live, p, from)
		if live.Duplicate {
			s.dropCopy(o, at, i)
			continue
		}
		s.take = append(s.take, live.Key)
		s.ports = append(s.ports, livePort{container, p}.status(port.Owned))
	}
	return s
}

// appliedBy notes a port that one of the managers owns by an Apply, for the first
// such manager.
func (s *adoption) appliedBy(live *port.Live, p port.Port, from []string) {
	for _, m := range live.Others {
		if m.Operation == metav1.ManagedFieldsOperationApply && slices.Contains(from, m.Name) && (len(s.applied) == 0 || s.applier == m) {
			s.applier = m
			s.applied = append(s.applied, p)
			return
		}
	}
}

// dropCopy plans to remove the adapter port at i, provided that it is still
// there and that a static port with its key remains.
func (s *adoption) dropCopy(o *Observed, at, i int) {
	list := &o.lists[at]
	key := list.Items[i].Key
	static := slices.ContainsFunc(list.Items, func(q port.Item) bool { return !isAdapters(q.Name) && q.Key == key })
	status := livePort{s.container, list.Port(list.Items[i])}.status(port.Blocked)
	status.Reason = port.ReasonDuplicateKey
	if !static {
		status.Message = "several adapter ports have this number and protocol; remove all but one by hand"
		s.ports = append(s.ports, status)
		return
	}
	// The last copy is removed first, so that the indices of those before it hold.
	s.remove = append(list.Remove(i), s.remove...)
	s.drop = append(s.drop, key)
	status.State, status.Message = port.Removed, "a static port has the same number and protocol; it stays"
	s.ports = append(s.ports, status)
}

// staticOwner returns the manager that declares a container's static ports: the only
// one, besides us and those we adopt from, that declares the container, and
// the owner of every static port there that has one. Where that is not so, no manager
// gets the key, and its owner's next apply takes it: given to the wrong
// manager, that manager's next apply would remove the port.
func (o *Observed) staticOwner(container string, from []string) (fieldmanager.Manager, bool) {
	declared, err := o.entries.In(workload.Containers()).Of(fieldmanager.KeyOf("name", container))
	owners := slices.DeleteFunc(declared.Item, func(m fieldmanager.Manager) bool {
		return m.Name == o.applier.manager || slices.Contains(from, m.Name) || m.Name == fieldmanager.BeforeFirstApply
	})
	if err != nil || len(owners) != 1 {
		return fieldmanager.Manager{}, false
	}
	declares := false
	for _, p := range o.portsOf(container).Items {
		others := slices.DeleteFunc(slices.Clone(p.Others), func(m fieldmanager.Manager) bool { return m.Name == o.applier.manager })
		if isAdapters(p.Name) || len(others) == 0 {
			continue
		}
		if !slices.Contains(others, owners[0]) {
			return fieldmanager.Manager{}, false
		}
		declares = true
	}
	return owners[0], declares
}
