package controller

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/portside"
)

// TestNoGoroutineLeaks is not parallel, so that all new goroutines are its own.
func TestNoGoroutineLeaks(t *testing.T) { //nolint:paralleltest // see above
	cp := testenv.WithControllers(t)
	portside.InstallCRD(t, cp)
	before := goleak.IgnoreCurrent()
	s := newScene(t)
	server, stop := s.serveAdapters(t)
	s.git.MustApply(t, statefulSet(onDelete))
	s.waitRolledOut(t)
	s.git.MustApply(t, adapterSet(discovered))
	s.polled(t, 2, server)
	s.expectPorts(t, nfsSMB...)
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
