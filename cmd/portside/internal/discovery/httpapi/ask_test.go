package httpapi_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/cmd/portside/internal/discovery"
	"github.com/portside-dev/portside/cmd/portside/internal/discovery/httpapi"
	"github.com/portside-dev/portside/testenv/dittofs"
)

func TestAskRecorded(t *testing.T) {
	for name, want := range map[string][]apply.Adapter{
		"both-running":   {nfs, smb},
		"smb-disabled":   {nfs},
		"nfs-renumbered": {nfsAt12050},
	} {
		t.Run(name, func(t *testing.T) {
			pod := serve(t, "pod-0", dittofs.Recorded(name))
			got, err := newClient(t, plain(time.Minute), nil).Ask(t.Context(), pod)
			if err != nil || !slices.Equal(got, want) {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}

func TestAskRequest(t *testing.T) {
	var got *http.Request
	pod := serve(t, "pod-0", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r.Clone(context.WithoutCancel(r.Context()))
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "b"})
		_, _ = io.WriteString(w, "[]")
	}))
	endpoint := plain(time.Minute)
	endpoint.Path = "/x%20y?all=1"
	client := newClient(t, endpoint, map[string]string{"access-token": " " + theToken + "\n"})
	mapped := pod // the same address, written as IPv6
	mapped.Address = "::ffff:" + pod.Address
	for _, pod := range []discovery.Pod{pod, mapped} {
		answer, err := client.Ask(t.Context(), pod)
		if err != nil || answer == nil || len(answer) != 0 {
			t.Fatalf("got %+v, %v", answer, err)
		}
	}
	if got.Method != http.MethodGet || got.RequestURI != "/x%20y?all=1" || got.Host != fmt.Sprintf("%s:%d", pod.Address, pod.Port) {
		t.Errorf("asked %s %s of %s", got.Method, got.RequestURI, got.Host)
	}
	want := http.Header{
		"Accept": {"application/json"}, "Authorization": {"Bearer " + theToken},
		"Connection": {"close"}, "User-Agent": {"portside"},
	}
	if fmt.Sprint(got.Header) != fmt.Sprint(want) {
		t.Errorf("sent %v, want %v", got.Header, want)
	}
}

// failure is a way to fail, and the error that is expected.
type failure struct {
	pod  func(t *testing.T) discovery.Pod
	want discovery.Reason
	text string
}

func over(handler http.HandlerFunc) func(*testing.T) discovery.Pod {
	return func(t *testing.T) discovery.Pod {
		t.Helper()
		return serve(t, "pod-0", handler)
	}
}

func below(handle func(net.Conn)) func(*testing.T) discovery.Pod {
	return func(t *testing.T) discovery.Pod {
		t.Helper()
		return raw(t, handle)
	}
}

func at(address string, port int32) func(*testing.T) discovery.Pod {
	return func(*testing.T) discovery.Pod { return discovery.Pod{Name: "pod-0", Address: address, Port: port} }
}

