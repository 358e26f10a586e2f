package controller

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/fixture"
)

func (s *scene) delete(t *testing.T) {
	t.Helper()
	s.git.MustDelete(t, "AdapterSet", s.ns, "files")
}

// expectFinalizer waits until the AdapterSet files has our finalizer, or has not.
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

// expectReleased waits until portside owns nothing of the workload.
func (s *scene) expectReleased(t *testing.T) {
	t.Helper()
	testenv.Eventually(t, "portside's entry to be removed", func(ctx context.Context) error { return s.released(ctx) })
}

func (s *scene) released(ctx context.Context) error {
	live, err := s.git.Get(ctx, "StatefulSet", s.ns, "files")
	if err != nil {
		return err
	}
	for _, e := range live.GetManagedFields() {
		if e.Manager == testenv.Portside {
			return fmt.Errorf("it owns %s", e.FieldsV1)
		}
	}
	return nil
}

// TestDeletionPolicyChanges applies the last policy. The finalizer follows it.
func TestDeletionPolicyChanges(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.setUp(t, statefulSet(onDelete), adapterSet(withNFS, removes), nfs...)
	s.expectFinalizer(t, true)
	s.git.MustApply(t, adapterSet(withNFS, fixture.Spec("deletionPolicy: Retain")))
	s.expectFinalizer(t, false)
	s.delete(t)
	s.expectGone(t)
	s.expectReleased(t)
	s.expectPorts(t, nfs...)
}

// TestFinalizerOfAnotherManager removes our finalizer, also where an applied copy of
// the AdapterSet or a service under another name has set it.
func TestFinalizerOfAnotherManager(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.setUp(t, statefulSet(onDelete), adapterSet(withNFS), nfs...)
	patch := fmt.Appendf(nil, `{"metadata":{"finalizers":["example.com/first",%q]},"spec":{"deletionPolicy":"Remove"}}`, finalizer)
	s.git.MustPatch(t, "AdapterSet", s.ns, "files", types.MergePatchType, patch)
	s.catchUp(t)
	s.delete(t)
	s.expectPorts(t, static...)
	s.expectFinalizer(t, false)
	s.git.MustPatch(t, "AdapterSet", s.ns, "files", types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`))
	s.expectGone(t)
}

// TestDeletionWithAnotherAdapterSet removes no ports where another AdapterSet has the
// same target.
func TestDeletionWithAnotherAdapterSet(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.setUp(t, statefulSet(onDelete), adapterSet(withNFS, removes), nfs...)
	s.git.MustApply(t, adapterSet(withNFS, renamed("later")))
	s.expectOf(t, "later", "Stalled", "True", "TargetTaken")
	history := s.record(t)
	s.delete(t)
	s.expectGone(t)
	s.expectOf(t, "later", "Ready", "True", "InPlace")
	expectTemplateChanges(t, history, 0)
}

// TestDeletionWhilePaused deletes the AdapterSet of a paused workload. Nothing is
// written, and nothing released, before the pause is over. The ports stay.
func TestDeletionWhilePaused(t *testing.T) {
	t.Parallel()
	for _, policy := range []string{"Retain", "Remove"} {
		t.Run(policy, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			s.setUp(t, statefulSet(onDelete), adapterSet(withNFS, fixture.Spec("deletionPolicy: "+policy)), nfs...)
			s.pause(t, `"true"`)
			s.expect(t, "Reconciling", "False", "Paused")
			writes := s.sent.CountOf(testenv.VerbApply, "statefulsets") + s.sent.CountOf(testenv.VerbPatch, "statefulsets")
			s.delete(t)
			s.expectGone(t)
			if policy == "Remove" {
				s.expectRetained(t, "portside.dev/paused")
			}
			if s.released(t.Context()) == nil {
				t.Error("portside released the ports in a pause")
			}
			if n := s.sent.CountOf(testenv.VerbApply, "statefulsets") + s.sent.CountOf(testenv.VerbPatch, "statefulsets"); n != writes {
				t.Errorf("%d writes in a pause", n-writes)
			}
			s.pause(t, "null")
			s.expectReleased(t)
			s.expectPorts(t, nfs...)
		})
	}
}

// TestDeletionWithoutContainer deletes the AdapterSet of a workload whose container was
// replaced while it was paused. What portside owned of that is given up.
func TestDeletionWithoutContainer(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.allowRename(t)
	s.setUp(t, statefulSet(onDelete), adapterSet(withNFS), nfs...)
	s.pause(t, `"true"`)
	s.expect(t, "Reconciling", "False", "Paused")
	s.git.MustApply(t, statefulSet(onDelete, inMain))
	s.delete(t)
	s.expectGone(t)
	if s.released(t.Context()) == nil {
		t.Fatal("portside owns nothing of the container that is gone")
	}
	s.pause(t, "null")
	s.expectReleased(t)
}

// TestDeletionRightAfterApply releases ports that the watch may not have shown yet.
func TestDeletionRightAfterApply(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.git.MustApply(t, statefulSet(onDelete))
	s.waitRolledOut(t)
	for range 10 {
		s.git.MustApply(t, adapterSet(withNFS))
		testenv.Eventually(t, "an entry of portside", func(ctx context.Context) error {
			if s.released(ctx) == nil {
				return errors.New("there is none")
			}
			return nil
		})
		s.delete(t)
		s.expectReleased(t)
	}
}

// TestDeletionWaitsForRollout only where there are ports to remove.
func TestDeletionWaitsForRollout(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		adapters fixture.Option
		ports    []string
		waits    bool
	}{"with a port": {withNFS, nfs, true}, "with none": {noAdapters, static, false}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			s.setUp(t, statefulSet(), adapterSet(c.adapters, removes), c.ports...)
			release := s.cp.HoldUnready(s.ns, hasNewImage)
			s.edit(t, newImage)
			s.catchUp(t)
			s.delete(t)
			if c.waits {
				if message := s.expect(t, "Reconciling", "True", "Removing"); !strings.Contains(message, "after the rollout") {
					t.Errorf("the message is %q", message)
				}
				s.expectPorts(t, c.ports...)
				release()
			}
			s.expectGone(t)
			s.expectPorts(t, static...)
		})
	}
}
