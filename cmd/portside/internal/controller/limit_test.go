package controller

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/portside-dev/portside/cmd/portside/internal/rollout"
	"github.com/portside-dev/portside/testenv"
)

// fleet is a scene of several workloads. The test decides when their new pods become
// ready.
type fleet struct {
	*scene
	mu   sync.Mutex
	open []string
}

// newFleet returns a fleet whose service causes one rollout at a time.
func newFleet(t *testing.T, names ...string) *fleet {
	t.Helper()
	f := &fleet{scene: newScene(t, oneAtATime)}
	for _, name := range names {
		f.git.MustApply(t, workloadOf("StatefulSet", name))
	}
	for _, name := range names {
		f.cp.WaitRolledOut(t, "StatefulSet", f.ns, name)
	}
	return f
}

func oneAtATime(o *Options) { o.MaxConcurrentRollouts = 1 }

// hold keeps the pods unready that holds selects, except those of completed workloads.
func (f *fleet) hold(holds func(*corev1.Pod) bool) {
	f.cp.HoldUnready(f.ns, func(pod *corev1.Pod) bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		return holds(pod) && !slices.Contains(f.open, pod.Labels["app"])
	})
}

func (f *fleet) complete(name string) {
	f.mu.Lock()
	f.open = append(f.open, name)
	f.mu.Unlock()
	f.cp.HoldUnready(f.ns, func(*corev1.Pod) bool { return false })() // has each pod checked again
}

// with returns the workloads that have the port, or those that have not.
func (f *fleet) with(ctx context.Context, has bool, names ...string) (found []string, err error) {
	for _, name := range names {
		live, err := f.git.Get(ctx, "StatefulSet", f.ns, name)
		if err != nil {
			return nil, err
		}
		if slices.Contains(testenv.Ports(live, "server"), "adapter-nfs:12049/TCP") == has {
			found = append(found, name)
		}
	}
	return found, nil
}

// next waits until one more of the workloads has the port, or has it no longer, and
// fails the test if there are more. It returns all of them.
func (f *fleet) next(t *testing.T, has bool, before []string, names ...string) (all []string) {
	t.Helper()
	testenv.Eventually(t, "one more target", func(ctx context.Context) (err error) {
		if all, err = f.with(ctx, has, names...); err == nil && len(all) == len(before) {
			err = fmt.Errorf("there are %q", all)
		}
		return err
	})
	if len(all) != len(before)+1 {
		t.Fatalf("from %q to %q at once", before, all)
	}
	return all
}

func TestRolloutLimit(t *testing.T) {
	t.Parallel()
	names := []string{"a", "b", "c"}
	f := newFleet(t, names...)
	f.hold(hasNFS)
	for _, name := range names {
		f.git.MustApply(t, adapterSetOf("StatefulSet", name, withNFS))
	}
	var done []string
	for range names {
		before := done
		done = f.next(t, true, before, names...)
		for _, name := range names {
			if !slices.Contains(done, name) {
				f.expectOf(t, name, "Reconciling", "True", "RolloutLimit")
			} else if !slices.Contains(before, name) {
				f.expectOf(t, name, "Reconciling", "True", "RollingOut")
			}
		}
		if again := f.next(t, true, before, names...); !slices.Equal(again, done) {
			t.Errorf("%q have their ports, and %q had to wait", again, done)
		}
		f.complete(newOf(before, done))
	}
}

func newOf(before, after []string) string {
	i := slices.IndexFunc(after, func(name string) bool { return !slices.Contains(before, name) })
	return after[i]
}

// TestRolloutLimitSkipsSuspended suspends the workload that is next for a place. The
// one after it gets the place.
func TestRolloutLimitSkipsSuspended(t *testing.T) {
	t.Parallel()
	f := newFleet(t, "a", "b", "c")
	f.hold(hasNFS)
	f.git.MustApply(t, adapterSetOf("StatefulSet", "a", withNFS))
	f.expectOf(t, "a", "Reconciling", "True", "RollingOut")
	for _, name := range []string{"b", "c"} {
		f.git.MustApply(t, adapterSetOf("StatefulSet", name, withNFS))
		f.expectOf(t, name, "Reconciling", "True", "RolloutLimit")
	}
	f.git.MustApply(t, adapterSetOf("StatefulSet", "b", withNFS, suspended))
	f.expectOf(t, "b", "Reconciling", "False", "Suspended")
	f.complete("a")
	f.expectOf(t, "c", "Reconciling", "True", "RollingOut")
}

