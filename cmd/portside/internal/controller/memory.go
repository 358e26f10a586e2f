package controller

import (
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/util/resourceversion"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/cmd/portside/internal/holding"
	"github.com/portside-dev/portside/cmd/portside/internal/status"
)

// memory is what is kept of a target from one reconciliation to the next. Only
// the one reconciliation of the target uses it.
type memory struct {
	holding.Target

	// fullPass is when the server is asked again, whatever is known.
	fullPass time.Time
	// resumed tells that what status says of a rollout and a fight was taken up.
	resumed bool
	// refused are the facts of a change that the server did not take, told until it
	// is tried again.
	refused *status.Facts
	// rolling tells that a rollout that we caused is under way.
	rolling bool
	// gaveUp tells that the AdapterSet is gone, and what we owned was given up.
	gaveUp bool
	// put are the ports that the last pass put there and status does not tell of
	// yet, lost those that somebody took away and that are not back, taken those
	// of which that is still to be told.
	put, lost, taken []portID

	// statusSent are the statuses as the server last answered, by the
	// AdapterSets' names, until the watch has caught up.
	statusSent map[string]sentStatus
}

type sentStatus struct {
	resourceVersion string
	status          v1alpha1.AdapterSetStatus
}

// statusOf is the newer of what is watched and what was sent.
func (m *memory) statusOf(set *v1alpha1.AdapterSet) v1alpha1.AdapterSetStatus {
	sent, known := m.statusSent[set.Name]
	if !known {
		return set.Status
	}
	if !older(set.ResourceVersion, sent.resourceVersion) {
		delete(m.statusSent, set.Name)
		return set.Status
	}
	return sent.status
}

// older compares versions of one object. Where they cannot be compared, what is
// watched is taken.
func older(a, b string) bool {
	order, err := resourceversion.CompareResourceVersion(a, b)
	return err == nil && order < 0
}

// memories are those of all targets.
type memories struct {
	mu sync.Mutex
	of map[apply.Target]*memory
}

func (m *memories) get(t apply.Target) *memory {
	m.mu.Lock()
	defer m.mu.Unlock()
	one, known := m.of[t]
	if !known {
		one = &memory{}
		m.of[t] = one
	}
	return one
}

func (m *memories) forget(t apply.Target) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.of, t)
	if len(m.of) == 0 {
		m.of = map[apply.Target]*memory{} // Go's maps never become smaller
	}
}
