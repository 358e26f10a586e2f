package controller

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"

	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/testenv"
)

// woken are the targets that an alarm brought back.
type woken struct {
	mu    sync.Mutex
	names []string
}

func (w *woken) wake(t workload.Target) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.names = append(w.names, t.Name)
}

func (w *woken) expect(t *testing.T, want ...string) {
	t.Helper()
	testenv.Eventually(t, fmt.Sprintf("%q to be brought back", want), func(context.Context) error {
		w.mu.Lock()
		defer w.mu.Unlock()
		if !slices.Equal(w.names, want) {
			return fmt.Errorf("it was %q", w.names)
		}
		return nil
	})
}

func TestAlarm(t *testing.T) {
	t.Parallel()
	began := time.Now()
	in := func(minutes int) time.Time { return began.Add(time.Duration(minutes) * time.Minute) }
	for name, c := range map[string]struct {
		set  func(*alarm)
		want []string // after two minutes
	}{
		"in the order of their times": {
			func(a *alarm) { a.at(target("b"), in(2)); a.at(target("a"), in(1)); a.at(target("c"), in(3)) }, []string{"a", "b"},
		},
		"a later time takes the place of an earlier one": {
			func(a *alarm) { a.at(target("a"), in(1)); a.at(target("a"), in(3)); a.at(target("b"), in(2)) }, []string{"b"},
		},
		"an earlier time takes the place of a later one": {
			func(a *alarm) { a.at(target("a"), in(3)); a.at(target("b"), in(2)); a.at(target("a"), in(1)) }, []string{"a", "b"},
		},
		"no time": {
			func(a *alarm) { a.at(target("a"), in(1)); a.at(target("a"), time.Time{}); a.at(target("b"), in(2)) }, []string{"b"},
		},
		"forgotten": {
			func(a *alarm) {
				for _, name := range []string{"a", "b", "c", "d"} {
					a.at(target(name), in(1))
				}
				a.forget(target("a"))
				a.forget(target("c"))
				a.forget(target("unknown"))
				a.at(target("b"), in(2))
			}, []string{"d", "b"},
		},
		"a time that is over": {
			func(a *alarm) { a.at(target("a"), in(-1)); a.at(target("b"), in(2)) }, []string{"a", "b"},
		},
	} {
		for _, when := range []string{"before it starts", "once it runs"} {
			t.Run(name+", set "+when, func(t *testing.T) {
				t.Parallel()
				clock, w := clocktesting.NewFakeClock(began), &woken{}
				a := newAlarm(clock, w.wake)
				if when == "before it starts" {
					c.set(a)
				}
				if when == "once it runs" {
					a.at(target("last"), in(1000))
				}
				run(t, a)
				if when == "once it runs" {
					waits(t, clock)
					c.set(a)
				}
				for range 4 {
					waits(t, clock)
					clock.Step(30 * time.Second)
				}
				w.expect(t, c.want...)
			})
		}
	}
}

// TestAlarmKeepsNothingOfThoseThatAreGone sees to what an alarm keeps, whether
// they were brought back or forgotten.
func TestAlarmKeepsNothingOfThoseThatAreGone(t *testing.T) {
	t.Parallel()
	now := time.Now()
	a := newAlarm(clocktesting.NewFakeClock(now), func(workload.Target) {})
	for i := range 1000 {
		a.at(target(fmt.Sprint(i)), now.Add(time.Duration(i%2)*time.Hour))
	}
	if due, next := a.due(now); len(due) != 500 || !next.Equal(now.Add(time.Hour)) {
		t.Fatalf("%d are due, the next at %s", len(due), next)
	}
	for i := range 1000 {
		a.forget(target(fmt.Sprint(i)))
	}
	if len(a.calls.placeOf) > 0 || cap(a.calls.all) > 0 {
		t.Errorf("%d are kept, and there is room for %d", len(a.calls.placeOf), cap(a.calls.all))
	}
}

// TestWakeIsForTheNextTime sees to it that a time which is over, as that of a
// rollout which is stuck, does not stand in for one that comes.
func TestWakeIsForTheNextTime(t *testing.T) {
	t.Parallel()
	now := time.Now()
	later, last := now.Add(time.Minute), now.Add(time.Hour)
	for name, c := range map[string]struct {
		at   []time.Time
		want time.Time
	}{
		"none":                {nil, time.Time{}},
		"no time":             {[]time.Time{{}}, time.Time{}},
		"the earliest":        {[]time.Time{last, later, last}, later},
		"one is over":         {[]time.Time{now.Add(-time.Minute), later}, later},
		"one is now":          {[]time.Time{later, now}, later},
		"the only one is now": {[]time.Time{now}, time.Time{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &work{now: now}
			for _, at := range c.at {
				w.wake(at)
			}
			if !w.again.Equal(c.want) {
				t.Errorf("it is woken at %s, not %s", w.again, c.want)
			}
		})
	}
}

func target(name string) workload.Target {
	return workload.Target{Kind: workload.StatefulSet, Namespace: "storage", Name: name}
}

func run(t *testing.T, a *alarm) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Start(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("the alarm ended: %v", err)
		}
	})
}

// waits returns once the alarm waits for the clock. All that is to be brought
// back by now is then.
func waits(t *testing.T, clock *clocktesting.FakeClock) {
	t.Helper()
	testenv.Eventually(t, "the alarm to wait for the clock", func(context.Context) error {
		if !clock.HasWaiters() {
			return fmt.Errorf("it does not")
		}
		return nil
	})
}
