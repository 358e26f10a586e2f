package httpapi_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/portside-dev/portside/cmd/portside/internal/discovery"
	"github.com/portside-dev/portside/cmd/portside/internal/discovery/httpapi"
)

// checkSilent fails the test if any way to print the values shows credentials or the
// answers of servers.
func checkSilent(t *testing.T, values ...any) {
	t.Helper()
	for _, value := range values {
		var out strings.Builder
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			fmt.Fprintf(&out, verb+"\n", value)
		}
		if encoded, err := json.Marshal(value); err == nil {
			out.Write(encoded)
		}
		slog.New(slog.NewTextHandler(&out, nil)).Info("", "value", value)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("", "value", value)
		for _, secret := range []string{"hunter2", fmt.Sprintf("%x", "hunter2")} {
			if strings.Contains(out.String(), secret) {
				t.Errorf("%T shows a secret: %s", value, &out)
			}
		}
	}
}

func TestSecretIsRedacted(t *testing.T) {
	type outer struct {
		Shown  httpapi.Secret
		hidden httpapi.Secret
		point  *httpapi.Secret
		byName map[string]httpapi.Secret
	}
	s := httpapi.NewSecret("hunter2")
	for _, data := range []map[string]string{withToken(), withPassword()} {
		c := credentials(t, data)
		checkSilent(t, c, &c, []any{c})
	}
	checkSilent(t, s, &s, []httpapi.Secret{s}, outer{s, s, &s, map[string]httpapi.Secret{"a": s}}, struct{ any }{s})
	if got := fmt.Sprintf("%v %s %q %#v", s, s, s, s); got != strings.TrimSpace(strings.Repeat("[redacted] ", 4)) {
		t.Error(got)
	}
	if got, err := json.Marshal(outer{Shown: s}); string(got) != `{"Shown":"[redacted]"}` || err != nil {
		t.Errorf("%s, %v", got, err)
	}
}

func TestReadCredentials(t *testing.T) {
	const (
		ok      = ""
		missing = discovery.CredentialsMissing
		invalid = discovery.CredentialsInvalid
	)
	ca := string(newAuthority(t).pem())
	for name, c := range map[string]struct {
		data map[string]string
		want discovery.Reason
	}{
		"a token":               {withToken(), ok},
		"a token and a URL":     {map[string]string{"access-token": theToken, "server-url": "http://elsewhere"}, ok},
		"username and password": {withPassword(), ok},
		"ca.crt alone":          {map[string]string{"ca.crt": ca}, ok},
		"nothing":               {map[string]string{}, missing},
		"another key":           {map[string]string{"token": "hunter2"}, missing},
		"an empty token":        {map[string]string{"access-token": " \n"}, missing},
		"no password":           {map[string]string{"username": "hunter2"}, missing},
		"no username":           {map[string]string{"password": "hunter2"}, missing},
		"both":                  {map[string]string{"access-token": "hunter2", "username": "a", "password": "b"}, ok},
		"a token, no password":  {map[string]string{"access-token": "hunter2", "username": "a"}, missing},
		"a header in the token": {map[string]string{"access-token": "hunter2\r\nX: y"}, invalid},
		"a token in Unicode":    {map[string]string{"access-token": "hunter2é"}, invalid},
		"a password not UTF-8":  {map[string]string{"username": "a", "password": "hunter2\xff"}, invalid},
		"a username not UTF-8":  {map[string]string{"username": "hunter2\xff", "password": "b"}, invalid},
		"a ca.crt of 64 KiB":    {map[string]string{"ca.crt": ca + strings.Repeat("\n", 64<<10-len(ca))}, ok},
		"a longer ca.crt":       {map[string]string{"ca.crt": ca + strings.Repeat("\n", 64<<10-len(ca)+1)}, invalid},
	} {
		t.Run(name, func(t *testing.T) {
			data := map[string][]byte{}
			for key, value := range c.data {
				data[key] = []byte(value)
			}
			got, err := httpapi.ReadCredentials(data)
			if discovery.ReasonOf(err) != c.want || (err == nil) != (c.want == ok) {
				t.Errorf("got %v, want %s", err, c.want)
			}
			if err != nil && !got.Equal(httpapi.Credentials{}) {
				t.Error("an error came with credentials")
			}
			checkSilent(t, got, err)
		})
	}
}
