package controller

import (
	"testing"

	"github.com/portside-dev/portside/testenv"
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
