package httpapi_test

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/portside-dev/portside/cmd/portside/internal/discovery"
	"github.com/portside-dev/portside/cmd/portside/internal/discovery/httpapi"
	"github.com/portside-dev/portside/testenv/dittofs"
)

const (
	login   = "POST /api/v1/auth/login"
	refresh = "POST /api/v1/auth/refresh"
	list    = "GET /api/v1/adapters"
)

// clock is the time of a client, and that of its server, which may be ahead.
type clock struct {
	mu    sync.Mutex
	now   time.Time
	ahead time.Duration
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Server returns the server's time.
func (c *clock) Server() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now.Add(c.ahead)
}

// step advances both, and the server by more.
func (c *clock) step(d, more time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now, c.ahead = c.now.Add(d), c.ahead+more
}

func behave(change func(*dittofs.Behavior)) func(*dittofs.Server) {
	return func(s *dittofs.Server) { s.Behave(change) }
}

// TestTokens: each step changes the server or the time, asks once, and expects these
// calls and this result.
func TestTokens(t *testing.T) {
	type step struct {
		change func(*dittofs.Server, *clock)
		calls  []string
		want   discovery.Reason
		text   string
	}
	later := func(d time.Duration) func(*dittofs.Server, *clock) {
		return func(_ *dittofs.Server, c *clock) { c.step(d, 0) }
	}
	start := step{nil, []string{login, list}, "", ""}
	same := step{nil, []string{list}, "", ""}
	const refused = "logging in: the server rejected the credentials (status 401)"
	for name, c := range map[string]struct {
		prepare func(*dittofs.Server)
		steps   []step
	}{
		"a token is kept": {nil, []step{start, same, {later(839 * time.Second), []string{list}, "", ""}}},
		"refreshed a minute before it expires": {nil, []step{
			start, {later(840 * time.Second), []string{refresh, list}, "", ""}, same,
			{later(840 * time.Second), []string{refresh, list}, "", ""},
		}},
		"refreshed after it has expired": {nil, []step{start, {later(time.Hour), []string{refresh, list}, "", ""}}},
		"a short life: refreshed in its last quarter": {behave(func(b *dittofs.Behavior) { b.TokenLife = 40 * time.Second }), []step{
			start, {later(29 * time.Second), []string{list}, "", ""}, {later(time.Second), []string{refresh, list}, "", ""},
		}},
		"expires_at alone": {behave(func(b *dittofs.Behavior) { b.TokenLife, b.ExpiresAt = time.Hour, true }), []step{
			start, {later(59*time.Minute - time.Second), []string{list}, "", ""}, {later(time.Second), []string{refresh, list}, "", ""},
		}},
		"without expiry": {behave(func(b *dittofs.Behavior) { b.TokenLife = 0 }), []step{start, {later(24 * time.Hour), []string{list}, "", ""}}},
		"a refresh without expiry": {nil, []step{
			start, {func(s *dittofs.Server, c *clock) {
				c.step(time.Hour, 0)
				s.Behave(func(b *dittofs.Behavior) { b.TokenLife = 0 })
			}, []string{refresh, list}, "", ""}, same,
		}},
		"expired by the server's clock alone": {nil, []step{
			start, {func(_ *dittofs.Server, c *clock) { c.step(0, time.Hour) }, []string{list, refresh, list}, "", ""}, same,
		}},
		"401 once": {nil, []step{start, {func(s *dittofs.Server, _ *clock) { s.Revoke() }, []string{list, refresh, list}, "", ""}, same}},
		"401 once, and the refresh refused": {nil, []step{
			start, {func(s *dittofs.Server, _ *clock) { s.Revoke(); s.Behave(func(b *dittofs.Behavior) { b.Refresh = 401 }) }, []string{list, refresh, login, list}, "", ""}, same,
		}},
		"the refresh fails, the login does not": {nil, []step{
			start, {func(s *dittofs.Server, c *clock) {
				c.step(time.Hour, 0)
				s.Behave(func(b *dittofs.Behavior) { b.Refresh = 500 })
			}, []string{refresh, login, list}, "", ""}, same,
		}},
		"401 again and again, then recovery": {nil, []step{
			start,
			{func(s *dittofs.Server, _ *clock) { s.Behave(func(b *dittofs.Behavior) { b.List = 401 }) }, []string{list, refresh, list}, discovery.Unauthorized, "the server rejected the credentials (status 401)"},
			{nil, []string{login, list, refresh, list}, discovery.Unauthorized, "the server rejected the credentials (status 401)"},
			{func(s *dittofs.Server, _ *clock) { s.Behave(func(b *dittofs.Behavior) { b.List = 0 }) }, []string{login, list}, "", ""},
		}},
		"a wrong password, then recovery": {behave(func(b *dittofs.Behavior) { b.Login = 401 }), []step{
			{nil, []string{login}, discovery.Unauthorized, refused},
			{nil, []string{login}, discovery.Unauthorized, refused},
			{func(s *dittofs.Server, _ *clock) { s.Behave(func(b *dittofs.Behavior) { b.Login = 0 }) }, []string{login, list}, "", ""},
		}},
		"the password changed": {nil, []step{
			start,
			{func(s *dittofs.Server, _ *clock) {
				s.Revoke()
				s.Behave(func(b *dittofs.Behavior) { b.Refresh, b.Login = 401, 401 })
			}, []string{list, refresh, login}, discovery.Unauthorized, refused},
			{nil, []string{login}, discovery.Unauthorized, refused},
		}},
		"the password changed, seen at expiry": {nil, []step{
			start,
			{func(s *dittofs.Server, c *clock) {
				c.step(time.Hour, 0)
				s.Behave(func(b *dittofs.Behavior) { b.Refresh, b.Login = 401, 401 })
			}, []string{refresh, login}, discovery.Unauthorized, refused},
		}},
		"the login fails": {behave(func(b *dittofs.Behavior) { b.Login = 500 }), []step{
			{nil, []string{login}, discovery.ServerError, "logging in: the server failed (status 500)"},
		}},
		"no login there": {behave(func(b *dittofs.Behavior) { b.Login = 404 }), []step{
			{nil, []string{login}, discovery.NotFound, "logging in: path not found (status 404)"},
		}},
		"the login redirects": {behave(func(b *dittofs.Behavior) { b.Login = 302 }), []step{
			{nil, []string{login}, discovery.Redirected, "logging in: the server redirects the request, and redirects are not followed"},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			time := &clock{now: epoch}
			server := newServer(t, dittofs.Recorded("both-running"), time.Server)
			if c.prepare != nil {
				c.prepare(server)
			}
			pod := serve(t, "pod-0", server)
			client := newClientAt(t, plain(aMinute), withPassword(), time.Now)
			for i, s := range c.steps {
				if s.change != nil {
					s.change(server, time)
				}
				answer, err := client.Ask(t.Context(), pod)
				if got := server.Calls(); !slices.Equal(got, s.calls) {
					t.Errorf("step %d: called %q, want %q", i, got, s.calls)
				}
				if discovery.ReasonOf(err) != s.want || err != nil && err.Error() != s.text {
					t.Errorf("step %d: %s %v, want %s %s", i, discovery.ReasonOf(err), err, s.want, s.text)
				}
				if err == nil && len(answer) != 2 {
					t.Errorf("step %d: answered %+v", i, answer)
				}
				checkSilent(t, client, err, answer)
			}
		})
	}
}

