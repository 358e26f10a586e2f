package controller

import (
	"testing"

	"github.com/portside-dev/portside/testenv"
)

// TestAStatusThatComesLateDoesNotStay: it was under way when another AdapterSet
// of that name came. The API server does not refuse it: of what is applied to
// status it takes status alone.
func TestAStatusThatComesLateDoesNotStay(t *testing.T) {
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
