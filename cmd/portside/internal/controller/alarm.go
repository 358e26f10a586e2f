package controller

import (
	"context"
	"sync"
	"time"

	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/clock"

	"github.com/portside-dev/portside/apply"
)

// alarm brings targets back at a time of the clock that is injected, which
// controller-runtime's queue knows nothing of. A target may come back early;
// then it finds nothing to do.
type alarm struct {
	clock clock.Clock
	queue func() workqueue.TypedDelayingInterface[apply.Target]
	wake  func(apply.Target)
}

// newAlarm makes an alarm. Its queue, which has a goroutine, is there once it is
// used: not where this process never leads.
func newAlarm(c clock.WithTicker, wake func(apply.Target)) *alarm {
	return &alarm{
		clock: c,
		queue: sync.OnceValue(func() workqueue.TypedDelayingInterface[apply.Target] {
			return workqueue.NewTypedDelayingQueueWithConfig(workqueue.TypedDelayingQueueConfig[apply.Target]{Clock: c})
		}),
		wake: wake,
	}
}

// at brings the target back. A time that was over when it was asked for does
// nothing: whoever asked is there.
func (a *alarm) at(t apply.Target, now, when time.Time) {
	if when.After(now) {
		a.queue().AddAfter(t, when.Sub(a.clock.Now()))
	}
}

// Start passes targets on until ctx ends. It is controller-runtime's Runnable;
// it needs to lead.
func (a *alarm) Start(ctx context.Context) error {
	stop := context.AfterFunc(ctx, a.queue().ShutDown)
	defer stop()
	for {
		t, ended := a.queue().Get()
		if ended {
			return nil
		}
		a.queue().Done(t)
		a.wake(t)
	}
}
