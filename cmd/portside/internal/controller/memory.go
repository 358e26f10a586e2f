package controller

import (
	"context"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"

	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/rollout"
	"github.com/portside-dev/portside/cmd/portside/internal/status"
)

// memory is what is kept of a target from one reconciliation to the next. Only
// the one reconciliation of the target uses it.
type memory struct {
	workloadMemory

	// writes paces those of status.
	writes rollout.Writes
	// fullPass is when the server is asked again, whatever is known.
	fullPass time.Time
	// holders are the targets that held a place when the target last had to wait
	// for one. They are looked up again at holdersUntil, and not each time, so that
	// status does not change with each of them.
	holders      []workload.Target
	holdersUntil time.Time
	// requestedAt is the last request for a reconcile that was handled, which status
	// may not have yet.
	requestedAt string
	// gaveUp tells that the AdapterSet is gone, and what we owned was given up.
	gaveUp bool
	// unrecorded are our changes of the ports that status does not have yet.
	unrecorded unrecorded

	// answer is the workload as the API server answered our last write, until the
	// cache has caught up with it.
	answer *workload.Workload
	// statusSent are the statuses as the server last answered, by the
	// AdapterSets' names, until the watch has caught up.
	statusSent map[string]sentStatus
}

// workloadMemory is the part of a memory that is about one workload. A workload of
// the same name that replaces it, with another uid, starts with a new one:
// contention, back-off, stabilization and rollouts were the other workload's.
type workloadMemory struct {
	rollout.Target

	uid types.UID // empty before the workload was first observed
	// refused are the facts of a change that the server did not take, told until it
	// is tried again.
	refused *status.Facts
	// rolling tells that a rollout that we caused is under way.
	rolling bool
	// removing tells that the removal of the ports of a deleted AdapterSet caused
	// it, so that it counts although the AdapterSet is gone.
	removing bool
	// refusals is how often in a row the API server has refused to remove the ports
	// of an AdapterSet that is being deleted, and retained tells that they stay,
	// which was reported.
	refusals int
	retained bool
	// gaveUpPlace tells that this rollout is stuck and has given its place up,
	// which is still to be told.
	gaveUpPlace bool
	// put are the ports that the last pass put there and status does not tell of
	// yet, removed those that passes took away and that status may still list; lost
	// are those that another manager took away and that are not back, taken those
	// of which that is still to be told.
	put, removed, lost, taken []portID
	// contended are the ports that another manager removed, while that counts.
	contended []portID
}

type sentStatus struct {
	resourceVersion string
	status          v1alpha1.AdapterSetStatus
}

// proceeds reports whether the rollout is under way and not stuck.
func (m *memory) proceeds(now time.Time, rollout workload.Rollout) bool {
	m.Rollout.Saw(now, rollout)
	return rollout.UnderWay && !m.Rollout.Stuck(now, rollout)
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
	of map[workload.Target]*memory
}

func (m *memories) get(t workload.Target) *memory {
	m.mu.Lock()
	defer m.mu.Unlock()
	one, known := m.of[t]
	if !known {
		one = &memory{}
		m.of[t] = one
	}
	return one
}

func (m *memories) forget(t workload.Target) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.of, t)
	if len(m.of) == 0 {
		m.of = map[workload.Target]*memory{} // Go's maps never become smaller
	}
}

// workload returns a target as cached, or as the API server last answered a write of
// ours where the cache has not caught up with that; nil where it does not exist.
func (r *reconciler) workload(ctx context.Context, m *memory, t workload.Target) (*workload.Workload, error) {
	cached, err := r.cluster.Workload(ctx, t)
	if err != nil {
		return nil, err
	}
	if answer := m.answer; cached != nil && answer != nil && answer.UID == cached.UID && older(cached.ResourceVersion, answer.ResourceVersion) {
		return answer, nil
	}
	m.answer = nil
	return cached, nil
}
