package controller

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/portside-dev/portside/testenv"
)

// TestNothingIsLeftOfTheService is not parallel, so that all goroutines that
// come are its own.
func TestNothingIsLeftOfTheService(t *testing.T) { //nolint:paralleltest // see above
	cp := testenv.WithControllers(t)
	if err := cp.InstallCRD(t.Context(), crd); err != nil {
		t.Fatal(err)
	}
	before := goleak.IgnoreCurrent()
	s := newScene(t)
	p := &pods{}
	stop := s.cp.ServePods(s.ns, testenv.PodServer{Port: 8080, Handler: p.handler})
	mustApply(t, s.git, strategy(1, "{type: OnDelete}"))
	s.rolledOut(t)
	mustApply(t, s.git, discovered)
	s.polled(t, p, 2)
	expectPorts(t, s.cp, s.ns, nfsSMB...)
	s.stop()
	stop()
	// Connections are kept for the next request by the transports that
	// client-go shares.
	if err := goleak.Find(before,
		goleak.IgnoreAnyFunction("net/http.(*http2ClientConn).readLoop"),
		goleak.IgnoreAnyFunction("golang.org/x/net/http2.(*ClientConn).readLoop"),
	); err != nil {
		t.Error(err)
	}
}
