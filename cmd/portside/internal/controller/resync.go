package controller

import (
	"context"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/cache"
	"github.com/portside-dev/portside/cmd/portside/internal/rollout"
)

const (
	// resyncInterval is the time between two searches for targets whose resync is due.
	resyncInterval = time.Minute
	// resyncJitter is the part of the period by which a resync may come later.
	resyncJitter = 0.1
)

// resyncs enqueues the targets whose resync is due. An item in the queue for each, which
// waits for hours, would take more memory.
func (r *reconciler) resyncs(ctx context.Context) error {
	tick := r.clock.NewTicker(resyncInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C():
			for _, t := range r.states.due(r.clock.Now()) {
				r.enqueue(t, cache.Noticed)
			}
		}
	}
}

// scheduleResync spreads the first resyncs over the whole period, so that a restart does
// not ask the API server for all targets at once.
func (r *reconciler) scheduleResync(s *state, now time.Time) {
	if s.resyncAt.IsZero() {
		s.resyncAt = now.Add(time.Duration(rand.Int64N(int64(r.resync)) + 1))
	}
}

// nextResync returns when the API server is to be asked again about ports that are as
// desired, zero if they are not.
func (s *state) nextResync(v rollout.Verdict, o outcome) time.Time {
	if v.Action == rollout.UpToDate || o.accepted {
		return s.resyncAt
	}
	return time.Time{}
}

// due is when a target is reconciled for a resync, never for the zero value. The
// target's reconcile sets it, and resyncs takes it at the same time.
type due struct{ nanoseconds atomic.Int64 } // Unix time

func (d *due) set(at time.Time) {
	if at.IsZero() {
		d.nanoseconds.Store(0)
		return
	}
	d.nanoseconds.Store(at.UnixNano())
}

// take reports whether the time has come, once.
func (d *due) take(now time.Time) bool {
	at := d.nanoseconds.Load()
	return at != 0 && at <= now.UnixNano() && d.nanoseconds.CompareAndSwap(at, 0)
}

// due returns the targets whose time has come, and takes it.
func (s *states) due(now time.Time) []workload.Target {
	s.mu.Lock()
	defer s.mu.Unlock()
	var targets []workload.Target
	for t, state := range s.of {
		if state.due.take(now) {
			targets = append(targets, t)
		}
	}
	return targets
}
