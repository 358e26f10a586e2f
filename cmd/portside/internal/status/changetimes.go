package status

import (
	"slices"

	"github.com/portside-dev/portside/apply/v1alpha1"
)

// changeTimes returns the ports with the time of our last change of each: that
// of a change which is not in status yet, or else what status had.
func (f Facts) changeTimes(ports, before []v1alpha1.PortStatus) []v1alpha1.PortStatus {
	for i := range ports {
		p := &ports[i]
		if old := find(before, *p); old != nil {
			p.LastChangeTime = old.LastChangeTime
		}
		for _, change := range f.Changes {
			if slices.ContainsFunc(change.Ports, func(c v1alpha1.ChangedPort) bool { return f.added(c, *p) }) {
				p.LastChangeTime = &change.Time
			}
		}
	}
	return ports
}

// added reports whether the port is the one that was added.
func (f Facts) added(c v1alpha1.ChangedPort, p v1alpha1.PortStatus) bool {
	return c.Change == v1alpha1.PortAdded && c.Container == f.Container &&
		c.Name == p.Name && int64(c.Port) == p.Port && c.Protocol == p.Protocol
}