const aMinute = time.Minute

var epoch = time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)

func TestStaticTokenIsNotRenewed(t *testing.T) {
	server := newServer(t, dittofs.Body("[]"), time.Now)
	pod := serve(t, "pod-0", server)
	client := newClient(t, plain(time.Minute), withToken())
	if _, err := client.Ask(t.Context(), pod); discovery.ReasonOf(err) != discovery.Unauthorized {
		t.Error(err)
	}
	server.Accept(theToken)
	if _, err := client.Ask(t.Context(), pod); err != nil {
		t.Error(err)
	}
	if got, want := server.Calls(), []string{list, list}; !slices.Equal(got, want) {
		t.Errorf("called %q, want %q", got, want)
	}
}

func TestLoginUnusableAnswer(t *testing.T) {
	for name, c := range map[string]struct {
		body string
		want discovery.Reason
	}{
		"HTML":              {"<html>hunter2", discovery.Malformed},
		"null":              {"null", discovery.Malformed},
		"a list":            {"[]", discovery.Malformed},
		"no token":          {`{"refresh_token":"hunter2"}`, discovery.Malformed},
		"a number as token": {`{"access_token":7}`, discovery.Malformed},
		"a header in it":    {`{"access_token":"hunter2\r\nX: y"}`, discovery.Malformed},
		"half":              {`{"access_token":"hunter2",`, discovery.Malformed},
		"a long token":      {`{"access_token":"` + strings.Repeat("hunter2", 1200) + `"}`, discovery.Malformed},
		"a long refresh":    {`{"access_token":"a","refresh_token":"` + strings.Repeat("hunter2", 1200) + `"}`, discovery.Malformed},
		"too much":          {`{"access_token":"` + strings.Repeat("hunter2", 10000) + `"}`, discovery.TooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			pod := serve(t, "pod-0", dittofs.Body(c.body))
			client := newClient(t, plain(time.Minute), withPassword())
			_, err := client.Ask(t.Context(), pod)
			if discovery.ReasonOf(err) != c.want || !strings.HasPrefix(err.Error(), "logging in: ") {
				t.Errorf("%s %v", discovery.ReasonOf(err), err)
			}
			checkSilent(t, err, client)
		})
	}
}

