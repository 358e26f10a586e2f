package controller

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/cmd/portside/internal/holding"
	"github.com/portside-dev/portside/cmd/portside/internal/mirror"
	"github.com/portside-dev/portside/cmd/portside/internal/prober"
	"github.com/portside-dev/portside/cmd/portside/internal/status"
)

// telling is the priority of what is only said, below that of ports.
const telling = -10

// reconciler makes the ports of targets true.
type reconciler struct {
	manager  string
	fullPass time.Duration
	clock    clock.WithTicker
	mirror   *mirror.Mirror
	prober   *prober.Prober
	applier  *apply.Applier
	client   client.Client
	limit    *holding.Limit[apply.Target]
	alarm    *alarm
	teller   teller
	metrics  *measures

	memories memories
}

// Reconcile implements reconcile.TypedReconciler.
func (r *reconciler) Reconcile(ctx context.Context, t apply.Target) (reconcile.Result, error) {
	ctx = logr.NewContext(ctx, logr.FromContextOrDiscard(ctx).WithValues("target", t.String()))
	now := r.clock.Now()
	set, others := winner(r.mirror.AdapterSets(t))
	if set == nil {
		return reconcile.Result{}, r.leave(ctx, t)
	}
	m := r.memories.get(t)
	for _, other := range others {
		facts := status.Facts{Why: status.TargetTaken, Because: "the AdapterSet " + set.Name + " is older and names the same workload; delete one of them", FieldManager: r.manager}
		if err := r.tell(ctx, m, other, facts, now); err != nil {
			return reconcile.Result{}, err
		}
	}
	w := &work{reconciler: r, memory: m, target: t, set: set, told: m.statusOf(set), now: now}
	w.target.Container = set.Spec.Container
	if !set.DeletionTimestamp.IsZero() {
		if done, err := w.remove(ctx); done || err != nil {
			return reconcile.Result{}, err
		}
	} else {
		if err := r.finalizer(ctx, set); err != nil {
			return reconcile.Result{}, err
		}
		w.ports(ctx)
	}
	r.alarm.at(t, now, w.again)
	if w.wrote {
		m.unsaid = true
		return reconcile.Result{RequeueAfter: time.Nanosecond, Priority: new(telling)}, nil
	}
	return reconcile.Result{}, r.tell(ctx, m, set, w.facts, now)
}

// winner is the oldest AdapterSet that is not on its way out, or else one that
// has its ports to take along. The others name the same workload.
func winner(sets []*v1alpha1.AdapterSet) (*v1alpha1.AdapterSet, []*v1alpha1.AdapterSet) {
	for i, set := range sets {
		if set.DeletionTimestamp.IsZero() {
			var others []*v1alpha1.AdapterSet
			for _, other := range sets[i+1:] {
				if other.DeletionTimestamp.IsZero() {
					others = append(others, other)
				}
			}
			return set, others
		}
	}
	for _, set := range sets {
		if hasFinalizer(set) {
			return set, nil
		}
	}
	return nil, nil
}

// leave gives up what we own of a workload whose AdapterSet is gone. The ports
// stay.
func (r *reconciler) leave(ctx context.Context, t apply.Target) error {
	r.prober.Forget(t)
	r.limit.End(t)
	r.memories.forget(t)
	if !r.mirror.Left(t) {
		return nil
	}
	if look := r.mirror.Workload(t); look != nil {
		if look.Paused {
			return nil // its next change, such as the end of the pause, comes back here
		}
		if r.applier.Holds(look) {
			result, err := r.applier.Release(ctx, t, true)
			r.metrics.passed(result)
			if err != nil {
				return err
			}
			logr.FromContextOrDiscard(ctx).V(1).Info("gave up a workload whose AdapterSet was deleted; its ports stay", "outcome", result.Outcome)
		}
	}
	r.mirror.GaveUp(t)
	return nil
}

// jittered is a period of a full pass: up to a tenth shorter or longer.
func jittered(period time.Duration) time.Duration {
	return time.Duration(float64(period) * (0.9 + 0.2*rand.Float64()))
}
