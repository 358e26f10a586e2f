package controller

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/adapterset"
	"github.com/portside-dev/portside/cmd/portside/internal/cache"
	"github.com/portside-dev/portside/cmd/portside/internal/discovery"
	"github.com/portside-dev/portside/cmd/portside/internal/rollout"
	"github.com/portside-dev/portside/cmd/portside/internal/status"
)

// reconciler makes the ports of targets true.
type reconciler struct {
	manager  string
	excluded []string // namespaces whose workloads are not written to
	fullPass time.Duration
	clock    clock.WithTicker
	cluster  *cache.Cluster
	watches  *cache.Watches
	sources  discovery.Sources
	poller   *discovery.Poller
	applier  *apply.Applier
	client   client.Client
	limit    *rollout.Limit[workload.Target]
	alarm    *alarm
	queue    priorityqueue.PriorityQueue[workload.Target] // from when the controller starts
	teller   teller
	metrics  *measures

	memories memories
	takeUp   sync.Mutex // guards tookUp
	tookUp   bool       // the rollouts of a process before this one hold their places
}

// Reconcile implements reconcile.TypedReconciler.
func (r *reconciler) Reconcile(ctx context.Context, t workload.Target) (reconcile.Result, error) {
	if err := r.takeUpRollouts(ctx); err != nil {
		return reconcile.Result{}, err
	}
	now := r.clock.Now()
	sets, err := r.cluster.AdapterSets(t)
	if err != nil {
		return reconcile.Result{}, err
	}
	set, others := winner(sets)
	if set == nil {
		return reconcile.Result{}, r.leave(ctx, t, len(sets) > 0)
	}
	m := r.memories.get(t)
	m.gaveUp = false
	w := &work{reconciler: r, memory: m, target: t, set: set, told: m.statusOf(set), now: now}
	err = w.do(ctx)
	for _, other := range others {
		err = errors.Join(err, w.yield(ctx, other))
	}
	r.alarm.at(t, w.again)
	switch {
	case err != nil:
		return reconcile.Result{}, err
	case w.wrote:
		return reconcile.Result{RequeueAfter: time.Nanosecond, Priority: new(cache.Reporting)}, nil
	case w.retry > 0:
		return reconcile.Result{RequeueAfter: w.retry, Priority: new(cache.Reporting)}, nil
	}
	return reconcile.Result{}, nil
}

// takeUpRollouts gives places to the rollouts that a process before this one
// caused, before this one causes any. A target that finds when its turn comes
// that it has none gives its place back.
func (r *reconciler) takeUpRollouts(ctx context.Context) error {
	r.takeUp.Lock()
	defer r.takeUp.Unlock()
	if r.tookUp {
		return nil
	}
	for _, set := range r.cluster.AllAdapterSets() {
		t := adapterset.Target(set)
		look, err := r.cluster.Workload(ctx, t)
		if err != nil {
			return err
		}
		if look != nil && causedRollout(&set.Status, look) {
			r.limit.Resume(t)
		}
	}
	r.tookUp = true
	return nil
}

// do has the ports be as the AdapterSet says, and tells. After a write that is
// left to the next reconciliation.
func (w *work) do(ctx context.Context) error {
	defer w.makeRoom()
	if !w.set.DeletionTimestamp.IsZero() {
		if done, err := w.remove(ctx); done || err != nil {
			return err
		}
	} else {
		w.removing, w.retained, w.refusals = false, false, 0
		if err := w.finalizer(ctx, w.set); err != nil {
			return err
		}
		if err := w.ports(ctx); err != nil {
			return err
		}
	}
	if w.wrote || w.silent {
		return nil
	}
	if w.tell(ctx, w.set, w.facts) {
		w.put, w.removed, w.taken, w.gaveUpPlace = nil, nil, nil, false
	}
	return nil
}

// makeRoom gives back the place that the target has no use for: it waits for
// none, and no rollout of its own is under way, or it is stuck.
func (w *work) makeRoom() {
	if w.waits {
		return
	}
	w.holders = nil
	if !w.rolling || w.facts.Stuck {
		w.limit.End(w.target)
	}
}

// winner is the oldest AdapterSet that is not on its way out, or else one that
// has its ports to take along. The others name the same workload.
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

// yield has an AdapterSet say that another has its workload. One that is on its
// way out leaves its ports to that one.
func (w *work) yield(ctx context.Context, set *v1alpha1.AdapterSet) error {
	switch {
	case set.DeletionTimestamp.IsZero():
		w.tell(ctx, set, status.Facts{
			FieldManager: w.manager, Why: status.TargetTaken,
			Because: "AdapterSet " + w.set.Name + " is older and has the same target; delete one of them",
		})
	case w.set.DeletionTimestamp.IsZero():
		return w.dropFinalizer(ctx, set)
	}
	return nil // its turn comes
}

// leave gives up what we own of a workload whose AdapterSet is gone. The ports
// stay. Its place among the rollouts goes with the AdapterSet, but for a rollout
// by which the deletion removes the ports: many AdapterSets that are deleted
// together must not restart all of their workloads at once. An AdapterSet that is
// being deleted may still name the workload.
func (r *reconciler) leave(ctx context.Context, t workload.Target, named bool) error {
	r.poller.Forget(t)
	r.alarm.forget(t)
	m := r.memories.get(t)
	look, err := r.workload(ctx, m, t)
	if err != nil {
		return err
	}
	if m.rolling = m.removing && look != nil && m.proceeds(r.clock.Now(), look.Rollout); !m.rolling {
		r.limit.End(t)
	}
	left := r.watches.Left(t)
	if look != nil && left && !r.excludes(t) {
		if gaveUp, err := r.giveUp(ctx, m, t); !gaveUp || err != nil {
			return err // where it is paused, its next change comes back here
		}
	}
	if m.rolling && (left || named) {
		r.alarm.at(t, m.Rollout.StuckAt()) // when it is complete before, there is a change
		return nil
	}
	r.limit.End(t)
	r.memories.forget(t)
	r.watches.GaveUp(t)
	return nil
}

// giveUp releases a workload. It asks the server whatever the last look says,
// which may be from before our last write. It is false where the workload is
// paused.
func (r *reconciler) giveUp(ctx context.Context, m *memory, t workload.Target) (done bool, err error) {
	if m.gaveUp {
		return true, nil
	}
	result, err := r.applier.Release(ctx, t, true)
	r.metrics.passed(result)
	if err != nil || result.Outcome == apply.Paused {
		return false, err
	}
	m.gaveUp = true
	if result.After != nil {
		m.answer = result.After
	}
	logr.FromContextOrDiscard(ctx).V(1).Info("gave up a workload whose AdapterSet was deleted; its ports stay", "outcome", result.Outcome)
	return true, nil
}

// jittered is a period of a full pass: up to a tenth shorter or longer.
func jittered(period time.Duration) time.Duration {
	return time.Duration(float64(period) * (0.9 + 0.2*rand.Float64()))
}
