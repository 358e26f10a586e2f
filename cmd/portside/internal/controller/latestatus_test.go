package controller

import (
	"net/http"
	"sync/atomic"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/fixture"
)

// TestLateStatus replaces an AdapterSet while its status is being written. The API
// server stores that status in the new AdapterSet, since an apply of status ignores
// the uid, and the service corrects it.
func TestLateStatus(t *testing.T) {
	t.Parallel()
	s := realTimeScene(t)
	server := s.cp.Proxy(t, s.cp.Config(), testenv.ProxyHooks{})
	s.git.MustApply(t, statefulSet())
	held, release := server.HoldRequests(testenv.Is(testenv.VerbApply, "adaptersets/status"))
	s.startAs(t, server.Config())
	s.git.MustApply(t, adapterSet(withNFS))
	<-held
	s.git.MustDelete(t, "AdapterSet", "", "files")
	s.git.MustApply(t, adapterSet(withNFS, suspended))
	release()
	s.expect(t, "Reconciling", "False", "Suspended")
}

// TestConflictingWrite has the API server answer the first write of the finalizer or of the
// status with 409, as it does when other writes keep it from storing one. It is sent again,
// although no event follows.
func TestConflictingWrite(t *testing.T) {
	t.Parallel()
	for resource, c := range map[string]struct {
		policy     string
		finalizers int // whose write would cause another reconcile, with another status
	}{
		"adaptersets":        {"Remove", 1},
		"adaptersets/status": {"Retain", 0},
	} {
		t.Run(resource, func(t *testing.T) {
			t.Parallel()
			s := realTimeScene(t)
			var writes atomic.Int64
			isWrite := testenv.Is(testenv.VerbApply, resource)
			server := s.cp.Proxy(t, s.cp.Config(), testenv.ProxyHooks{Instead: func(request *http.Request) (*http.Response, error) {
				if isWrite(request) && writes.Add(1) == 1 {
					return testenv.StatusAnswer(http.StatusConflict, metav1.StatusReasonConflict, "other writes came first"), nil
				}
				return nil, nil
			}})
			s.git.MustApply(t, statefulSet())
			s.waitRolledOut(t)
			s.git.MustApply(t, adapterSet(suspended, fixture.Spec("deletionPolicy: "+c.policy)))
			s.startAs(t, server.Config())
			s.expect(t, "Ready", "True", "Suspended")
			if n := len(s.mustGet(t).Finalizers); n != c.finalizers {
				t.Errorf("%d finalizers, want %d", n, c.finalizers)
			}
		})
	}
}
