package manifest_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/cmd/portside/internal/manifest"
)

// FuzzReadAdapterSets checks that a document that is accepted keeps the rules that
// other code relies on, and is the same after it was written as JSON or YAML and
// read again. A document that is refused gives nothing.
func FuzzReadAdapterSets(f *testing.F) {
	f.Fuzz(func(t *testing.T, stream []byte) {
		docs, err := manifest.Read("fuzz", bytes.NewReader(stream))
		if err != nil {
			if docs != nil {
				t.Fatalf("an error came with documents: %v", docs)
			}
			return
		}
		if len(docs) == 0 {
			t.Fatal("accepted a stream without documents")
		}
		last := 0
		for _, doc := range docs {
			if doc.Number <= last {
				t.Fatalf("document %d follows %d", doc.Number, last)
			}
			last = doc.Number
			checkRules(t, doc.Set)
			checkRoundTrip(t, doc.Set)
		}
	})
}

func checkRules(t *testing.T, set v1alpha1.AdapterSet) {
	t.Helper()
	spec := set.Spec
	types := map[string]bool{}
	for _, a := range spec.Adapters {
		types[a.Type] = true
	}
	switch {
	case set.Name == "" || spec.TargetRef.Name == "":
		t.Fatal("accepted a set without a name")
	case len(spec.Adapters) > 0 && spec.Discovery != nil:
		t.Fatal("accepted a set with both adapters and discovery")
	case len(spec.Adapters) > v1alpha1.MaxAdapters:
		t.Fatalf("accepted %d adapters", len(spec.Adapters))
	case len(types) != len(spec.Adapters):
		t.Fatal("accepted two adapters of one type")
	case *spec.Rollout.StabilizationWindowSeconds < 0 || *spec.Rollout.RemovalDelaySeconds < 0:
		t.Fatal("accepted a negative delay")
	case spec.Discovery != nil && *spec.Discovery.HTTP.TimeoutSeconds >= *spec.Discovery.HTTP.IntervalSeconds:
		t.Fatal("accepted a timeout that outlasts the interval")
	}
}

func checkRoundTrip(t *testing.T, set v1alpha1.AdapterSet) {
	t.Helper()
	// The API machinery does not keep all of the metadata, such as fractions of
	// seconds and the white space of managedFields.
	set.ObjectMeta = metav1.ObjectMeta{Name: set.Name, Namespace: set.Namespace}
	for name, marshal := range map[string]func(any) ([]byte, error){"JSON": json.Marshal, "YAML": marshalYAML} {
		text, err := marshal(set)
		if err != nil {
			t.Fatal(err)
		}
		docs, err := manifest.Read("again", bytes.NewReader(text))
		if err != nil {
			t.Fatalf("%s is refused: %v\n%s", name, err, text)
		}
		if diff := cmp.Diff(set, docs[0].Set); diff != "" {
			t.Fatalf("%s is read as another: %s\n%s", name, diff, text)
		}
	}
}

// marshalYAML writes the fields that JSON has. sigs.k8s.io/yaml would read the JSON
// as YAML and lose characters such as U+0085 in strings.
func marshalYAML(set any) ([]byte, error) {
	text, err := json.Marshal(set)
	if err != nil {
		return nil, err
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, err
	}
	return yaml.Marshal(yamlValue(value))
}

// yamlValue turns the numbers of JSON into integers: a set has no others.
func yamlValue(value any) any {
	switch value := value.(type) {
	case map[string]any:
		for key := range value {
			value[key] = yamlValue(value[key])
		}
	case []any:
		for i := range value {
			value[i] = yamlValue(value[i])
		}
	case json.Number:
		if number, err := value.Int64(); err == nil {
			return number
		}
	}
	return value
}
