package controller

import (
	"net/http"
	"strings"
	"testing"

	"github.com/portside-dev/portside/testenv"
)

// TestNoCompression checks that the service does not ask the API server to compress
// watches or answers to writes.
func TestNoCompression(t *testing.T) {
	t.Parallel()
	s := realTimeScene(t)
	server := s.cp.Proxy(t, s.cp.Config(), testenv.ProxyHooks{OnRequest: func(r *http.Request) {
		_, resource, _ := strings.Cut(r.URL.Path, "/namespaces/"+s.ns+"/")
		if accepted := r.Header.Get("Accept-Encoding"); accepted != "" && resource != "" && resource != "events" {
			t.Errorf("%s %s accepts %s", r.Method, r.URL, accepted)
		}
	}})
	s.git.MustApply(t, statefulSet())
	s.startAs(t, server.Config())
	s.git.MustApply(t, adapterSet(withNFS))
	s.expectReady(t, "True", "InPlace", "1/1")
	for resource, verb := range map[string]string{
		"adaptersets": testenv.VerbWatch, "statefulsets": testenv.VerbWatch, "adaptersets/status": testenv.VerbApply,
	} {
		if server.CountOf(verb, resource) == 0 {
			t.Errorf("there was no %s of %s: %s", verb, resource, server)
		}
	}
}
