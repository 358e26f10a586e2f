package dittofs_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/portside-dev/portside/testenv/dittofs"
)

const (
	login   = "POST " + dittofs.LoginPath
	refresh = "POST " + dittofs.RefreshPath
	list    = "GET " + dittofs.AdaptersPath
)

// client sends requests to a handler that listens at an address of its own.
type client struct {
	t    *testing.T
	http *http.Client
	url  string
}

func serve(t *testing.T, handler http.Handler) client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return client{t, server.Client(), server.URL}
}

func newServer(t *testing.T, o dittofs.Options) *dittofs.Server {
	t.Helper()
	server, err := dittofs.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return server
}

func (c client) send(request, token, body string) (code int, answer string) {
	c.t.Helper()
	method, path, _ := strings.Cut(request, " ")
	r, err := http.NewRequestWithContext(c.t.Context(), method, c.url+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := c.http.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

// tokens sends a login or a refresh that must succeed.
func (c client) tokens(request, body string) (access, refresh string) {
	c.t.Helper()
	code, answer := c.send(request, "", body)
	var tokens struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
	}
	if err := json.Unmarshal([]byte(answer), &tokens); err != nil || code != http.StatusOK {
		c.t.Fatalf("%s: %d %s: %v", request, code, answer, err)
	}
	return tokens.Access, tokens.Refresh
}

func (c client) expect(token string, code int, body string) {
	c.t.Helper()
	if gotCode, got := c.send(list, token, ""); gotCode != code || body != "" && got != body {
		c.t.Errorf("%d %s, want %d %s", gotCode, got, code, body)
	}
}

func TestServer(t *testing.T) {
	t.Parallel()
	const right = `{"username":"files","password":"secret"}`
	nfs := `[{"type":"nfs","port":12049,"enabled":true,"running":true}]`

	t.Run("recordings", func(t *testing.T) {
		t.Parallel()
		server := newServer(t, dittofs.Options{})
		c := serve(t, server)
		c.expect("", http.StatusOK, "[]")
		for _, name := range []string{"both-running", "smb-disabled", "nfs-renumbered", "smb-zero", "ports-smb-zero"} {
			body, err := dittofs.Recording(name)
			if err != nil {
				t.Fatal(err)
			}
			server.Answer(dittofs.Recorded(name))
			c.expect("", http.StatusOK, body)
		}
	})

	t.Run("tokens", func(t *testing.T) {
		t.Parallel()
		now := time.Now()
		server := newServer(t, dittofs.Options{Username: "files", Password: "secret", Now: func() time.Time { return now }})
		server.Answer(dittofs.Adapters("nfs:12049"))
		c := serve(t, server)
		c.expect("", http.StatusUnauthorized, "")
		if code, _ := c.send(login, "", `{"username":"files","password":"wrong"}`); code != http.StatusUnauthorized {
			t.Errorf("a wrong password: %d", code)
		}
		access, again := c.tokens(login, right)
		c.expect(access, http.StatusOK, nfs)
		now = now.Add(15 * time.Minute)
		c.expect(access, http.StatusUnauthorized, "")
		access, _ = c.tokens(refresh, `{"refresh_token":"`+again+`"}`)
		c.expect(access, http.StatusOK, nfs)
		server.Revoke()
		c.expect(access, http.StatusUnauthorized, "")
		server.Accept("static")
		c.expect("static", http.StatusOK, nfs)
		want := []string{list, login, login, list, list, refresh, list, list, list}
		if got := server.Calls(); !slices.Equal(got, want) {
			t.Errorf("called %q, want %q", got, want)
		}
		if asked, refused := server.Count(dittofs.AdaptersPath), server.Refused(); asked != 6 || refused != 3 {
			t.Errorf("asked %d times, refused %d times", asked, refused)
		}
	})

	t.Run("least privilege", func(t *testing.T) {
		t.Parallel()
		server := newServer(t, dittofs.Options{Username: "files", Password: "secret", PortsOnly: true})
		server.Answer(dittofs.Recorded("ports-smb-zero"))
		c := serve(t, server)
		access, _ := c.tokens(login, right)
		for path, want := range map[string]int{
			dittofs.AdaptersPath: http.StatusForbidden, dittofs.SettingsPath: http.StatusForbidden, dittofs.PortsPath: http.StatusOK,
		} {
			if code, body := c.send("GET "+path, access, ""); code != want {
				t.Errorf("%s: %d %s, want %d", path, code, body, want)
			}
		}
	})

	t.Run("settings", func(t *testing.T) {
		t.Parallel()
		code, body := serve(t, newServer(t, dittofs.Options{})).send("GET "+dittofs.SettingsPath, "", "")
		if code != http.StatusOK || !strings.Contains(body, `"portmapper_port":10111`) {
			t.Errorf("%d %s", code, body)
		}
	})

	t.Run("behavior", func(t *testing.T) {
		t.Parallel()
		server := newServer(t, dittofs.Options{Username: "files", Password: "secret"})
		c := serve(t, server)
		server.Behave(func(b *dittofs.Behavior) { b.Login, b.Refresh = http.StatusNotFound, http.StatusInternalServerError })
		for request, want := range map[string]int{login: http.StatusNotFound, refresh: http.StatusInternalServerError} {
			if code, _ := c.send(request, "", right); code != want {
				t.Errorf("%s: %d, want %d", request, code, want)
			}
		}
		server.Recover(dittofs.Body("[]"))
		access, _ := c.tokens(login, right)
		server.Behave(func(b *dittofs.Behavior) { b.List = http.StatusUnauthorized })
		c.expect(access, http.StatusUnauthorized, "")
		server.Recover(dittofs.Status(http.StatusServiceUnavailable))
		c.expect(access, http.StatusServiceUnavailable, "")
	})
}

func TestPodServer(t *testing.T) {
	t.Parallel()
	server := newServer(t, dittofs.Options{})
	start := func(name string) client {
		return serve(t, server.PodServer().Handler(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name}}))
	}
	zero, one := start("files-0"), start("files-1")
	server.Answer(dittofs.Body("all"))
	server.Answer(dittofs.Body("one"), "files-1")
	zero.expect("", http.StatusOK, "all")
	one.expect("", http.StatusOK, "one")
	server.AnswerFirst(dittofs.Body("starting"))
	next := start("files-0")
	next.expect("", http.StatusOK, "starting")
	next.expect("", http.StatusOK, "all")
	zero.expect("", http.StatusOK, "all")
}

