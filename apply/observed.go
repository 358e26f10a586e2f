package apply

import (
	"github.com/portside-dev/portside/fieldmanager"
)

// look is a container's ports as they are, with their owners.
type look struct {
	us fieldmanager.Manager
	// ports are in live order; of several items with one key it is the first.
	ports  []*livePort
	byKey  map[portKey]*livePort
	byName map[string]*livePort
}

type livePort struct {
	key  portKey
	name string
	// owners own the item; others are those of them that are not us.
	owners, others []fieldmanager.Manager
	ours           bool
	// namers own the name and are not us; nameIsOurs tells whether we do too.
	namers     []fieldmanager.Manager
	nameIsOurs bool
	// twice tells that another item has the same key.
	twice bool
}

// lookAt reads the container. A port that our entry names and the container
// does not have is not there: what we own is what both say.
func lookAt(entries fieldmanager.Entries, us fieldmanager.Manager, c *workload.Container) *look {
	l := &look{us: us, byKey: make(map[portKey]*livePort, len(c.Ports)), byName: make(map[string]*livePort, len(c.Ports))}
	owners := entries.In(portsOf(c.Name))
	for i := range c.Ports {
		p := &c.Ports[i]
		key := portKey{p.ContainerPort, p.Protocol}
		live, known := l.byKey[key]
		if known {
			live.twice = true
		} else {
			live = l.read(key, p.Name, owners.Of(key.fields()))
			l.byKey[key] = live
			l.ports = append(l.ports, live)
		}
		if p.Name != "" {
			l.byName[p.Name] = live
		}
	}
	return l
}

func (l *look) read(key portKey, name string, owners fieldmanager.ItemOwners) *livePort {
	p := &livePort{key: key, name: name, owners: owners.Item}
	p.others, p.ours = without(owners.Item, l.us)
	p.namers, p.nameIsOurs = without(owners.Leaves["name"], l.us)
	return p
}

// without is managers without one, and whether it was there.
func without(managers []fieldmanager.Manager, m fieldmanager.Manager) ([]fieldmanager.Manager, bool) {
	var rest []fieldmanager.Manager
	found := false
	for _, other := range managers {
		if other == m {
			found = true
		} else {
			rest = append(rest, other)
		}
	}
	return rest, found
}

// namedByOwner tells that another manager owns both the port and its name.
func (p *livePort) namedByOwner() bool {
	for _, m := range p.others {
		if _, names := without(p.namers, m); names {
			return true
		}
	}
	return false
}

// namedByAnother tells that we own the port alone, and that another manager gave
// it the name it has. We never delete such a port.
func (p *livePort) namedByAnother() bool {
	return p.ours && len(p.others) == 0 && p.name != "" && !p.nameIsOurs && len(p.namers) > 0
}