// TestRolloutLimitOfDeletions deletes AdapterSets together with their ports. Their
// workloads restart one after the other: a rollout that removes the ports of a
// deleted AdapterSet counts until it is complete, or stuck.
func TestRolloutLimitOfDeletions(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(t *testing.T, f *fleet, name string){
		"the first rollout completes": func(t *testing.T, f *fleet, name string) { t.Helper(); f.complete(name) },
		"the first rollout is stuck":  func(_ *testing.T, f *fleet, _ string) { f.clock.Step(rollout.StuckAfter) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			deletedTogether(t, end)
		})
	}
}

func deletedTogether(t *testing.T, end func(t *testing.T, f *fleet, name string)) {
	t.Helper()
	names := []string{"a", "b"}
	f := newFleet(t, names...)
	for _, name := range names {
		f.git.MustApply(t, adapterSetOf("StatefulSet", name, withNFS, removes))
	}
	for _, name := range names {
		f.expectOf(t, name, "Ready", "True", "InPlace")
		f.expectOf(t, name, "Reconciling", "False", "AsExpected")
	}
	// The pods with the port are ready, their successors are not.
	f.hold(func(pod *corev1.Pod) bool { return !hasNFS(pod) })
	for _, name := range names {
		f.git.MustDelete(t, "AdapterSet", f.ns, name)
	}
	var first []string
	testenv.Eventually(t, "one AdapterSet to be deleted", func(ctx context.Context) error {
		first = nil
		for _, name := range names {
			if _, err := f.get(ctx, name); apierrors.IsNotFound(err) {
				first = append(first, name)
			}
		}
		if len(first) == 0 {
			return errors.New("none is")
		}
		return nil
	})
	other := newOf(first, names)
	message := f.expectOf(t, other, "Reconciling", "True", "Removing")
	if !strings.Contains(message, "fewer workloads") || !strings.Contains(message, "StatefulSet "+first[0]) {
		t.Errorf("the message is %q", message)
	}
	if without, err := f.with(t.Context(), false, names...); err != nil || !slices.Equal(without, first) {
		t.Errorf("%q have no port: %v", without, err)
	}
	testenv.Eventually(t, "the other to be deleted", func(ctx context.Context) error {
		end(t, f, first[0])
		_, err := f.get(ctx, other)
		if apierrors.IsNotFound(err) {
			return nil
		}
		return fmt.Errorf("it exists, or: %w", err)
	})
}

// TestRolloutLimitAfterRestart counts the rollouts that are under way before another
// begins, whichever target is reconciled first.
func TestRolloutLimitAfterRestart(t *testing.T) {
	t.Parallel()
	names := []string{"a", "b", "c", "d", "e", "f"}
	f := newFleet(t, names...)
	f.hold(hasNFS)
	f.git.MustApply(t, adapterSetOf("StatefulSet", "a", withNFS))
	f.expectOf(t, "a", "Reconciling", "True", "RollingOut")
	for _, name := range names[1:] {
		f.git.MustApply(t, adapterSetOf("StatefulSet", name, withNFS))
		f.expectOf(t, name, "Reconciling", "True", "RolloutLimit")
	}
	for range 3 {
		f.restart(t, oneAtATime)
		for _, name := range names {
			f.catchUpWith(t, name)
		}
		if have, err := f.with(t.Context(), true, names...); err != nil || !slices.Equal(have, []string{"a"}) {
			t.Fatalf("%q have their ports: %v", have, err)
		}
	}
	f.complete("a")
	f.next(t, true, []string{"a"}, names...)
}