// TestRefreshUnanswered: a server that does not answer a refresh is not asked for a
// login. The refresh token is kept for the next time.
func TestRefreshUnanswered(t *testing.T) {
	time := &clock{now: epoch}
	server, down := newServer(t, dittofs.Body("[]"), time.Server), make(chan bool, 1)
	pod := serve(t, "pod-0", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-down:
			panic(http.ErrAbortHandler)
		default:
			server.ServeHTTP(w, r)
		}
	}))
	client := newClientAt(t, plain(aMinute), withPassword(), time.Now)
	if _, err := client.Ask(t.Context(), pod); err != nil {
		t.Fatal(err)
	}
	server.Calls()
	time.step(24*60*aMinute, 0)
	down <- true
	_, err := client.Ask(t.Context(), pod)
	if discovery.ReasonOf(err) != discovery.Interrupted || !strings.Contains(err.Error(), "refreshing the token: ") {
		t.Error(err)
	}
	if _, err := client.Ask(t.Context(), pod); err != nil {
		t.Error(err)
	}
	if got, want := server.Calls(), []string{refresh, list}; !slices.Equal(got, want) {
		t.Errorf("called %q, want %q", got, want)
	}
}

func TestQuestionsShareLogin(t *testing.T) {
	server := newServer(t, dittofs.Body("[]"), time.Now)
	pod := serve(t, "pod-0", server)
	client := newClient(t, plain(time.Minute), withPassword())
	var asking sync.WaitGroup
	for range 8 {
		asking.Go(func() {
			if _, err := client.Ask(t.Context(), pod); err != nil {
				t.Error(err)
			}
		})
	}
	asking.Wait()
	calls := server.Calls()
	if n := len(slices.DeleteFunc(slices.Clone(calls), func(c string) bool { return c != login })); n != 1 {
		t.Errorf("called %q", calls)
	}
}

func TestSessionPerPod(t *testing.T) {
	servers := []*dittofs.Server{newServer(t, dittofs.Body("[]"), time.Now), newServer(t, dittofs.Body("[]"), time.Now)}
	all := []discovery.Pod{serve(t, "pod-0", servers[0]), serve(t, "pod-1", servers[1])}
	// Another client's login makes the tokens of the second server differ.
	if _, err := newClient(t, plain(time.Minute), withPassword()).Ask(t.Context(), all[1]); err != nil {
		t.Fatal(err)
	}
	servers[1].Revoke()
	servers[1].Calls()
	source, pods := sourceOf(t, withPassword())
	pods.found = all
	for _, want := range [][]string{{login, list}, {list}} {
		askAll(t, source)
		for _, server := range servers {
			if got := server.Calls(); !slices.Equal(got, want) {
				t.Errorf("called %q, want %q", got, want)
			}
		}
	}
	// A pod that was not asked is forgotten.
	pods.found = all[:1]
	askAll(t, source)
	servers[0].Calls()
	pods.found = all
	askAll(t, source)
	if got, want := servers[1].Calls(), []string{login, list}; !slices.Equal(got, want) {
		t.Errorf("called %q, want %q", got, want)
	}
}

func TestClientsFor(t *testing.T) {
	api := httpapi.New(httpapi.Options{Pods: &pods{}})
	get := func(target types.UID, e httpapi.Endpoint, data map[string]string) *httpapi.Client {
		c, err := api.Client(target, e, credentials(t, data))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	endpoint, other := plain(time.Minute), plain(time.Second)
	first := get("a", endpoint, withPassword())
	if get("a", endpoint, withPassword()) != first {
		t.Error("the same is another client")
	}
	if get("b", endpoint, withPassword()) == first {
		t.Error("two targets share a client, and so tokens")
	}
	for name, changed := range map[string]func() *httpapi.Client{
		"another endpoint":  func() *httpapi.Client { return get("a", other, withPassword()) },
		"other credentials": func() *httpapi.Client { return get("a", endpoint, withToken()) },
		"another password": func() *httpapi.Client {
			return get("a", endpoint, map[string]string{"username": theUsername, "password": "x"})
		},
		"another username": func() *httpapi.Client {
			return get("a", endpoint, map[string]string{"username": "x", "password": thePassword})
		},
		"a ca.crt more": func() *httpapi.Client {
			data := withPassword()
			data["ca.crt"] = string(newAuthority(t).pem())
			return get("a", endpoint, data)
		},
	} {
		before := get("a", endpoint, withPassword())
		if changed() == before {
			t.Errorf("%s: the same client", name)
		}
		if get("a", endpoint, withPassword()) == before {
			t.Errorf("%s: the old client is back", name)
		}
	}
	last := get("a", endpoint, withPassword())
	api.Forget("a")
	if get("a", endpoint, withPassword()) == last {
		t.Error("a forgotten client is still there")
	}
	if _, err := api.Client("a", httpapi.Endpoint{}, httpapi.Credentials{}); discovery.ReasonOf(err) != discovery.EndpointInvalid {
		t.Error(err)
	}
	checkSilent(t, api, first)
}
