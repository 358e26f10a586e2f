package dittofs

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
)

// Listen serves plain HTTP at a loopback address until the test ends. It then ends
// unanswered requests, too.
func Listen(t testing.TB, handler http.Handler) (address string, port int32) {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // it reports clients that close connections
	server.Start()
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	at := netip.MustParseAddrPort(server.Listener.Addr().String())
	return at.Addr().String(), int32(at.Port())
}
