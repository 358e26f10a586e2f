package httpapi_test

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/cmd/portside/internal/discovery"
	"github.com/portside-dev/portside/cmd/portside/internal/discovery/httpapi"
)

// What must never be seen anywhere; each holds "hunter2".
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

// recorded is a body that a DittoFS server answered.
func recorded(t *testing.T, name string) string {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("testdata", "adapters-"+name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// serve starts a server over plain HTTP and is the pod of it.
func serve(t *testing.T, name string, handler http.Handler) discovery.Pod {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.Start()
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return podAt(server.Listener.Addr(), name)
}

func podAt(address net.Addr, name string) discovery.Pod {
	at := netip.MustParseAddrPort(address.String())
	return discovery.Pod{Name: name, Address: at.Addr().String(), Port: int32(at.Port())}
}

func says(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) }
}

func fails(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "hunter2 is in the body", code)
	}
}

// silent takes the request and does not answer it.
func silent(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// raw serves one connection after the other with what is below HTTP.
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

// dittofs answers as a DittoFS server does. Its tokens count up.
type dittofs struct {
	mu    sync.Mutex
	calls []string
	body  string
	// valid are the tokens taken; a login or a refresh adds one. Both are kept
	// from doing so by a status other than 0.
	valid           map[string]bool
	logins, refresh int
	issued          int
	refuseAll       bool
	expiresIn       int
	expiresAt       string
	now             func() time.Time
	expiry          map[string]time.Time
}

func newDittofs(body string) *dittofs {
	return &dittofs{body: body, valid: map[string]bool{}, expiry: map[string]time.Time{}, expiresIn: 900, now: time.Now}
}

func (d *dittofs) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.calls = append(d.calls, r.Method+" "+r.URL.Path)
	if r.Method == http.MethodPost && r.Header.Get("Content-Type") != "application/json" {
		w.WriteHeader(http.StatusUnsupportedMediaType)
		return
	}
	var said map[string]string
	_ = json.NewDecoder(r.Body).Decode(&said)
	switch r.URL.Path {
	case "/api/v1/auth/login":
		right := r.Method == http.MethodPost && said["username"] == theUsername && said["password"] == thePassword
		d.give(w, right, d.logins)
	case "/api/v1/auth/refresh":
		right := r.Method == http.MethodPost && said["refresh_token"] == fmt.Sprintf("hunter2-refresh-%d", d.issued)
		d.give(w, right, d.refresh)
	case "/api/v1/adapters":
		token, expiry := r.Header.Get("Authorization"), d.expiry[r.Header.Get("Authorization")]
		if d.refuseAll || !d.valid[token] || !expiry.IsZero() && !d.now().Before(expiry) {
			http.Error(w, "Invalid or expired token hunter2", http.StatusUnauthorized)
			return
		}
		_, _ = io.WriteString(w, d.body)
	default:
		http.NotFound(w, r)
	}
}

func (d *dittofs) give(w http.ResponseWriter, right bool, status int) {
	if status == 0 && !right {
		status = http.StatusUnauthorized
	}
	if status != 0 {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, `{"type":"about:blank","title":"Unauthorized hunter2","status":%d,"detail":"hunter2"}`, status)
		return
	}
	d.issued++
	token := fmt.Sprintf("Bearer hunter2-access-%d", d.issued)
	d.valid[token] = true
	if d.expiresIn > 0 {
		d.expiry[token] = d.now().Add(time.Duration(d.expiresIn) * time.Second)
	}
	_, _ = fmt.Fprintf(w, `{"access_token":"hunter2-access-%d","refresh_token":"hunter2-refresh-%d","token_type":"Bearer",`+
		`"expires_in":%d,"expires_at":%q,"user":{"username":%q}}`, d.issued, d.issued, d.expiresIn, d.expiresAt, theUsername)
}

// revoke makes every token given so far invalid.
func (d *dittofs) revoke() {
	d.mu.Lock()
	defer d.mu.Unlock()
	clear(d.valid)
}

// took gives the calls since it was last asked, in short.
func (d *dittofs) took() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	calls := d.calls
	d.calls = nil
	return calls
}
