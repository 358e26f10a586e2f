package controller

import (
	"container/heap"
	"context"
	"sync"
	"time"

	"k8s.io/utils/clock"

	"github.com/portside-dev/portside/apply/workload"
)

// alarm brings targets back at a time of the clock that is injected, which
// controller-runtime's queue knows nothing of. Unlike client-go's delaying
// queue it keeps one time of a target, the last that was asked for, and nothing
// of a target that it was told to forget: a full pass is hours away.
type alarm struct {
	clock clock.Clock
	wake  func(workload.Target)

	mu    sync.Mutex
	calls calls
	// sooner is told when another call is the first.
	sooner chan struct{}
}

// call is the time when a target is brought back.
type call struct {
	target workload.Target
	at     time.Time
}

func newAlarm(c clock.Clock, wake func(workload.Target)) *alarm {
	return &alarm{clock: c, wake: wake, calls: newCalls(), sooner: make(chan struct{}, 1)}
}

// at brings the target back at that time and at no other; a zero time does not
// bring it back.
func (a *alarm) at(t workload.Target, when time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	place, known := a.calls.placeOf[t]
	switch {
	case when.IsZero():
		if known {
			a.drop(place)
		}
		return
	case !known:
		heap.Push(&a.calls, call{t, when})
	case a.calls.all[place].at.Equal(when):
		return
	default:
		a.calls.all[place].at = when
		heap.Fix(&a.calls, place)
	}
	if a.calls.placeOf[t] == 0 {
		select {
		case a.sooner <- struct{}{}:
		default: // it is told already
		}
	}
}

// forget does not bring the target back.
func (a *alarm) forget(t workload.Target) { a.at(t, time.Time{}) }

func (a *alarm) drop(place int) {
	heap.Remove(&a.calls, place)
	if a.calls.Len() == 0 {
		a.calls = newCalls() // Go's maps never become smaller
	}
}

// Start brings targets back until ctx ends. It is controller-runtime's Runnable;
// it needs to lead.
func (a *alarm) Start(ctx context.Context) error {
	for {
		now := a.clock.Now()
		due, next := a.due(now)
		for _, t := range due {
			a.wake(t)
		}
		var ring <-chan time.Time // never, where there is nothing to wait for
		stop := func() bool { return false }
		if !next.IsZero() {
			timer := a.clock.NewTimer(next.Sub(now))
			ring, stop = timer.C(), timer.Stop
			if a.clock.Since(now) > time.Millisecond { // by so much the timer is late
				stop()
				continue
			}
		}
		select {
		case <-ring:
		case <-a.sooner:
		case <-ctx.Done():
			stop()
			return nil
		}
		stop()
	}
}

// due are those whose time has come, and when that of the next comes, zero where
// there is none.
func (a *alarm) due(now time.Time) (due []workload.Target, next time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for a.calls.Len() > 0 {
		first := a.calls.all[0]
		if first.at.After(now) {
			return due, first.at
		}
		due = append(due, first.target)
		a.drop(0)
	}
	return due, time.Time{}
}

// calls are a heap, the earliest first.
type calls struct {
	all     []call
	placeOf map[workload.Target]int
}

func newCalls() calls { return calls{placeOf: map[workload.Target]int{}} }

// Len implements heap.Interface.
func (c *calls) Len() int { return len(c.all) }

// Less implements heap.Interface.
func (c *calls) Less(i, j int) bool { return c.all[i].at.Before(c.all[j].at) }

// Swap implements heap.Interface.
func (c *calls) Swap(i, j int) {
	c.all[i], c.all[j] = c.all[j], c.all[i]
	c.placeOf[c.all[i].target], c.placeOf[c.all[j].target] = i, j
}

// Push implements heap.Interface.
func (c *calls) Push(one any) {
	last, _ := one.(call)
	c.placeOf[last.target] = len(c.all)
	c.all = append(c.all, last)
}

// Pop implements heap.Interface.
func (c *calls) Pop() any {
	end := len(c.all) - 1
	last := c.all[end]
	c.all[end] = call{}
	c.all = c.all[:end]
	delete(c.placeOf, last.target)
	return last
}
