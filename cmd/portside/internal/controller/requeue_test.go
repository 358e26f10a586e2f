package controller

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"k8s.io/client-go/util/workqueue"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"

	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/testenv"
)

func TestEarliest(t *testing.T) {
	t.Parallel()
	now := time.Now()
	later, last := now.Add(time.Minute), now.Add(time.Hour)
	for name, c := range map[string]struct {
		at   []time.Time
		want time.Time
	}{
		"none":                 {nil, time.Time{}},
		"no time":              {[]time.Time{{}}, time.Time{}},
		"the first of three":   {[]time.Time{last, later, last}, later},
		"one has passed":       {[]time.Time{now.Add(-time.Minute), later}, later},
		"one is now":           {[]time.Time{later, now}, later},
		"the only one is now":  {[]time.Time{now}, time.Time{}},
		"no time and one time": {[]time.Time{{}, later}, later},
	} {
		if got := earliest(now, c.at...); !got.Equal(c.want) {
			t.Errorf("%s: it is %s, not %s", name, got, c.want)
		}
	}
}

// queueOf returns a reconciler with a queue, and the names of the targets that come out of
// the queue.
func queueOf(t *testing.T) (*reconciler, *clocktesting.FakeClock, <-chan string) {
	t.Helper()
	clock := clocktesting.NewFakeClock(time.Now())
	r, names := &reconciler{clock: clock}, make(chan string, 10)
	queue := r.newQueue(t.Name(), workqueue.NewTypedItemExponentialFailureRateLimiter[workload.Target](time.Second, time.Second))
	go func() {
		for {
			target, shutdown := queue.Get()
			if shutdown {
				return
			}
			names <- target.Name
			queue.Done(target)
		}
	}()
	t.Cleanup(queue.ShutDown)
	return r, clock, names
}

func named(name string) workload.Target {
	return workload.Target{Kind: workload.StatefulSet, Namespace: "storage", Name: name}
}

func TestRequeueAt(t *testing.T) {
	t.Parallel()
	r, clock, names := queueOf(t)
	failure := errors.New("it failed")
	now := clock.Now()
	for name, c := range map[string]struct {
		at    time.Time
		err   error
		after time.Duration
	}{
		"no time":  {},
		"later":    {at: now.Add(time.Minute), after: time.Minute},
		"now":      {at: now},
		"an error": {at: now.Add(time.Minute), err: failure},
	} {
		result, err := r.requeueAt(named(name), c.at, c.err)
		if result.RequeueAfter != c.after || !errors.Is(err, c.err) {
			t.Errorf("%s: it is requeued after %s, %v", name, result.RequeueAfter, err)
		}
	}
	if name := <-names; name != "now" {
		t.Errorf("%s is reconciled at once, not the one whose time is now", name)
	}
}

// TestClockQueue checks that targets come out of the queue at their times on the injected
// clock.
func TestClockQueue(t *testing.T) {
	t.Parallel()
	r, clock, names := queueOf(t)
	for _, add := range []struct {
		name    string
		minutes int
	}{{"b", 2}, {"a", 1}, {"c", 3}, {"sooner", 60}, {"sooner", 1}} {
		r.queue.AddWithOpts(priorityqueue.AddOpts{After: time.Duration(add.minutes) * time.Minute}, named(add.name))
	}
	r.wake(named("now"))
	var got []string
	for _, step := range []struct {
		minutes int
		want    []string
	}{{0, []string{"now"}}, {1, []string{"a", "sooner"}}, {1, []string{"b"}}, {1, []string{"c"}}} {
		clock.Step(time.Duration(step.minutes) * time.Minute)
		got = nil
		testenv.Eventually(t, fmt.Sprintf("%q to be reconciled", step.want), func(context.Context) error {
			select {
			case name := <-names:
				got = append(got, name)
			default:
			}
			if slices.Sort(got); !slices.Equal(got, step.want) {
				return fmt.Errorf("it is %q", got)
			}
			return nil
		})
	}
}
