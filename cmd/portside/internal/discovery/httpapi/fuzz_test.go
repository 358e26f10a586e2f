package httpapi_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/cmd/portside/internal/discovery"
	"github.com/portside-dev/portside/cmd/portside/internal/discovery/httpapi"
	"github.com/portside-dev/portside/testenv/dittofs"
)

// FuzzReadAdapters: what is accepted is a list of at most 64 adapters with the
// numbers of the input and its texts made printable, and stays the same when it is
// encoded and read again. What is refused returns nothing.
func FuzzReadAdapters(f *testing.F) {
	f.Fuzz(func(t *testing.T, body []byte) {
		adapters, err := httpapi.ReadAdapters(t.Context(), "fuzz", bytes.NewReader(body), nil)
		if err != nil {
			if adapters != nil {
				t.Fatalf("an error came with adapters: %v", adapters)
			}
			return
		}
		if adapters == nil || len(adapters) > apply.MaxAdapters {
			t.Fatalf("accepted a list of %d (nil: %t)", len(adapters), adapters == nil)
		}
		checkAgainstInput(t, body, adapters)
		again, err := httpapi.ReadAdapters(t.Context(), "again", bytes.NewReader(encode(t, adapters)), nil)
		if err != nil || !slices.Equal(again, adapters) {
			t.Fatalf("read %+v, and again %+v (%v)", adapters, again, err)
		}
	})
}

// checkAgainstInput reads the input a second way, into maps, and compares.
func checkAgainstInput(t *testing.T, body []byte, adapters []httpapi.Listed) {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var items []map[string]any
	if err := decoder.Decode(&items); err != nil || len(items) != len(adapters) {
		t.Fatalf("accepted %d adapters of a list of %d (%v)", len(adapters), len(items), err)
	}
	for i, a := range adapters {
		typ, _ := items[i]["type"].(string)
		protocol, _ := items[i]["protocol"].(string)
		printable := apply.Adapter{Type: typ, Protocol: protocol}.Printable()
		port, _ := items[i]["port"].(json.Number)
		number, err := port.Int64()
		if err != nil || number != a.Port {
			t.Fatalf("port %q was read as %d (%v)", port, a.Port, err)
		}
		if printable.Type != a.Type || printable.Protocol != a.Protocol ||
			items[i]["enabled"] != a.Enabled || items[i]["running"] != a.Running {
			t.Fatalf("%v was read as %+v", items[i], a)
		}
	}
}

func encode(t *testing.T, adapters []httpapi.Listed) []byte {
	t.Helper()
	items := []map[string]any{}
	for _, a := range adapters {
		items = append(items, map[string]any{
			"type": a.Type, "port": a.Port, "protocol": a.Protocol, "enabled": a.Enabled, "running": a.Running,
		})
	}
	body, err := json.Marshal(items)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// FuzzExchange: whatever status and body a pod answers a login and the question with, the
// result is adapters or an error with a reason, and the error quotes neither the
// credentials nor the token.
func FuzzExchange(f *testing.F) {
	for _, seed := range []struct {
		status      int
		login, list string
	}{
		{200, `{"access_token":"hunter2-token","expires_in":900}`, `[{"type":"nfs","port":2049,"enabled":true,"running":true}]`},
		{401, `{"type":"about:blank","title":"Unauthorized","status":401,"detail":"hunter2-password is wrong"}`, ``},
		{302, `{"access_token":"hunter2-token","expires_at":"9999-12-31T23:59:59Z"}`, `hunter2-token`},
		{200, `{"access_token":"hunter2-token\r\nX-A: b"}`, `[]`},
		{503, `{"access_token":["hunter2-token"]}`, `{"hunter2-token":1}`},
		{999, `{"access_token":"a","refresh_token":"b","expires_in":-1,"expires_at":"now"}`, `[null]`},
	} {
		f.Add(seed.status, []byte(seed.login), []byte(seed.list))
	}
	var answers struct {
		status      int
		login, list []byte
	}
	address, port := dittofs.Listen(f, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			_, _ = w.Write(answers.login)
			return
		}
		w.WriteHeader(answers.status)
		_, _ = w.Write(answers.list)
	}))
	f.Fuzz(func(t *testing.T, status int, login, list []byte) {
		answers.status, answers.login, answers.list = 200+max(0, status)%800, login, list
		client := newClient(t, plain(time.Minute), map[string]string{"username": theUsername, "password": thePassword})
		adapters, err := client.Ask(t.Context(), discovery.Pod{Name: "pod-0", Address: address, Port: port})
		if err == nil {
			return
		}
		if adapters != nil || discovery.ReasonOf(err) == "" {
			t.Fatalf("%v, %v", adapters, err)
		}
		if strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "\n") {
			t.Fatalf("the error is %q", err)
		}
	})
}
