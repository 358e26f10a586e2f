package controller

import (
	"net/http"
	"strings"
	"testing"

	"github.com/portside-dev/portside/testenv"
)

// TestTheServerIsAskedToCompressNothing of what is watched and written.
func TestTheServerIsAskedToCompressNothing(t *testing.T) {
	t.Parallel()
	cp := testenv.Shared(t)
	ns := cp.Namespace(t)
	server := cp.Proxy(t, cp.Config(), testenv.ProxyHooks{OnRequest: func(r *http.Request) {
		_, resource, _ := strings.Cut(r.URL.Path, "/namespaces/"+ns+"/")
		if accepted := r.Header.Get("Accept-Encoding"); accepted != "" && resource != "" && resource != "events" {
			t.Errorf("%s %s accepts %s", r.Method, r.URL, accepted)
		}
	}})
	git := cp.Manager(testenv.ArgoCD).In(ns)
	mustApply(t, git, statefulSet)
	startAs(t, cp, server.Config(), ns)
	mustApply(t, git, adapterSet(withNFS, ""))
	expectReady(t, cp, ns, "True", "InPlace", "1/1")
	for resource, verb := range map[string]string{
		"adaptersets": testenv.VerbWatch, "statefulsets": testenv.VerbWatch, "adaptersets/status": testenv.VerbApply,
	} {
		if server.CountOf(verb, resource) == 0 {
			t.Errorf("there was no %s of %s: %s", verb, resource, server)
		}
	}
}
