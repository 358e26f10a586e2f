package httpapi_test

import (
	"net"
	"net/http"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/cmd/portside/internal/discovery"
	"github.com/portside-dev/portside/cmd/portside/internal/discovery/httpapi"
	"github.com/portside-dev/portside/testenv/dittofs"
)

// Credentials that no output may contain. Each contains "hunter2".
const (
	thePassword = "hunter2-password"
	theUsername = "hunter2-user"
	theToken    = "hunter2-token"
)

var (
	nfs        = apply.Adapter{Type: "nfs", Port: 12049}
	nfsAt12050 = apply.Adapter{Type: "nfs", Port: 12050}
	smb        = apply.Adapter{Type: "smb", Port: 1445}
)

// serve serves plain HTTP and returns its pod.
func serve(t *testing.T, name string, handler http.Handler) discovery.Pod {
	t.Helper()
	address, port := dittofs.Listen(t, handler)
	return discovery.Pod{Name: name, Address: address, Port: port}
}

func podAt(address net.Addr, name string) discovery.Pod {
	at := netip.MustParseAddrPort(address.String())
	return discovery.Pod{Name: name, Address: at.Addr().String(), Port: int32(at.Port())}
}

func fails(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "hunter2 is in the body", code) }
}

// raw handles connections without HTTP.
func raw(t *testing.T, handle func(net.Conn)) discovery.Pod {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				defer conn.Close()
				handle(conn)
			})
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		running.Wait()
	})
	return podAt(listener.Addr(), "pod-0")
}

// readRequest reads the head of a request.
func readRequest(conn net.Conn) { _, _ = conn.Read(make([]byte, 4096)) }

func plain(timeout time.Duration) httpapi.Endpoint {
	return httpapi.Endpoint{Scheme: v1alpha1.SchemeHTTP, Path: "/api/v1/adapters", LoginPath: "/api/v1/auth/login", Timeout: timeout}
}

func newClient(t *testing.T, endpoint httpapi.Endpoint, data map[string]string) *httpapi.Client {
	t.Helper()
	return newClientAt(t, endpoint, data, time.Now)
}

func newClientAt(t *testing.T, endpoint httpapi.Endpoint, data map[string]string, now func() time.Time) *httpapi.Client {
	t.Helper()
	client, err := httpapi.New(httpapi.Options{Now: now, AllowLoopback: true}).Client("files", endpoint, credentials(t, data))
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func credentials(t *testing.T, data map[string]string) httpapi.Credentials {
	t.Helper()
	if data == nil {
		return httpapi.Credentials{}
	}
	secret := map[string][]byte{}
	for key, value := range data {
		secret[key] = []byte(value)
	}
	c, err := httpapi.ReadCredentials(secret)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func withToken() map[string]string { return map[string]string{"access-token": theToken} }

func withPassword() map[string]string {
	return map[string]string{"username": theUsername, "password": thePassword}
}

// newServer returns a DittoFS server that answers a body. now is its clock.
func newServer(t *testing.T, answer http.HandlerFunc, now func() time.Time) *dittofs.Server {
	t.Helper()
	server, err := dittofs.New(dittofs.Options{Username: theUsername, Password: thePassword, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	server.Answer(answer)
	return server
}
