package rollout_test

import (
	"slices"
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"

	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/rollout"
)

func newGate(most int) *rollout.Gate {
	limit := rollout.NewLimit(most, func(t workload.Target) string { return t.Namespace }, func(workload.Target) {})
	return rollout.NewGate(limit, clocktesting.NewFakeClock(start))
}

func TestGate(t *testing.T) {
	t.Parallel()
	const window = 10 * time.Second
	underWay := workload.Rollout{UnderWay: true}
	deferred := func(reason rollout.Reason, until time.Duration) rollout.Verdict {
		v := rollout.Verdict{Action: rollout.Defer, Reason: reason}
		if until > 0 {
			v.Until = start.Add(until)
		}
		return v
	}
	apply := rollout.Verdict{Action: rollout.Apply}
	for name, c := range map[string]struct {
		after   time.Duration
		rollout workload.Rollout
		change  rollout.Change
		failed  bool
		want    rollout.Verdict
	}{
		"up to date":                     {change: rollout.Change{}, want: rollout.Verdict{Action: rollout.UpToDate}},
		"up to date, and a resync":       {change: rollout.Change{Resync: true}, want: apply},
		"before the window is over":      {after: window - 1, change: rollout.Change{ID: "nfs"}, want: deferred(rollout.Stabilizing, window)},
		"after the window":               {after: window, change: rollout.Change{ID: "nfs"}, want: apply},
		"refused before":                 {after: window, change: rollout.Change{ID: "nfs"}, failed: true, want: deferred(rollout.BackingOff, window+time.Second)},
		"a rollout is under way":         {after: window, rollout: underWay, change: rollout.Change{ID: "nfs"}, want: deferred(rollout.UnderWay, rollout.StuckAfter)},
		"the rollout waits for the port": {after: window, rollout: underWay, change: rollout.Change{ID: "nfs", Awaited: true}, want: apply},
		"the rollout makes no progress":  {after: rollout.StuckAfter, rollout: underWay, change: rollout.Change{ID: "nfs"}, want: deferred(rollout.Stuck, 0)},
		"its controller gave up":         {after: window, rollout: workload.Rollout{UnderWay: true, Failed: true}, change: rollout.Change{ID: "nfs"}, want: deferred(rollout.Stuck, 0)},
		"next rollout, none has begun":   {after: window, change: rollout.Change{ID: "nfs", NextRollout: true}, want: deferred(rollout.NextRollout, 0)},
		"next rollout, within the window": {
			change: rollout.Change{ID: "nfs", NextRollout: true}, want: deferred(rollout.Stabilizing, window),
		},
		"next rollout, it has just begun": {
			rollout: underWay, change: rollout.Change{ID: "nfs", NextRollout: true, Began: true}, want: rollout.Verdict{Action: rollout.Apply, Joins: true},
		},
		"next rollout, it began earlier": {after: window, rollout: underWay, change: rollout.Change{ID: "nfs", NextRollout: true}, want: deferred(rollout.NextRollout, 0)},
		"next rollout, which waits for the port": {
			after: window, rollout: underWay, change: rollout.Change{ID: "nfs", NextRollout: true, Awaited: true}, want: apply,
		},
		"next rollout, refused before": {
			after: window, rollout: underWay, failed: true,
			change: rollout.Change{ID: "nfs", NextRollout: true, Began: true}, want: deferred(rollout.BackingOff, window+time.Second),
		},
		"mode Immediate ignores a rollout that begins": {
			after: window, rollout: underWay, change: rollout.Change{ID: "nfs", Began: true}, want: deferred(rollout.UnderWay, rollout.StuckAfter),
		},
		"a container was removed": {rollout: underWay, change: rollout.Change{ID: rollout.ReleaseContainer}, want: apply},
		"a container was removed, refused before": {
			rollout: underWay, change: rollout.Change{ID: rollout.ReleaseContainer}, failed: true, want: deferred(rollout.BackingOff, time.Second),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var s rollout.State
			gate, w := newGate(1), &workload.Workload{UID: "1", Restarts: 1, Rollout: c.rollout}
			c.change.Workload, c.change.Window = w, window
			s.Progress.Observe(start, c.rollout)
			c.change.Now = start
			if c.change.ID != rollout.ReleaseContainer {
				gate.Ask(&s, c.change)
			}
			c.change.Now = start.Add(c.after)
			if c.failed {
				gate.Failed(&s, w.UID, c.change.ID, c.change.Now)
			}
			if got := gate.Ask(&s, c.change); got.Action != c.want.Action || got.Reason != c.want.Reason || got.Joins != c.want.Joins || !got.Until.Equal(c.want.Until) {
				t.Errorf("%+v, not %+v", got, c.want)
			}
		})
	}
}

