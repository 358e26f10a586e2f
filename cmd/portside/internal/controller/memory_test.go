package controller

import (
	"fmt"
	"slices"
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"

	"github.com/portside-dev/portside/apply/workload"
)

// TestWhatIsMovedIsKept: what is known of each target, and when each comes back.
func TestWhatIsMovedIsKept(t *testing.T) {
	t.Parallel()
	clock := clocktesting.NewFakeClock(time.Now())
	r := &reconciler{memories: memories{of: map[workload.Target]*memory{}}, alarm: newAlarm(clock, func(workload.Target) {})}
	known := map[workload.Target]*memory{}
	for i := range 100 {
		target := workload.Target{Kind: workload.StatefulSet, Namespace: "storage", Name: fmt.Sprint(i)}
		known[target] = r.memories.get(target)
		r.alarm.at(target, clock.Now().Add(time.Duration(100-i)*time.Second))
	}
	r.compact()
	for target, one := range known {
		if r.memories.get(target) != one {
			t.Errorf("%s is remembered anew", target)
		}
	}
	r.alarm.at(workload.Target{Kind: workload.StatefulSet, Namespace: "storage", Name: "50"}, clock.Now().Add(time.Hour))
	due, next := r.alarm.due(clock.Now().Add(time.Minute))
	var names []string
	for _, target := range due {
		names = append(names, target.Name)
	}
	var want []string
	for i := 99; i >= 40; i-- {
		if i != 50 {
			want = append(want, fmt.Sprint(i))
		}
	}
	if !slices.Equal(names, want) || !next.Equal(clock.Now().Add(61*time.Second)) {
		t.Errorf("due are %q, not %q; the next comes at %s", names, want, next)
	}
}

// TestWhatIsForgottenIsForgotten although the memory is used again.
func TestWhatIsForgottenIsForgotten(t *testing.T) {
	t.Parallel()
	m := memories{of: map[workload.Target]*memory{}}
	a, b := workload.Target{Name: "a"}, workload.Target{Name: "b"}
	m.get(b)
	one := m.get(a)
	one.gaveUp, one.uid = true, "uid"
	m.forget(a)
	again := m.get(a)
	if again != one {
		t.Error("the memory is not used again")
	}
	if again.gaveUp || again.uid != "" || again == m.get(b) {
		t.Error("what was forgotten is remembered")
	}
	for i := range 2 * memoriesAtOnce {
		m.get(workload.Target{Name: fmt.Sprint(i)})
	}
	distinct := map[*memory]bool{}
	for _, one := range m.of {
		distinct[one] = true
	}
	if len(distinct) != len(m.of) {
		t.Errorf("%d targets share %d memories", len(m.of), len(distinct))
	}
}
