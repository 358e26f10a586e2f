package controller

import (
	"time"

	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/cache"
)

// earliest returns the first of the times that are after now, zero if none is.
func earliest(now time.Time, times ...time.Time) (first time.Time) {
	for _, t := range times {
		if t.After(now) && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	return first
}

// requeueAt returns the result of a reconcile that is repeated at a time, or, if that is
// zero, at the next event.
func (r *reconciler) requeueAt(t workload.Target, at time.Time, err error) (reconcile.Result, error) {
	if err != nil || at.IsZero() {
		return reconcile.Result{}, err
	}
	after := at.Sub(r.clock.Now())
	if after <= 0 {
		r.wake(t)
		return reconcile.Result{}, nil
	}
	return reconcile.Result{RequeueAfter: after, Priority: new(cache.Changed)}, nil
}

// newQueue returns the controller's queue. The reconciler keeps it, so that not only
// events of the cluster enqueue targets.
func (r *reconciler) newQueue(name string, limiter workqueue.TypedRateLimiter[workload.Target]) workqueue.TypedRateLimitingInterface[workload.Target] {
	r.queue = priorityqueue.New(name, func(o *priorityqueue.Opts[workload.Target]) { o.RateLimiter = limiter })
	if _, isReal := r.clock.(clock.RealClock); !isReal {
		r.queue = newClockQueue(r.queue, r.clock)
	}
	return r.queue
}

// enqueue has a target reconciled.
func (r *reconciler) enqueue(t workload.Target, priority int) {
	r.queue.AddWithOpts(priorityqueue.AddOpts{Priority: &priority}, t)
}

// wake has a target reconciled whose desired ports may have changed.
func (r *reconciler) wake(t workload.Target) { r.enqueue(t, cache.Changed) }

// clockQueue is a queue whose delays are those of a clock that a test injects, which
// controller-runtime's queue does not take.
type clockQueue struct {
	priorityqueue.PriorityQueue[workload.Target]
	delayed workqueue.TypedDelayingInterface[workload.Target]
}

func newClockQueue(queue priorityqueue.PriorityQueue[workload.Target], c clock.WithTicker) *clockQueue {
	q := &clockQueue{queue, workqueue.NewTypedDelayingQueueWithConfig(workqueue.TypedDelayingQueueConfig[workload.Target]{Clock: c})}
	go func() {
		for {
			t, shutdown := q.delayed.Get()
			if shutdown {
				return
			}
			q.PriorityQueue.Add(t)
			q.delayed.Done(t)
		}
	}()
	return q
}

// AddWithOpts implements priorityqueue.PriorityQueue.
func (q *clockQueue) AddWithOpts(o priorityqueue.AddOpts, targets ...workload.Target) {
	if o.After <= 0 {
		q.PriorityQueue.AddWithOpts(o, targets...)
		return
	}
	for _, t := range targets {
		q.delayed.AddAfter(t, o.After)
	}
}

// ShutDown implements priorityqueue.PriorityQueue.
func (q *clockQueue) ShutDown() {
	q.delayed.ShutDown()
	q.PriorityQueue.ShutDown()
}
