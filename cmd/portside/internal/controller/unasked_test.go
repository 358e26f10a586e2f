package controller

import (
	"context"
	"errors"
	"net/http"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/testenv"
)

// TestPollingEnds: once the answer is not needed any more, the pods are not asked
// any more.
func TestPollingEnds(t *testing.T) {
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
			p, other := &pods{}, &pods{} // the others are asked on
			t.Cleanup(s.cp.ServePods(s.ns, testenv.PodServer{Port: 8080, Handler: func(pod *corev1.Pod) http.Handler {
				if pod.Labels["app"] == "other" {
					return other.handler(pod)
				}
				return p.handler(pod)
			}}))
			for _, name := range []string{"files", "other"} {
				mustApply(t, s.git, renamed(strategy(1, "{type: OnDelete}"), name))
				s.cp.WaitRolledOut(t, "StatefulSet", s.ns, name)
				mustApply(t, s.git, renamed(discovered, name))
			}
			s.polled(t, p, 2)
			s.polled(t, other, 1)
			s.expect(t, "Ready", "True", "InPlace")
			end(t, s)
			for range 3 {
				s.caughtUpWith(t, "other")
			}
			s.polled(t, other, 1) // after a poll that was under way
			before := p.polls.Load()
			s.polled(t, other, 5)
			if n := p.polls.Load() - before; n > 0 {
				t.Errorf("the pods were asked %d times", n)
			}
			result, err := s.reconciler.Reconcile(t.Context(), workload.Target{Kind: workload.StatefulSet, Namespace: s.ns, Name: "files"})
			if err != nil || result.RequeueAfter > 0 {
				t.Errorf("it is reconciled again after %s, %v", result.RequeueAfter, err)
			}
		})
	}
}