func TestTLS(t *testing.T) {
	t.Parallel()
	server := newServer(t, dittofs.Options{ServerName: "files.storage.svc"})
	pods := server.PodServer()
	listening := httptest.NewUnstartedServer(pods.Handler(&corev1.Pod{}))
	listening.TLS = pods.TLS
	listening.Config.ErrorLog = nil
	listening.StartTLS()
	t.Cleanup(listening.Close)
	authorities := x509.NewCertPool()
	authorities.AppendCertsFromPEM(server.Secret("access").Data["ca.crt"])
	c := client{t, &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		TLSClientConfig:   &tls.Config{RootCAs: authorities, ServerName: "files.storage.svc"},
	}}, listening.URL}
	c.expect("", http.StatusOK, "[]")
	server.Behave(func(b *dittofs.Behavior) { b.Expired = true })
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	if response, err := c.http.Do(request); err == nil || !strings.Contains(err.Error(), "expired") {
		_ = response.Body.Close()
		t.Errorf("an expired certificate: %v", err)
	}
}

// TestFaults asks whether a client gets a whole answer, which none of these is.
func TestFaults(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]http.HandlerFunc{
		"silent": dittofs.Silent, "trickle": dittofs.Trickle, "reset": dittofs.Reset, "truncated": dittofs.Truncated,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newServer(t, dittofs.Options{})
			server.Answer(fault)
			c := serve(t, server)
			c.http.Timeout = 100 * time.Millisecond
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.url+dittofs.AdaptersPath, http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			response, err := c.http.Do(request)
			if err == nil {
				defer response.Body.Close()
				var body bytes.Buffer
				if _, err = io.Copy(&body, response.Body); err == nil {
					t.Errorf("a whole answer: %s", fmt.Sprint(response.Status, body.String()))
				}
			}
		})
	}
}
