package controller

import (
	"context"
	"errors"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/portside-dev/portside/testenv"
)

// TestNobodyIsAskedInVain: once the answer is of no use, pods are not asked and
// the Secret is not read any more.
func TestNobodyIsAskedInVain(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*testing.T, *scene){
		"the workload is gone": func(t *testing.T, s *scene) {
			if err := s.git.Delete(t.Context(), "StatefulSet", s.ns, "files"); err != nil {
				t.Fatal(err)
			}
			s.expect(t, "Ready", "False", "TargetNotFound")
		},
		"the adapters are declared": func(t *testing.T, s *scene) {
			mustApply(t, s.git, adapterSet(withNFSSMB, "suspend: true"))
			s.expect(t, "Reconciling", "False", "Suspended")
		},
		"the AdapterSet is gone": func(t *testing.T, s *scene) {
			s.delete(t)
			s.expectGivenUp(t)
		},
		"the AdapterSet waits to be gone": func(t *testing.T, s *scene) {
			patch := []byte(`{"metadata":{"finalizers":["example.com/other"]}}`)
			if _, err := s.git.Patch(t.Context(), "AdapterSet", s.ns, "files", types.MergePatchType, patch); err != nil {
				t.Fatal(err)
			}
			s.delete(t)
			testenv.Eventually(t, "it is being deleted", func(ctx context.Context) error {
				set, err := s.get(ctx, "files")
				if err == nil && set.DeletionTimestamp.IsZero() {
					err = errors.New("it is not")
				}
				return err
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			p := &pods{}
			t.Cleanup(s.cp.ServePods(s.ns, testenv.PodServer{Port: 8080, Handler: p.handler}))
			mustApply(t, s.git, strategy(1, "{type: OnDelete}"))
			s.rolledOut(t)
			mustApply(t, s.git, discovered)
			s.polled(t, p, 2)
			s.expect(t, "Ready", "True", "InPlace")
			mustApply(t, s.git, renamed(adapterSet(withNFS, ""), "other"))
			end(t, s)
			s.clock.Step(24 * time.Hour) // no full pass is waited for either
			for range 3 {
				s.caughtUpWith(t, "other")
			}
			testenv.Eventually(t, "nothing waits for a poll", func(context.Context) error {
				if s.clock.HasWaiters() {
					return errors.New("something does")
				}
				return nil
			})
		})
	}
}
