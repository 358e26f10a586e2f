package controller

import (
	"context"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"

	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/adapterset"
	"github.com/portside-dev/portside/cmd/portside/internal/rollout"
)

// state is what is kept of a target from one reconcile to the next. Only the one
// reconcile of the target uses it.
type state struct {
	workloadState

	pace pace // of the writes of status
	// resyncAt is when the API server is asked although the ports are up to date.
	resyncAt time.Time
	// due is when the target is reconciled for a resync, see resyncs.
	due due
	// requestedAt is the last request for a reconcile that was handled, which status
	// may not have yet.
	requestedAt string
	// released reports that the AdapterSet is gone, and what we owned was given up.
	released bool
	// answer is the workload as the API server answered our last write, nil once the
	// cache has caught up with it.
	answer *workload.Workload
	// services are the states of the Services that the AdapterSet names, by name.
	services map[string]*state
	// stored are the statuses as we last stored them, by the AdapterSets' names, until
	// the cache has caught up with them.
	stored map[string]*storedStatus
}

// workloadState is the part of a state that is about one workload, by its UID. Another
// workload of the name begins with a new one: contention, back-off, stabilization and
// rollouts were of the workload before.
type workloadState struct {
	rollout.State

	uid   types.UID // empty before the workload was first observed
	ports portRecord
	// changes are our changes of the ports that status does not have yet.
	changes []v1alpha1.PortsChange
	// failed is the outcome of a change that the API server did not take, which is
	// reported until the change is tried again.
	failed *outcome
	// rolling reports that a rollout that we caused is under way, and gaveUpPlace that
	// it is stuck and has given its place up, which is still to be reported.
	rolling, gaveUpPlace bool
	deletion             deletion
}

// deletion is the state of an AdapterSet that is being deleted.
type deletion struct {
	// removing reports that the removal of its ports caused the rollout under way,
	// which counts although the AdapterSet is gone.
	removing bool
	// refusals is how often in a row the API server has refused to remove the ports.
	refusals int
	// retained reports that the ports stay, which was reported.
	retained bool
}

// service returns the state of a Service.
func (s *state) service(name string) *state {
	if s.services == nil {
		s.services = map[string]*state{}
	}
	one, known := s.services[name]
	if !known {
		one = &state{}
		s.services[name] = one
	}
	return one
}

// begin begins a new workloadState if the state is about another workload. It reports
// whether it is.
func (r *reconciler) begin(s *state, uid types.UID) bool {
	if s.uid == uid {
		return false
	}
	r.gate.Retry(&s.State, s.uid)
	s.workloadState = workloadState{uid: uid}
	return true
}

// reported drops what status has now.
func (s *state) reported() {
	s.ports.reported()
	s.changes, s.gaveUpPlace = nil, false
	for _, service := range s.services {
		service.reported()
	}
}

type storedStatus struct {
	resourceVersion string
	status          v1alpha1.AdapterSetStatus
}

// states are those of all targets.
type states struct {
	mu sync.Mutex
	of map[workload.Target]*state
}

func (s *states) get(t workload.Target) *state {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.of == nil {
		s.of = map[workload.Target]*state{}
	}
	one, known := s.of[t]
	if !known {
		one = &state{}
		s.of[t] = one
	}
	return one
}

func (s *states) forget(t workload.Target) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.of, t)
	if len(s.of) == 0 {
		s.of = nil // Go's maps never shrink
	}
}

// workload returns a target as cached, or as the API server answered our last write if
// the cache has not caught up with that; nil if it does not exist.
func (r *reconciler) workload(ctx context.Context, s *state, t workload.Target) (*workload.Workload, error) {
	cached, err := r.cluster.Workload(ctx, t)
	if err != nil {
		return nil, err
	}
	if answer := s.answer; cached != nil && answer != nil && answer.UID == cached.UID && older(cached.ResourceVersion, answer.ResourceVersion) {
		return answer, nil
	}
	s.answer = nil
	return cached, nil
}

// statusOf returns the status of an AdapterSet as cached, or as we stored it if the
// cache has not caught up with that.
func (s *state) statusOf(set *v1alpha1.AdapterSet) v1alpha1.AdapterSetStatus {
	if stored, known := s.stored[set.Name]; known && older(set.ResourceVersion, stored.resourceVersion) {
		return stored.status
	}
	delete(s.stored, set.Name)
	if len(s.stored) == 0 {
		s.stored = nil // an empty map takes memory
	}
	return set.Status
}

// older compares the versions of one object. It is false for versions that cannot be
// compared.
func older(a, b string) bool {
	order, err := resourceversion.CompareResourceVersion(a, b)
	return err == nil && order < 0
}

// resumeRollouts gives places to the rollouts that a process before this one caused,
// before this one causes any. A target that has no such rollout by the time it is
// reconciled gives its place back.
func (r *reconciler) resumeRollouts(ctx context.Context) error {
	r.resume.Lock()
	defer r.resume.Unlock()
	if r.resumed {
		return nil
	}
	for _, set := range r.cluster.AllAdapterSets() {
		t := adapterset.Target(set)
		w, err := r.cluster.Workload(ctx, t)
		if err != nil {
			return err
		}
		if w != nil && causedRollout(&set.Status, w) {
			r.gate.Resume(t)
		}
	}
	r.resumed = true
	return nil
}