func failures() map[string]failure {
	const (
		malformed   = "the answer is not the JSON list of at most 64 adapters"
		interrupted = "the connection broke before the answer was complete"
		late        = "no complete answer within the timeout"
		long        = "the answer is too long"
		elsewhere   = "the server redirects the request, and redirects are not followed"
		notAPod     = "no pod can have this address"
		noIP        = "the pod has no IP address"
	)
	element := `{"type":"hunter2","port":1,"enabled":true,"running":true}`
	return map[string]failure{
		"400":             {over(fails(400)), discovery.UnexpectedStatus, "the server answered with status 400 instead of 200"},
		"401":             {over(fails(401)), discovery.Unauthorized, "the server rejected the credentials (status 401)"},
		"403":             {over(fails(403)), discovery.Forbidden, "the credentials do not permit this request (status 403)"},
		"404":             {over(fails(404)), discovery.NotFound, "path not found (status 404)"},
		"500":             {over(fails(500)), discovery.ServerError, "the server failed (status 500)"},
		"503":             {over(fails(503)), discovery.ServerError, "the server failed (status 503)"},
		"204":             {over(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }), discovery.UnexpectedStatus, "the server answered with status 204 instead of 200"},
		"101":             {below(respond("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n[]")), discovery.UnexpectedStatus, "the server answered with status 101 instead of 200"},
		"empty":           {over(dittofs.Body("")), discovery.Malformed, malformed},
		"null":            {over(dittofs.Body("null")), discovery.Malformed, malformed},
		"HTML":            {over(dittofs.Body("<!DOCTYPE html><html>hunter2</html>")), discovery.Malformed, malformed},
		"an error in 200": {over(dittofs.Body(`{"title":"hunter2"}`)), discovery.Malformed, malformed},
		"half a list":     {over(dittofs.Body(`[` + element + `,`)), discovery.Malformed, malformed},
		"a bad port":      {over(dittofs.Body(`[{"type":"hunter2","port":"hunter2"}]`)), discovery.Malformed, malformed},
		"65 adapters":     {over(dittofs.Body("[" + strings.Join(slices.Repeat([]string{element}, 65), ",") + "]")), discovery.Malformed, malformed},
		"2 MiB":           {over(dittofs.Body("[" + strings.Repeat(" ", 2<<20) + "]")), discovery.TooLarge, long},
		"2 MiB in pieces": {over(func(w http.ResponseWriter, _ *http.Request) {
			for range 512 {
				_, _ = io.WriteString(w, strings.Repeat(" ", 4096))
				_ = http.NewResponseController(w).Flush()
			}
		}), discovery.TooLarge, long},
		"an endless header": {below(func(conn net.Conn) {
			readRequest(conn)
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n")
			for line := "X: " + strings.Repeat("x", 4000) + "\r\n"; ; {
				if _, err := io.WriteString(conn, line); err != nil {
					return
				}
			}
		}), discovery.TooLarge, long},
		"gzip":     {over(gzipped), discovery.Malformed, malformed},
		"not HTTP": {below(respond("220 hunter2 ESMTP\r\n")), discovery.Malformed, malformed},
		"speaks first": {below(func(conn net.Conn) {
			_, _ = io.WriteString(conn, "220 hunter2 ESMTP\r\n")
			readRequest(conn)
		}), discovery.Malformed, malformed},
		"closed at once":    {below(func(net.Conn) {}), discovery.Interrupted, interrupted},
		"closed when asked": {below(readRequest), discovery.Interrupted, interrupted},
		"reset when asked":  {below(func(conn net.Conn) { readRequest(conn); reset(conn) }), discovery.Interrupted, interrupted},
		"reset in the body": {below(func(conn net.Conn) {
			respond("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n[")(conn)
			reset(conn)
		}), discovery.Interrupted, interrupted},
		"truncated body":  {below(respond("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n[]")), discovery.Interrupted, interrupted},
		"truncated chunk": {below(respond("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n")), discovery.Interrupted, interrupted},
		"no answer":       {over(dittofs.Silent), discovery.Timeout, late},
		"a slow body":     {over(dittofs.Trickle), discovery.Timeout, late},
		"endless interim answers": {below(func(conn net.Conn) {
			readRequest(conn)
			for {
				if _, err := io.WriteString(conn, "HTTP/1.1 103 Early Hints\r\nX: "+strings.Repeat("x", 1000)+"\r\n\r\n"); err != nil {
					return
				}
			}
		}), discovery.TooLarge, long},
		"nothing listens": {func(*testing.T) discovery.Pod {
			server := httptest.NewServer(nil)
			server.Close()
			return podAt(server.Listener.Addr(), "pod-0")
		}, discovery.Unreachable, "cannot connect to the pod"},
		"a redirect without a place": {below(respond("HTTP/1.1 302 Found\r\n\r\n")), discovery.Redirected, elsewhere},
		"a redirect to nonsense":     {below(respond("HTTP/1.1 307 x\r\nLocation: :hunter2\r\n\r\n")), discovery.Redirected, elsewhere},
		"no address":                 {at("", 80), discovery.Unreachable, noIP},
		"a name":                     {at("localhost", 80), discovery.Unreachable, noIP},
		"a zone":                     {at("fe80::1%eth0", 80), discovery.Unreachable, noIP},
		"the metadata service":       {at("169.254.169.254", 80), discovery.Unreachable, notAPod},
		"the same in IPv6":           {at("::ffff:169.254.169.254", 80), discovery.Unreachable, notAPod},
		"no host":                    {at("0.0.0.0", 80), discovery.Unreachable, notAPod},
		"many hosts":                 {at("224.0.0.1", 80), discovery.Unreachable, notAPod},
		"port 0":                     {at("10.0.0.1", 0), discovery.EndpointInvalid, "the pod has no port of the name in spec.discovery.http.port"},
		"port 65536":                 {at("10.0.0.1", 65536), discovery.EndpointInvalid, "the port is not within 1 to 65535"},
	}
}

func respond(text string) func(net.Conn) {
	return func(conn net.Conn) {
		readRequest(conn)
		_, _ = io.WriteString(conn, text)
	}
}

// reset closes a connection with RST.
func reset(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// gzipped is 8 MiB of spaces in 8 KiB, asked for or not.
func gzipped(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Encoding", "gzip")
	zipped := gzip.NewWriter(w)
	spaces := bytes.Repeat([]byte(" "), 1<<20)
	for range 8 {
		_, _ = zipped.Write(spaces)
	}
	_ = zipped.Close()
}

func TestAskFails(t *testing.T) {
	for name, c := range failures() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			timeout := time.Minute
			if c.want == discovery.Timeout {
				timeout = 200 * time.Millisecond
			}
			client, pod := newClient(t, plain(timeout), withToken()), c.pod(t)
			began := time.Now()
			answer, err := client.Ask(t.Context(), pod)
			if err == nil {
				t.Fatalf("answered %+v", answer)
			}
			if discovery.ReasonOf(err) != c.want || err.Error() != c.text {
				t.Errorf("got  %s %q\nwant %s %q", discovery.ReasonOf(err), err, c.want, c.text)
			}
			if took := time.Since(began); took > 20*time.Second {
				t.Errorf("took %s", took)
			}
			checkSilent(t, err, answer, client)
		})
	}
}

