package httpapi_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"testing"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/cmd/portside/internal/discovery/httpapi"
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
