package controller

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"k8s.io/client-go/util/flowcontrol"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/recorder"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/cache"
	"github.com/portside-dev/portside/cmd/portside/internal/discovery"
	"github.com/portside-dev/portside/cmd/portside/internal/metrics"
	"github.com/portside-dev/portside/cmd/portside/internal/rollout"
	"github.com/portside-dev/portside/cmd/portside/internal/status"
)

// reconciler keeps the ports of targets in sync with their AdapterSets.
type reconciler struct {
	manager  string   // the field manager
	excluded []string // namespaces whose workloads are not written to
	resync   time.Duration
	clock    clock.WithTicker
	cluster  *cache.Cluster
	watches  *cache.Watches
	sources  discovery.Sources
	poller   *discovery.Poller
	applier  *apply.Applier
	client   client.Client
	gate     *rollout.Gate
	queue    priorityqueue.PriorityQueue[workload.Target] // set when the controller starts
	events   recorder.EventRecorder
	metrics  *metrics.Metrics
	states   states

	statusBackoff *flowcontrol.Backoff // by target

	resume  sync.Mutex // guards resumed
	resumed bool       // the rollouts of a process before this one hold their places
}

// Reconcile implements reconcile.TypedReconciler.
func (r *reconciler) Reconcile(ctx context.Context, t workload.Target) (reconcile.Result, error) {
	if err := r.resumeRollouts(ctx); err != nil {
		return reconcile.Result{}, err
	}
	sets, err := r.cluster.AdapterSets(t)
	if err != nil {
		return reconcile.Result{}, err
	}
	set, others := winner(sets)
	if set == nil {
		at, err := r.leave(ctx, t, len(sets) > 0)
		return r.requeueAt(t, at, err)
	}
	s := r.states.get(t)
	at, err := r.reconcile(ctx, s, t, set)
	for _, other := range others {
		until, yieldErr := r.yield(ctx, s, set, other)
		at, err = earliest(time.Time{}, at, until), errors.Join(err, yieldErr)
	}
	return r.requeueAt(t, at, err)
}

// reconcile syncs the ports of a target with its AdapterSet. It returns when to
// reconcile again, zero if an event follows.
func (r *reconciler) reconcile(ctx context.Context, s *state, t workload.Target, set *v1alpha1.AdapterSet) (time.Time, error) {
	s.released = false
	if !set.DeletionTimestamp.IsZero() {
		return r.finalize(ctx, s, t, set)
	}
	s.deletion = deletion{}
	if err := r.syncFinalizer(ctx, set); err != nil {
		return time.Time{}, err
	}
	in, err := r.observe(ctx, s, t, set)
	if err != nil {
		return time.Time{}, err
	}
	leaving, err := r.leaveServices(ctx, s, in)
	if err != nil {
		return time.Time{}, err
	}
	desired := r.desired(ctx, s, in)
	services := r.syncServices(ctx, s, in, desired.inactive)
	desired = desired.hold(services.leaving)
	plan := r.decide(ctx, s, in, desired)
	verdict := r.ask(s, in, plan)
	outcome := r.apply(ctx, s, in, plan, verdict)
	r.gate.Leave(&s.State, t, verdict.Reason == rollout.LimitReached, s.rolling && (outcome.rolling || !in.stuck))
	if outcome.changed || services.changed {
		r.enqueue(t, cache.Reporting) // the ports of other targets come before this report
		return time.Time{}, nil
	}
	s.due.set(earliest(in.now, s.nextResync(verdict, outcome), services.resync))
	at := earliest(in.now, s.Progress.StuckAt(), desired.nextRemoval, desired.contentionDue, plan.retryAt, verdict.Until, outcome.retryAt, services.at)
	if in.silent {
		return at, nil
	}
	facts := in.facts(s, desired, plan, verdict, outcome)
	if facts.Services = services.facts; facts.Services != nil { // else status keeps those that it has
		facts.Services = append(facts.Services, leaving...)
	}
	reported, until := r.report(ctx, s, set, facts)
	if reported {
		s.reported()
	}
	return earliest(in.now, at, until), nil
}

// winner returns the oldest AdapterSet that is not being deleted, or else one that has
// ports to remove. The others name the same workload.
func winner(sets []*v1alpha1.AdapterSet) (*v1alpha1.AdapterSet, []*v1alpha1.AdapterSet) {
	for _, wins := range []func(*v1alpha1.AdapterSet) bool{
		func(s *v1alpha1.AdapterSet) bool { return s.DeletionTimestamp.IsZero() },
		hasFinalizer,
	} {
		if i := slices.IndexFunc(sets, wins); i >= 0 {
			return sets[i], slices.Delete(slices.Clone(sets), i, i+1)
		}
	}
	return nil, nil
}

// yield reports that another AdapterSet has the same target. An AdapterSet that is being
// deleted leaves its ports to that one.
func (r *reconciler) yield(ctx context.Context, s *state, winner, set *v1alpha1.AdapterSet) (until time.Time, err error) {
	switch {
	case set.DeletionTimestamp.IsZero():
		_, until = r.report(ctx, s, set, status.Facts{
			FieldManager: r.manager, Why: status.TargetTaken,
			Because: "AdapterSet " + winner.Name + " is older and has the same target; delete one of them",
		})
		return until, nil
	case winner.DeletionTimestamp.IsZero():
		return time.Time{}, r.dropFinalizer(ctx, set)
	}
	return time.Time{}, nil // the winner is finalized first, and this one after it
}

// excludes reports whether the installation excludes the namespace of a target.
func (r *reconciler) excludes(t workload.Target) bool {
	return slices.Contains(r.excluded, t.Namespace)
}
