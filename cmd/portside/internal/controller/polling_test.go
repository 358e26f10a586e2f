package controller

import (
	"context"
	"errors"
	"net/http"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/dittofs"
)

// TestPollingStops: pods whose answers are no longer needed are no longer asked.
func TestPollingStops(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*testing.T, *scene){
		"the workload is deleted": func(t *testing.T, s *scene) {
			s.git.MustDelete(t, "StatefulSet", s.ns, "files")
			s.expect(t, "Ready", "False", "TargetNotFound")
		},
		"the adapters are declared": func(t *testing.T, s *scene) {
			s.git.MustApply(t, adapterSet(withNFSSMB, suspended))
			s.expect(t, "Reconciling", "False", "Suspended")
		},
		"the AdapterSet is deleted": func(t *testing.T, s *scene) {
			s.delete(t)
			s.expectReleased(t)
		},
		"the AdapterSet waits for a finalizer": func(t *testing.T, s *scene) {
			const patch = `{"metadata":{"finalizers":["example.com/other"]}}`
			s.patch(t, "AdapterSet", patch)
			s.delete(t)
			testenv.Eventually(t, "the AdapterSet to be in deletion", func(ctx context.Context) error {
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
			server, other := newServer(t, dittofs.Options{}), newServer(t, dittofs.Options{}) // other is asked until the end
			for _, s := range []*dittofs.Server{server, other} {
				s.Answer(dittofs.Adapters("nfs:12049", "smb:1445"))
			}
			t.Cleanup(s.cp.ServePods(s.ns, testenv.PodServer{Port: 8080, Handler: func(pod *corev1.Pod) http.Handler {
				if pod.Labels["app"] == "other" {
					return other
				}
				return server
			}}))
			for _, name := range []string{"files", "other"} {
				s.git.MustApply(t, workloadOf("StatefulSet", name, onDelete))
				s.cp.WaitRolledOut(t, "StatefulSet", s.ns, name)
				s.git.MustApply(t, adapterSetOf("StatefulSet", name, discovered))
			}
			s.polled(t, 2, server)
			s.polled(t, 1, other)
			s.expect(t, "Ready", "True", "InPlace")
			end(t, s)
			for range 3 {
				s.catchUpWith(t, "other")
			}
			s.polled(t, 1, other) // after a poll that was under way
			before := asked(server)
			s.polled(t, 5, other)
			if n := asked(server) - before; n > 0 {
				t.Errorf("the pods were asked %d times", n)
			}
			result, err := s.reconciler.Reconcile(t.Context(), workload.Target{Kind: workload.StatefulSet, Namespace: s.ns, Name: "files"})
			if err != nil || result.RequeueAfter > 0 {
				t.Errorf("it is reconciled again after %s, %v", result.RequeueAfter, err)
			}
		})
	}
}
