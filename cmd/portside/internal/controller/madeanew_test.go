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
	cp := testenv.Shared(t)
	ns := cp.Namespace(t)
	server := cp.Proxy(t, cp.Config(), testenv.ProxyHooks{})
	git := cp.Manager(testenv.ArgoCD).In(ns)
	mustApply(t, git, statefulSet)
	held, release := server.HoldRequests(testenv.Is(testenv.VerbApply, "adaptersets/status"))
	startAs(t, cp, server.Config(), ns)
	mustApply(t, git, adapterSet(withNFS, ""))
	<-held
	if err := git.Delete(t.Context(), "AdapterSet", "", "files"); err != nil {
		t.Fatal(err)
	}
	mustApply(t, git, adapterSet(withNFS, "suspend: true"))
	release()
	expectCondition(t, cp, ns, "files", "Reconciling", "False", "Suspended")
}
