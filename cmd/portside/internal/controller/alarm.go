package controller

import (
	"container/heap"
	"context"
	"sync"
	"time"

	"k8s.io/utils/clock"

	"github.com/portside-dev/portside/apply"
)

// alarm brings targets back at a time of the clock that is injected, which
// controller-runtime's queue knows nothing of. Unlike client-go's delaying
// queue it keeps one time of a target, the last that was asked for, and nothing
// of a target that it was told to forget: a full pass is hours away.
type alarm struct {
	clock clock.Clock
	wake  func(apply.Target)

	mu    sync.Mutex
	of    map[apply.Target]*call
	calls calls
	// sooner is told when another call is the first.
	sooner chan struct{}
}

// call is the time when a target is brought back.
type call struct {
	target apply.Target
	at     time.Time
	place  int // among the calls
}

func newAlarm(c clock.Clock, wake func(apply.Target)) *alarm {
	return &alarm{clock: c, wake: wake, of: map[apply.Target]*call{}, sooner: make(chan struct{}, 1)}
}

// at brings the target back at that time and at no other; a zero time does not
// bring it back.
func (a *alarm) at(t apply.Target, when time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	known := a.of[t]
	switch {
	case when.IsZero():
		a.drop(known)
		return
	case known == nil:
		known = &call{target: t, at: when}
		a.of[t] = known
		heap.Push(&a.calls, known)
	case known.at.Equal(when):
		return
	default:
		known.at = when
		heap.Fix(&a.calls, known.place)
	}
	if known.place == 0 {
		select {
		case a.sooner <- struct{}{}:
		default: // it is told already
		}
	}
}

// forget does not bring the target back.
func (a *alarm) forget(t apply.Target) { a.at(t, time.Time{}) }

func (a *alarm) drop(c *call) {
	if c == nil {
		return
	}
	heap.Remove(&a.calls, c.place)
	delete(a.of, c.target)
	if len(a.of) == 0 {
		a.of, a.calls = map[apply.Target]*call{}, nil // Go's maps never become smaller
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
func (a *alarm) due(now time.Time) (due []apply.Target, next time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for len(a.calls) > 0 {
		first := a.calls[0]
		if first.at.After(now) {
			return due, first.at
		}
		due = append(due, first.target)
		a.drop(first)
	}
	return due, time.Time{}
}

// calls are a heap, the earliest first.
type calls []*call

// Len implements heap.Interface.
func (c calls) Len() int { return len(c) }

// Less implements heap.Interface.
func (c calls) Less(i, j int) bool { return c[i].at.Before(c[j].at) }

// Swap implements heap.Interface.
func (c calls) Swap(i, j int) {
	c[i], c[j] = c[j], c[i]
	c[i].place, c[j].place = i, j
}

// Push implements heap.Interface.
func (c *calls) Push(one any) {
	last, _ := one.(*call)
	last.place = len(*c)
	*c = append(*c, last)
}

// Pop implements heap.Interface.
func (c *calls) Pop() any {
	end := len(*c) - 1
	last := (*c)[end]
	(*c)[end] = nil
	*c = (*c)[:end]
	return last
}