// TestGateLimit: a change that restarts no pods takes no place.
func TestGateLimit(t *testing.T) {
	t.Parallel()
	gate := newGate(1)
	var a, b rollout.State
	first := &workload.Workload{Target: workload.Target{Namespace: "storage", Name: "a"}, UID: "a", Restarts: 1}
	second := &workload.Workload{Target: workload.Target{Namespace: "storage", Name: "b"}, UID: "b", Restarts: 1}
	ask := func(s *rollout.State, w *workload.Workload) rollout.Verdict {
		return gate.Ask(s, rollout.Change{Now: start, Workload: w, ID: "nfs"})
	}
	if v := ask(&a, first); v.Action != rollout.Apply {
		t.Errorf("the first: %+v", v)
	}
	v := ask(&b, second)
	if v.Reason != rollout.LimitReached || !slices.Equal(v.Holders, []workload.Target{first.Target}) || !v.Until.Equal(start.Add(rollout.StuckAfter)) {
		t.Errorf("the second: %+v", v)
	}
	second.Restarts = 0
	if v := ask(&b, second); v.Action != rollout.Apply {
		t.Errorf("without pods that restart: %+v", v)
	}
	second.Restarts = 1
	gate.Leave(&a, first.Target, false, false)
	if v := ask(&b, second); v.Action != rollout.Apply {
		t.Errorf("after the first: %+v", v)
	}
}

// TestGateNextRollout: a change that restarts no pods does not wait for the next rollout,
// and one that joins it takes no place.
func TestGateNextRollout(t *testing.T) {
	t.Parallel()
	gate := newGate(1)
	holder := &workload.Workload{Target: workload.Target{Namespace: "storage", Name: "holder"}, Restarts: 1}
	gate.Ask(new(rollout.State), rollout.Change{Now: start, Workload: holder, ID: "nfs"})
	w := &workload.Workload{Target: workload.Target{Namespace: "storage", Name: "files"}}
	for name, c := range map[string]struct {
		restarts int32
		began    bool
		want     rollout.Action
	}{
		"no pod restarts":            {0, false, rollout.Apply},
		"pods restart":               {3, false, rollout.Defer},
		"pods restart for a rollout": {3, true, rollout.Apply},
	} {
		w.Restarts = c.restarts
		v := gate.Ask(new(rollout.State), rollout.Change{Now: start, Workload: w, ID: "nfs", NextRollout: true, Began: c.began})
		if v.Action != c.want {
			t.Errorf("%s: %+v", name, v)
		}
	}
	if holders := gate.Holders(); !slices.Equal(holders, []workload.Target{holder.Target}) {
		t.Errorf("places are held by %v", holders)
	}
}

func TestTemplates(t *testing.T) {
	t.Parallel()
	var s rollout.Templates
	for i, c := range []struct {
		template uint64
		changed  bool
	}{{0, false}, {0, false}, {7, true}, {7, false}, {0, true}} {
		if changed := s.Observe(c.template); changed != c.changed {
			t.Errorf("observation %d: %t", i, changed)
		}
	}
}

// TestGateBackoff: one second, then twice as long each time, up to five minutes. Another
// change does not wait, and begins again.
func TestGateBackoff(t *testing.T) {
	t.Parallel()
	clock := clocktesting.NewFakeClock(start)
	gate := rollout.NewGate(rollout.NewLimit(1, func(workload.Target) string { return "" }, func(workload.Target) {}), clock)
	var s rollout.State
	fail := func(change rollout.ChangeID) time.Duration {
		gate.Failed(&s, "1", change, clock.Now())
		wait := s.RetryAt(change).Sub(clock.Now())
		clock.SetTime(s.RetryAt(change))
		return wait / time.Second
	}
	var waits []time.Duration
	for range 11 {
		waits = append(waits, fail("nfs"))
	}
	if want := []time.Duration{1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300}; !slices.Equal(waits, want) {
		t.Errorf("tried again after %d seconds, not %d", waits, want)
	}
	if at := s.RetryAt("smb"); !at.IsZero() {
		t.Errorf("another change waits until %s", at)
	}
	if wait := fail("smb"); wait != 1 {
		t.Errorf("another change is tried again after %d seconds", wait)
	}
	gate.Accepted(&s, "1", clock.Now())
	if at := s.RetryAt("smb"); !at.IsZero() {
		t.Errorf("after it was accepted it waits until %s", at)
	}
	if wait := fail("smb"); wait != 1 {
		t.Errorf("after it was accepted it is tried again after %d seconds", wait)
	}
}
