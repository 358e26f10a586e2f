package httpapi_test

import (
	"encoding/base64"
	"maps"
	"net/http"
	"slices"
	"sync"
	"testing"

	"github.com/portside-dev/portside/cmd/portside/internal/discovery"
	"github.com/portside-dev/portside/testenv/dittofs"
)

// TestAuthorization: where loginPath is set, the username and the password log in there,
// else the Secret's token is sent or, if it has none, they are by HTTP Basic.
func TestAuthorization(t *testing.T) {
	const given = "Bearer hunter2-given"
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte(theUsername+":"+thePassword))
	everything := withToken()
	maps.Copy(everything, withPassword())
	const login, ask = "POST /enter/in?as=portside ", "GET /list "
	for name, c := range map[string]struct {
		loginPath string
		secret    map[string]string
		want      []string
	}{
		"no Secret":                             {"", nil, []string{ask}},
		"a token":                               {"", withToken(), []string{ask + "Bearer " + theToken}},
		"a password":                            {"", withPassword(), []string{ask + basic}},
		"a token and a password":                {"", everything, []string{ask + "Bearer " + theToken}},
		"a password, and a login":               {"/enter/in?as=portside", withPassword(), []string{login, ask + given}},
		"a token, where a login is possible":    {"/enter/in?as=portside", withToken(), []string{ask + "Bearer " + theToken}},
		"a token and a password, and a login":   {"/enter/in?as=portside", everything, []string{login, ask + given}},
		"no Secret, where a login is possible":  {"/enter/in?as=portside", nil, []string{ask}},
		"a login at the root, without a folder": {"/", withPassword(), []string{"POST / ", ask + given}},
	} {
		t.Run(name, func(t *testing.T) {
			var mu sync.Mutex
			var got []string
			pod := serve(t, "pod-0", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				mu.Lock()
				defer mu.Unlock()
				got = append(got, r.Method+" "+r.URL.RequestURI()+" "+r.Header.Get("Authorization"))
				if r.Method == http.MethodPost {
					dittofs.Body(`{"access_token":"hunter2-given"}`)(w, r)
					return
				}
				dittofs.Body("[]")(w, r)
			}))
			endpoint := plain(aMinute)
			endpoint.Path, endpoint.LoginPath = "/list", c.loginPath
			client := newClient(t, endpoint, c.secret)
			_, err := client.Ask(t.Context(), pod)
			if err != nil || !slices.Equal(got, c.want) {
				t.Errorf("%v: asked %q, want %q", err, got, c.want)
			}
			checkSilent(t, client)
		})
	}
}

// TestRefreshPath: a token is refreshed next to the path of the login.
func TestRefreshPath(t *testing.T) {
	var mu sync.Mutex
	var got []string
	pod := serve(t, "pod-0", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		got = append(got, r.URL.RequestURI())
		if r.Method == http.MethodPost {
			dittofs.Body(`{"access_token":"hunter2-given","refresh_token":"hunter2-again"}`)(w, r)
			return
		}
		if len(got) < 4 {
			fails(http.StatusUnauthorized)(w, r)
			return
		}
		dittofs.Body("[]")(w, r)
	}))
	endpoint := plain(aMinute)
	endpoint.Path, endpoint.LoginPath = "/list", "/enter/in?as=portside"
	_, err := newClient(t, endpoint, withPassword()).Ask(t.Context(), pod)
	if want := []string{"/enter/in?as=portside", "/list", "/enter/refresh", "/list"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%v: asked %q, want %q", err, got, want)
	}
}

func TestBasicRefusesColon(t *testing.T) {
	endpoint := plain(aMinute)
	endpoint.LoginPath = ""
	client := newClient(t, endpoint, map[string]string{"username": "hunter2:x", "password": "b"})
	_, err := client.Ask(t.Context(), serve(t, "pod-0", dittofs.Body("[]")))
	if discovery.ReasonOf(err) != discovery.CredentialsInvalid {
		t.Error(err)
	}
	checkSilent(t, err)
}