func TestAskFollowsNoRedirect(t *testing.T) {
	var contacted atomic.Int32
	other := serve(t, "other", http.HandlerFunc(func(http.ResponseWriter, *http.Request) { contacted.Add(1) }))
	for _, code := range []int{301, 302, 303, 307, 308} {
		pod := serve(t, "pod-0", http.RedirectHandler(fmt.Sprintf("http://%s:%d/", other.Address, other.Port), code))
		_, err := newClient(t, plain(time.Minute), withToken()).Ask(t.Context(), pod)
		if discovery.ReasonOf(err) != discovery.Redirected {
			t.Errorf("%d: %v", code, err)
		}
	}
	if contacted.Load() != 0 {
		t.Errorf("the other host was contacted %d times", contacted.Load())
	}
}

func TestAskUsesNoProxy(t *testing.T) {
	var contacted atomic.Int32
	proxy := raw(t, func(net.Conn) { contacted.Add(1) })
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY"} {
		t.Setenv(name, fmt.Sprintf("http://%s:%d", proxy.Address, proxy.Port))
	}
	// An address that is not loopback, which proxies are never used for.
	_, err := newClient(t, plain(50*time.Millisecond), nil).Ask(t.Context(), discovery.Pod{Name: "pod-0", Address: "192.0.2.1", Port: 80})
	if reason := discovery.ReasonOf(err); reason != discovery.Timeout && reason != discovery.Unreachable {
		t.Error(err)
	}
	if contacted.Load() != 0 {
		t.Error("the proxy was used")
	}
}

func TestAskRefusesLoopbackUnlessAllowed(t *testing.T) {
	pod := serve(t, "pod-0", dittofs.Body("[]"))
	client, err := httpapi.New(httpapi.Options{}).Client("files", plain(time.Minute), httpapi.Credentials{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Ask(t.Context(), pod); discovery.ReasonOf(err) != discovery.Unreachable {
		t.Error(err)
	}
}

func TestAskLongestBody(t *testing.T) {
	pod := serve(t, "pod-0", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusEarlyHints)
		_, _ = io.WriteString(w, "["+strings.Repeat(" ", httpapi.MaxBodyBytes-2)+"]")
	}))
	if _, err := newClient(t, plain(time.Minute), nil).Ask(t.Context(), pod); err != nil {
		t.Error(err)
	}
}

func TestAskCanceled(t *testing.T) {
	for name, handle := range map[string]http.HandlerFunc{
		"no answer": dittofs.Silent,
		"half an answer": func(w http.ResponseWriter, r *http.Request) {
			_ = http.NewResponseController(w).Flush()
			dittofs.Silent(w, r)
		},
	} {
		t.Run(name, func(t *testing.T) {
			asked := make(chan struct{})
			pod := serve(t, "pod-0", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				close(asked)
				handle(w, r)
			}))
			ctx, cancel := context.WithCancel(t.Context())
			go func() {
				<-asked
				cancel()
			}()
			_, err := newClient(t, plain(time.Minute), nil).Ask(ctx, pod)
			if discovery.ReasonOf(err) != discovery.Canceled || !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		})
	}
}

func TestClientsRefuseEndpoint(t *testing.T) {
	for name, change := range map[string]func(*httpapi.Endpoint){
		"no scheme":         func(e *httpapi.Endpoint) { e.Scheme = "" },
		"another scheme":    func(e *httpapi.Endpoint) { e.Scheme = "FTP" },
		"no path":           func(e *httpapi.Endpoint) { e.Path = "" },
		"a URL as path":     func(e *httpapi.Endpoint) { e.Path = "http://elsewhere/" },
		"a broken escape":   func(e *httpapi.Endpoint) { e.Path = "/%zz" },
		"a second header":   func(e *httpapi.Endpoint) { e.Path = "/x HTTP/1.1\r\nX: y" },
		"no timeout":        func(e *httpapi.Endpoint) { e.Timeout = 0 },
		"a timeout in past": func(e *httpapi.Endpoint) { e.Timeout = -1 },
	} {
		endpoint := plain(time.Minute)
		change(&endpoint)
		if _, err := httpapi.New(httpapi.Options{}).Client("files", endpoint, httpapi.Credentials{}); discovery.ReasonOf(err) != discovery.EndpointInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}
