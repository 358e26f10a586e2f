package httpapi_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/cmd/portside/internal/discovery/httpapi"
	"github.com/portside-dev/portside/testenv/dittofs"
)

func running(a apply.Adapter) httpapi.Listed {
	return httpapi.Listed{Adapter: a, Enabled: true, Running: true}
}

func TestReadAdaptersRecorded(t *testing.T) {
	nfs := running(apply.Adapter{Type: "nfs", Port: 12049})
	smb := running(apply.Adapter{Type: "smb", Port: 1445})
	smbDisabled := httpapi.Listed{Adapter: apply.Adapter{Type: "smb", Port: 1445}}
	nfsRenumbered := running(apply.Adapter{Type: "nfs", Port: 12050})
	for name, want := range map[string][]httpapi.Listed{
		"both-running":   {nfs, smb},
		"smb-disabled":   {nfs, smbDisabled},
		"nfs-renumbered": {nfsRenumbered, smbDisabled},
	} {
		t.Run(name, func(t *testing.T) {
			body, err := dittofs.Recording(name)
			if err != nil {
				t.Fatal(err)
			}
			got, err := httpapi.ReadAdapters(t.Context(), name, strings.NewReader(body), nil)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got, want) {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
}

// adapterWith is an element whose field has this JSON value.
func adapterWith(name, value string) string {
	fields := map[string]string{"type": `"nfs"`, "port": "12049", "enabled": "true", "running": "true", name: value}
	return fmt.Sprintf(`[{"type":%s,"port":%s,"protocol":%s,"enabled":%s,"running":%s}]`,
		fields["type"], fields["port"], defaulted(fields["protocol"], `"TCP"`), fields["enabled"], fields["running"])
}

func defaulted(value, otherwise string) string {
	if value == "" {
		return otherwise
	}
	return value
}

func TestReadAdaptersWellFormed(t *testing.T) {
	base := running(apply.Adapter{Type: "nfs", Port: 12049, Protocol: "TCP"})
	with := func(change func(*httpapi.Listed)) []httpapi.Listed {
		a := base
		change(&a)
		return []httpapi.Listed{a}
	}
	long := strings.Repeat("x", 300)
	for name, c := range map[string]struct {
		input string
		want  []httpapi.Listed
	}{
		"an empty list":           {"[]", []httpapi.Listed{}},
		"an empty list in spaces": {" \n[ ]\n ", []httpapi.Listed{}},
		"port 0":                  {adapterWith("port", "0"), with(func(a *httpapi.Listed) { a.Port = 0 })},
		"port -1":                 {adapterWith("port", "-1"), with(func(a *httpapi.Listed) { a.Port = -1 })},
		"port 65536":              {adapterWith("port", "65536"), with(func(a *httpapi.Listed) { a.Port = 65536 })},
		"an unknown protocol":     {adapterWith("protocol", `"XYZ"`), with(func(a *httpapi.Listed) { a.Protocol = "XYZ" })},
		"a lower-case protocol":   {adapterWith("protocol", `"udp"`), with(func(a *httpapi.Listed) { a.Protocol = "udp" })},
		"an empty type":           {adapterWith("type", `""`), with(func(a *httpapi.Listed) { a.Type = "" })},
		"a type of 63":            {adapterWith("type", `"`+long[:63]+`"`), with(func(a *httpapi.Listed) { a.Type = long[:63] })},
		"a type of 300":           {adapterWith("type", `"`+long+`"`), with(func(a *httpapi.Listed) { a.Type = long[:63] + "..." })},
		"a type in unicode":       {adapterWith("type", `"ñfs\u00e9"`), with(func(a *httpapi.Listed) { a.Type = `\u00f1fs\u00e9` })},
		"a type with controls":    {adapterWith("type", `"a\n\u001b\u009b\u007f"`), with(func(a *httpapi.Listed) { a.Type = `a\n\x1b\u009b\x7f` })},
		"a protocol of 300":       {adapterWith("protocol", `"`+long+`"`), with(func(a *httpapi.Listed) { a.Protocol = long[:63] + "..." })},
		"a protocol in unicode":   {adapterWith("protocol", `"ſctp"`), with(func(a *httpapi.Listed) { a.Protocol = `\u017fctp` })},
		"names in another case are other fields": {
			strings.Replace(adapterWith("port", "1"), `"port"`, `"Port":"x","PORT":null,"port"`, 1),
			with(func(a *httpapi.Listed) { a.Port = 1 }),
		},
		"an unknown field may be repeated": {
			strings.Replace(adapterWith("port", "1"), `"port"`, `"x":1,"x":2,"port"`, 1),
			with(func(a *httpapi.Listed) { a.Port = 1 }),
		},
		"no protocol": {
			`[{"type":"nfs","port":12049,"enabled":false,"running":true}]`,
			[]httpapi.Listed{{Adapter: apply.Adapter{Type: "nfs", Port: 12049}, Running: true}},
		},
		"64 adapters": {listOf(64), slices.Repeat([]httpapi.Listed{base}, 64)},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := httpapi.ReadAdapters(t.Context(), "adapters.json", strings.NewReader(c.input), nil)
			if err != nil {
				t.Fatal(err)
			}
			if got == nil || !slices.Equal(got, c.want) {
				t.Errorf("got %#v, want %#v", got, c.want)
			}
		})
	}
}

func listOf(n int) string {
	element := strings.Trim(adapterWith("port", "12049"), "[]")
	return "[" + strings.Join(slices.Repeat([]string{element}, n), ",") + "]"
}

func TestReadAdaptersRefusesWholeList(t *testing.T) {
	const (
		want     = "must be the JSON list of GET /api/v1/adapters"
		plain    = "must be a whole number in plain digits, without fraction or exponent"
		inPort   = `element 0 (type "nfs"), at line 1, byte 22: port: `
		first    = `element 0 (type "nfs"), at line 1, byte 1: `
		checkAdr = "; check the address, and whether it is an error message"
	)
	valid := strings.Trim(adapterWith("port", "1"), "[]")
	for name, c := range map[string]struct{ input, want string }{
		"nothing":              {"", "is empty: " + want + " ([] for no adapters)"},
		"white space":          {" \n\t", "is empty: " + want + " ([] for no adapters)"},
		"null":                 {"null", "is null: " + want + checkAdr},
		"an object":            {`{"title":"hunter2"}`, "is an object: " + want + checkAdr},
		"a string":             {`"hunter2"`, "is a string: " + want + checkAdr},
		"HTML":                 {"\n<!DOCTYPE html><html>", "is HTML or XML: " + want + "; check the address, and whether a login page or a proxy answered"},
		"plain text":           {"Authorization header required", "is not JSON, at line 1, byte 0: " + want},
		"not UTF-8":            {"[\xff]", "is not UTF-8 text: " + want},
		"malformed":            {"[1,\n2 3]", "is not JSON, at line 2, byte 6: " + want},
		"a comma too many":     {"[" + valid + ",]", "is not JSON, at line 1, byte 72: " + want},
		"truncated":            {`[{"type":"nfs",`, "is truncated, at line 1, byte 15: get the whole list again"},
		"truncated in a word":  {"[\n{\"type", "is truncated, at line 2, byte 8: get the whole list again"},
		"text after the list":  {"[]\n<html>", "has more after the list, at line 2, byte 3: " + want + " and nothing else"},
		"a second list":        {"[][]", "has more after the list, at line 1, byte 2: " + want + " and nothing else"},
		"a null element":       {"[" + valid + ", null]", "element 1, at line 1, byte 73: must be an object, not null"},
		"a number element":     {"[7]", "element 0, at line 1, byte 1: must be an object, not a number"},
		"a list element":       {"[[]]", "element 0, at line 1, byte 1: must be an object, not a list"},
		"no type":              {`[{"port":1,"enabled":true,"running":true}]`, "element 0, at line 1, byte 1: type: is missing"},
		"no port":              {`[{"type":"nfs","enabled":true,"running":true}]`, first + "port: is missing"},
		"no enabled":           {`[{"type":"nfs","port":1,"running":true}]`, first + "enabled: is missing"},
		"no running":           {`[{"type":"nfs","port":1,"enabled":true}]`, first + "running: is missing"},
		"names in other case":  {`[{"Type":"nfs","Port":1,"Enabled":true,"Running":true}]`, "element 0, at line 1, byte 1: type: is missing"},
		"a repeated field":     {`[{"type":"nfs","port":1,"port":2,"enabled":true,"running":true}]`, `element 0 (type "nfs"), at line 1, byte 31: port: appears more than once`},
		"a field three times":  {`[{"type":"nfs","port":1,"port":2,"port":3}]`, `element 0 (type "nfs"), at line 1, byte 40: port: appears more than once`},
		"port 1e3":             {adapterWith("port", "1e3"), inPort + plain},
		"port 1E3":             {adapterWith("port", "1E3"), inPort + plain},
		"port 1.5":             {adapterWith("port", "1.5"), inPort + plain},
		"port 1.0":             {adapterWith("port", "1.0"), inPort + plain},
		"a string as port":     {adapterWith("port", `"12049"`), inPort + "must be a whole number, not a string"},
		"a null port":          {adapterWith("port", "null"), inPort + "must be a whole number, not null"},
		"a boolean port":       {adapterWith("port", "true"), inPort + "must be a whole number, not a boolean"},
		"a port beyond int64":  {adapterWith("port", "9223372036854775808"), inPort + "must be a whole number that fits 64 bits"},
		"a null type":          {adapterWith("type", "null"), "element 0, at line 1, byte 9: type: must be a string, not null"},
		"a number as type":     {adapterWith("type", "7"), "element 0, at line 1, byte 9: type: must be a string, not a number"},
		"a null protocol":      {adapterWith("protocol", "null"), `element 0 (type "nfs"), at line 1, byte 39: protocol: must be a string, not null`},
		"a string as enabled":  {adapterWith("enabled", `"yes"`), `element 0 (type "nfs"), at line 1, byte 55: enabled: must be true or false, not a string`},
		"a null running":       {adapterWith("running", "null"), `element 0 (type "nfs"), at line 1, byte 70: running: must be true or false, not null`},
		"a long type unquoted": {`[{"type":"` + strings.Repeat("s", 21) + `"}]`, "element 0, at line 1, byte 1: port: is missing"},
		"the line of the field": {
			"[\n{\"type\":\"nfs\",\n\"port\":1.5,\n\"enabled\":true,\"running\":true}]",
			`element 0 (type "nfs"), at line 3, byte 24: port: ` + plain,
		},
		"65 adapters": {listOf(65), "has more than 64 adapters: check that it is the list of one server"},
		"a body too long": {
			"[" + strings.Repeat(" ", httpapi.MaxBodyBytes) + "]",
			"is longer than 131072 bytes: " + want,
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := httpapi.ReadAdapters(t.Context(), "adapters.json", strings.NewReader(c.input), nil)
			if err == nil {
				t.Fatalf("accepted as %+v", got)
			}
			if got != nil {
				t.Errorf("an error came with %+v", got)
			}
			if want := "adapters.json: " + c.want + "; nothing of it is used"; err.Error() != want {
				t.Errorf("got  %s\nwant %s", err, want)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error quotes the answer: %s", err)
			}
		})
	}
}

func TestReadAdaptersLongestBody(t *testing.T) {
	body := "[" + strings.Repeat(" ", httpapi.MaxBodyBytes-2) + "]"
	if _, err := httpapi.ReadAdapters(t.Context(), "adapters.json", strings.NewReader(body), nil); err != nil {
		t.Error(err)
	}
}

func TestReadAdaptersReadError(t *testing.T) {
	broken := errors.New("connection reset")
	got, err := httpapi.ReadAdapters(t.Context(), "pod-0", iotest.ErrReader(broken), nil)
	if !errors.Is(err, broken) || !strings.HasPrefix(err.Error(), "pod-0: ") || got != nil {
		t.Errorf("got %v, %v", got, err)
	}
}
