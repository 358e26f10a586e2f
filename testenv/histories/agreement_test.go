package histories_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/histories"
	"github.com/portside-dev/portside/testenv/memserver"
)

// TestAgreement plays histories on a real API server and on the one in memory, and compares
// each answer and each stored object. PORTSIDE_SAMPLE is how many of each kind.
func TestAgreement(t *testing.T) {
	t.Parallel()
	cp := testenv.Shared(t)
	count, first := envNumber(t, "PORTSIDE_SAMPLE", 20), envNumber(t, "PORTSIDE_SEED", 1)
	for _, kind := range kinds {
		t.Run(kind.Name(), func(t *testing.T) {
			t.Parallel()
			for seed := first; seed < first+count; seed++ {
				h := histories.Draw(seed, kind)
				server := memserver.New()
				inMemory, err := histories.NewPlayer(h, histories.InMemory(server, "histories"), server.Client())
				if err != nil {
					t.Fatal(err)
				}
				real := onServer(t, cp, h)
				want, err := record(t, h, real)
				if err != nil {
					t.Fatalf("on the API server: %v\n%s", err, h)
				}
				// The next history may ask for the same node ports.
				err = cp.Manager("test").Delete(t.Context(), kind.Name(), real.Namespace, histories.Name)
				if err != nil && !apierrors.IsNotFound(err) {
					t.Fatal(err)
				}
				got, err := record(t, h, inMemory)
				if err != nil {
					t.Fatalf("in memory: %v\n%s", err, h)
				}
				for i := range want {
					if got[i] != want[i] {
						t.Fatalf("event %d differs: in memory\n%s\non the API server\n%s\n%s", i+1, got[i], want[i], h)
					}
				}
			}
		})
	}
}

// record plays a history and returns what happened at each event: the answer, and the object
// as it is stored.
func record(t *testing.T, h histories.History, p *histories.Player) (all []string, err error) {
	t.Helper()
	c := &canon{namespace: p.Namespace, names: map[string]string{}}
	err = h.Play(t.Context(), p, func(_ int, answer string) {
		live, problem := p.Live(t.Context())
		if problem != nil {
			t.Fatal(problem)
		}
		all = append(all, c.text(answer)+"\n"+c.object(live))
	})
	return all, err
}

// canon writes what differs between two servers in the same way: namespaces, times, and what
// a server allocates.
type canon struct {
	namespace string
	names     map[string]string // of uids, versions and node ports, in the order they came
	version   string
}

// text returns an answer with its lines sorted, since the order of several conflicts is
// random on every server.
func (c *canon) text(s string) string {
	lines := strings.Split(s, "\n")
	slices.Sort(lines)
	s = strings.Join(lines, "\n")
	s = strings.ReplaceAll(s, c.namespace, "NAMESPACE")
	for value, name := range c.names {
		s = strings.ReplaceAll(s, value, name)
	}
	return s
}

// name returns the name of an allocated value.
func (c *canon) name(what string, value any) string {
	text := fmt.Sprint(value)
	if _, known := c.names[text]; !known {
		c.names[text] = fmt.Sprintf("%s-%d", what, len(c.names)+1)
	}
	return c.names[text]
}

func (c *canon) object(o *unstructured.Unstructured) string {
	if o == nil {
		return "no object"
	}
	o = o.DeepCopy()
	changed := o.GetResourceVersion() != c.version
	c.version = o.GetResourceVersion()
	o.SetUID("")
	o.SetResourceVersion(fmt.Sprintf("changed: %t", changed))
	o.SetNamespace("")
	unstructured.RemoveNestedField(o.Object, "metadata", "creationTimestamp")
	if annotations := o.GetAnnotations(); annotations != nil {
		for key, value := range annotations {
			annotations[key] = c.text(value)
		}
		o.SetAnnotations(annotations)
	}
	if ip, has, _ := unstructured.NestedString(o.Object, "spec", "clusterIP"); has && ip != "None" {
		_ = unstructured.SetNestedField(o.Object, "IP", "spec", "clusterIP")
		_ = unstructured.SetNestedStringSlice(o.Object, []string{"IP"}, "spec", "clusterIPs")
	}
	if ports, has, _ := unstructured.NestedSlice(o.Object, "spec", "ports"); has {
		for _, p := range ports {
			if port, ok := p.(map[string]any); ok && port["nodePort"] != nil {
				port["nodePort"] = c.name("node-port", port["nodePort"])
			}
		}
		_ = unstructured.SetNestedSlice(o.Object, ports, "spec", "ports")
	}
	entries := o.GetManagedFields()
	o.SetManagedFields(nil)
	text, err := yaml.Marshal(o.Object)
	if err != nil {
		return err.Error()
	}
	return string(text) + entriesText(entries)
}

// entriesText returns the entries without their times and their order, which depends on
// those.
func entriesText(entries []metav1.ManagedFieldsEntry) string {
	var lines []string
	for _, e := range entries {
		lines = append(lines, fmt.Sprintf("%s %s %s %s %s", e.Manager, e.Operation, e.APIVersion, e.Subresource, e.FieldsV1))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}
