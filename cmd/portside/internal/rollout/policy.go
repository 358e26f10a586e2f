package rollout

import (
	"fmt"
	"time"

	"k8s.io/utils/ptr"

	"github.com/portside-dev/portside/apply/v1alpha1"
)

// Policy is when the ports of inactive adapters are removed, and how status reports
// that. The zero value removes them at once.
type Policy struct{ delay time.Duration }

// PolicyOf returns the policy of an AdapterSet's spec.rollout.
func PolicyOf(spec v1alpha1.Rollout) Policy {
	return Policy{delay: time.Duration(ptr.Deref(spec.RemovalDelaySeconds, 0)) * time.Second}
}

// due returns when the port of an adapter that is inactive is to be removed. It is zero
// while that cannot be known.
func (p Policy) due(i inactive) time.Time {
	if i.since.IsZero() {
		return time.Time{}
	}
	return i.since.Add(p.delay - i.counted)
}

// Pending returns which removals are to come, for the condition Reconciling. It is empty
// if none is.
func (p Policy) Pending(removals []Removal) string {
	if len(removals) == 0 {
		return ""
	}
	return fmt.Sprintf("ports of inactive adapters are removed after %s (removalDelaySeconds)", p.delay)
}

// Text returns when a port is to be removed, for its message. Deferred is why the change
// is not applied yet. The text stays the same while the removal delay advances.
func (p Policy) Text(r Removal, deferred Reason) string {
	adapter := "adapter " + r.Adapter.Type
	switch {
	case r.Due && deferred == NextRollout:
		return fmt.Sprintf("%s has been inactive for %s; the port is removed with the next rollout", adapter, p.delay)
	case r.Due:
		return fmt.Sprintf("%s has been inactive for %s; the port is about to be removed", adapter, p.delay)
	case r.At.IsZero():
		return fmt.Sprintf("%s is inactive; the port is removed after %s, without rollouts and incomplete polls", adapter, p.delay)
	}
	return fmt.Sprintf("%s is inactive; the port will be removed at %s", adapter, r.Time())
}
