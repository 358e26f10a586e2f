package controller

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"github.com/portside-dev/portside/testenv"
)

func (s *scene) delete(t *testing.T) {
	t.Helper()
	if err := s.git.Delete(t.Context(), "AdapterSet", s.ns, "files"); err != nil {
		t.Fatal(err)
	}
}

// expectFinalizer waits until the AdapterSet files has ours, or does not.
func (s *scene) expectFinalizer(t *testing.T, has bool) {
	t.Helper()
	testenv.Eventually(t, fmt.Sprintf("a finalizer: %t", has), func(ctx context.Context) error {
		set, err := s.get(ctx, "files")
		if err == nil && slices.Contains(set.Finalizers, finalizer) != has {
			err = fmt.Errorf("it has %q", set.Finalizers)
		}
		return err
	})
}

// expectGivenUp waits until we own nothing of the workload.
func (s *scene) expectGivenUp(t *testing.T) {
	t.Helper()
	testenv.Eventually(t, "our entry is given up", func(ctx context.Context) error { return s.givenUp(ctx) })
}

func (s *scene) givenUp(ctx context.Context) error {
	live, err := s.git.Get(ctx, "StatefulSet", s.ns, "files")
	if err != nil {
		return err
	}
	for _, e := range live.GetManagedFields() {
		if e.Manager == testenv.Portside {
			return fmt.Errorf("it is there: %s", e.FieldsV1)
		}
	}
	return nil
}

// TestThePolicyIsThatOfTheEnd: the finalizer comes and goes with it.
func TestThePolicyIsThatOfTheEnd(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.setUp(t, strategy(1, "{type: OnDelete}"), adapterSet(withNFS, "deletionPolicy: Remove"), nfs...)
	s.expectFinalizer(t, true)
	mustApply(t, s.git, adapterSet(withNFS, "deletionPolicy: Retain"))
	s.expectFinalizer(t, false)
	s.delete(t)
	expectGone(t, s.cp, s.ns)
	s.expectGivenUp(t)
	expectPorts(t, s.cp, s.ns, nfs...)
}

// TestAFinalizerOfAnotherOwner: one that an applied copy of the AdapterSet
// brought, or a service under another name, keeps nothing for ever.
func TestAFinalizerOfAnotherOwner(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.setUp(t, strategy(1, "{type: OnDelete}"), adapterSet(withNFS, ""), nfs...)
	patch := fmt.Appendf(nil, `{"metadata":{"finalizers":["example.com/first",%q]},"spec":{"deletionPolicy":"Remove"}}`, finalizer)
	if _, err := s.git.Patch(t.Context(), "AdapterSet", s.ns, "files", types.MergePatchType, patch); err != nil {
		t.Fatal(err)
	}
	s.caughtUp(t)
	s.delete(t)
	expectPorts(t, s.cp, s.ns, static...)
	s.expectFinalizer(t, false)
	if _, err := s.git.Patch(t.Context(), "AdapterSet", s.ns, "files", types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`)); err != nil {
		t.Fatal(err)
	}
	expectGone(t, s.cp, s.ns)
}

// TestAnotherTakesThePortsOver: what is to be removed is not, where another
// AdapterSet wants the workload.
func TestAnotherTakesThePortsOver(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.setUp(t, strategy(1, "{type: OnDelete}"), adapterSet(withNFS, "deletionPolicy: Remove"), nfs...)
	mustApply(t, s.git, strings.Replace(adapterSet(withNFS, ""), "{name: files}", "{name: later}", 1))
	s.expectOf(t, "later", "Stalled", "True", "TargetTaken")
	history := s.cp.Record(t, "StatefulSet", s.ns, "files")
	s.delete(t)
	expectGone(t, s.cp, s.ns)
	s.expectOf(t, "later", "Ready", "True", "InPlace")
	templateChanges(t, history, 0)
}

// TestDeletionInAPause deletes the AdapterSet of a paused workload. Nothing is
// written, not even that we give up, until the pause is over; the ports stay.
func TestDeletionInAPause(t *testing.T) {
	t.Parallel()
	for _, policy := range []string{"Retain", "Remove"} {
		t.Run(policy, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			s.setUp(t, strategy(1, "{type: OnDelete}"), adapterSet(withNFS, "deletionPolicy: "+policy), nfs...)
			pause(t, s.git, s.ns, `"true"`)
			s.expect(t, "Reconciling", "False", "Paused")
			writes := s.sent.CountOf(testenv.VerbApply, "statefulsets") + s.sent.CountOf(testenv.VerbPatch, "statefulsets")
			s.delete(t)
			expectGone(t, s.cp, s.ns)
			if policy == "Remove" {
				s.expectRetained(t, "portside.dev/paused")
			}
			if s.givenUp(t.Context()) == nil {
				t.Error("it was given up in a pause")
			}
			if n := s.sent.CountOf(testenv.VerbApply, "statefulsets") + s.sent.CountOf(testenv.VerbPatch, "statefulsets"); n != writes {
				t.Errorf("%d writes in a pause", n-writes)
			}
			pause(t, s.git, s.ns, "null")
			s.expectGivenUp(t)
			expectPorts(t, s.cp, s.ns, nfs...)
		})
	}
}

// TestWhatWasJustAppliedIsGivenUp: the watch may not have told of it yet.
func TestWhatWasJustAppliedIsGivenUp(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	mustApply(t, s.git, strategy(1, "{type: OnDelete}"))
	s.rolledOut(t)
	for range 10 {
		mustApply(t, s.git, adapterSet(withNFS, ""))
		testenv.Eventually(t, "our entry is there", func(ctx context.Context) error {
			if s.givenUp(ctx) == nil {
				return fmt.Errorf("it is not")
			}
			return nil
		})
		s.delete(t)
		s.expectGivenUp(t)
	}
}

// TestTheEndWaitsForARollout where there are ports to remove, and only there.
func TestTheEndWaitsForARollout(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		adapters string
		ports    []string
		waits    bool
	}{"with a port": {withNFS, nfs, true}, "with none": {"[]", static, false}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			s.setUp(t, statefulSet, adapterSet(c.adapters, "deletionPolicy: Remove"), c.ports...)
			release := s.cp.HoldUnready(s.ns, hasNewImage)
			s.edit(t, newImage)
			s.caughtUp(t)
			s.delete(t)
			if c.waits {
				if message := s.expect(t, "Reconciling", "True", "Removing"); !strings.Contains(message, "after the rollout") {
					t.Errorf("it says %q", message)
				}
				expectPorts(t, s.cp, s.ns, c.ports...)
				release()
			}
			expectGone(t, s.cp, s.ns)
			expectPorts(t, s.cp, s.ns, static...)
		})
	}
}
