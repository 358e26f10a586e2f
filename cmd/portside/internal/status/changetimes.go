package status

import (
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/cmd/portside/internal/rollout"
)

// times returns the ports with the time of our last change of each, which is that of a
// change which is not in status yet, or else what status had; and with the time since
// which each has waited for the next rollout.
func (f Facts) times(ports, before []v1alpha1.PortStatus, now time.Time) []v1alpha1.PortStatus {
	for i := range ports {
		p := &ports[i]
		if f.defers(*p) {
			p.DeferredSince = &metav1.Time{Time: now.Truncate(time.Second)}
		}
		if old := find(before, *p); old != nil {
			p.LastChangeTime = old.LastChangeTime
			if p.DeferredSince != nil && old.DeferredSince != nil {
				p.DeferredSince = old.DeferredSince
			}
		}
		for _, change := range f.Changes {
			if slices.ContainsFunc(change.Ports, func(c v1alpha1.ChangedPort) bool { return f.added(c, *p) }) {
				p.LastChangeTime = &change.Time
			}
		}
	}
	return ports
}

// defers reports whether a port is added or removed with the next rollout.
func (f Facts) defers(p v1alpha1.PortStatus) bool {
	if f.Deferred != rollout.NextRollout {
		return false
	}
	removal := f.removal(p)
	return p.State == string(Pending) || removal != nil && removal.Due
}

// added reports whether the port is the one that was added.
func (f Facts) added(c v1alpha1.ChangedPort, p v1alpha1.PortStatus) bool {
	return c.Change == v1alpha1.PortAdded && c.Container == f.Container && c.Service == f.Service &&
		c.Name == p.Name && int64(c.Port) == p.Port && c.Protocol == p.Protocol
}
