package v1alpha1_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/portside-dev/portside/apply/v1alpha1"
)

// Why the server accepts what the file reader refuses.
const (
	// The reader cannot know what 0123 was to be. The server takes the number
	// that YAML 1.1 has there, or that JSON has: it is long converted when the
	// rules are asked.
	asNumber = "how a number is written is not seen by the rules"
	// A default stands in for a null before the rules are asked.
	asDefault = "a null gives way to the default"
	// The server drops nulls from an object that is created. From one that is
	// applied it does not, and refuses them, as the reader does.
	dropped = "a null is dropped from an object that is created"
	// Metadata is the API machinery's, which reads a null string as empty.
	asEmpty = "a null in a map of strings is an empty string"
)

// serverAccepts are the documents that the reader refuses and the server does
// not, with the reason.
var serverAccepts = map[string]string{
	"port 1e3":                asNumber,
	"port 1e3 in JSON":        asNumber,
	"port 1.0":                asNumber,
	"a hexadecimal port":      asNumber,
	"an octal port":           asNumber,
	"a port with underscores": asNumber,
	"http port 8e3":           asNumber,
	"a null policy":           asDefault,
	"a null rollout":          asDefault,
	"a null protocol":         asDefault,
	"a null discovery":        dropped,
	"a null container":        dropped,
	"null for both":           dropped,
	"a null suspend":          dropped,
	"a null server name":      dropped,
	"a null secret":           dropped,
	"a null label":            asEmpty,
}

// TestReaderAndServerAgree gives the server the documents that the reader is
// tested with. What the reader refuses as a stream of documents is not among
// them: the server never sees one.
func TestReaderAndServerAgree(t *testing.T) {
	c := newCluster(t)
	refused := map[string]refusal{}
	for _, table := range []map[string]refusal{refusedKinds(), refusedFields(), refusedValues()} {
		maps.Copy(refused, table)
	}
	for name, refused := range refused {
		t.Run(name, func(t *testing.T) {
			if _, err := v1alpha1.Read("sets.yaml", strings.NewReader(refused.input)); err == nil {
				t.Error("the reader accepts it")
			}
			reason := serverAccepts[name]
			_, err := c.create(refused.input)
			checkVerdict(t, "created", err, reason != "")
			_, err = c.apply(nameOf(refused.input), refused.input)
			checkVerdict(t, "applied", err, reason != "" && reason != dropped)
		})
	}
	for name := range serverAccepts {
		if _, known := refused[name]; !known {
			t.Errorf("no document is called %q", name)
		}
	}
}

func checkVerdict(t *testing.T, how string, err error, accepts bool) {
	t.Helper()
	if accepted := err == nil; accepted != accepts {
		t.Errorf("%s, it is accepted: %t, not %t: %v", how, accepted, accepts, err)
	}
}

// nameOf is the name that an apply of the document would be addressed to.
func nameOf(document string) string {
	if strings.Contains(document, "metadata: {name: a") {
		return "a"
	}
	return "dittofs"
}

// TestReaderAndServerReadTheSame compares what the two make of a document.
func TestReaderAndServerReadTheSame(t *testing.T) {
	c := newCluster(t)
	documents := map[string]string{"64 adapters": manyAdapters(64)}
	for name, accepted := range accepted() {
		documents[name] = accepted.input
	}
	for name, adapter := range oddAdapters() {
		documents[name] = asYAML(adapter)
	}
	for _, name := range slices.Sorted(maps.Keys(documents)) {
		t.Run(name, func(t *testing.T) {
			want := mustRead(t, documents[name])[0].Set.Spec
			for how, send := range map[string]func(string) ([]byte, error){
				"created": c.create,
				"applied": func(text string) ([]byte, error) { return c.apply("dittofs", text) },
			} {
				object, err := send(documents[name])
				if err != nil {
					t.Fatal(how, err)
				}
				var got v1alpha1.AdapterSet
				if err := json.Unmarshal(object, &got); err != nil {
					t.Fatal(how, err)
				}
				if diff := cmp.Diff(want, got.Spec); diff != "" {
					t.Error(how, diff)
				}
			}
		})
	}
}

// TestStatusInADocument: the reader passes over a status, whatever is in it.
// The server drops it as well, but checks what is applied, and knows no fields
// of releases to come.
func TestStatusInADocument(t *testing.T) {
	c := newCluster(t)
	for name, verdict := range map[string]struct {
		status           string
		created, applied bool
	}{
		"as it was printed": {"{readyPorts: 1, ports: [{name: adapter-nfs, port: 1, state: Owned}]}", true, true},
		"an unknown field":  {"{later: 1}", false, false},
		"a wrong type":      {"{ports: 1}", true, false},
	} {
		t.Run(name, func(t *testing.T) {
			document := smallest() + "status: " + verdict.status + "\n"
			mustRead(t, document)
			_, err := c.create(document)
			checkVerdict(t, "created", err, verdict.created)
			_, err = c.apply("dittofs", document)
			checkVerdict(t, "applied", err, verdict.applied)
		})
	}
}
