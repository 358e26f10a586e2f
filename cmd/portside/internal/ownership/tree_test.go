package ownership_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/portside-dev/portside/cmd/portside/internal/ownership"
	"github.com/portside-dev/portside/fieldmanager"
)

// object returns an object with the fields of a YAML document, and entries of
// managedFields from pairs of a manager and its fields.
func object(t *testing.T, document string, managed ...string) *unstructured.Unstructured {
	t.Helper()
	text, err := yaml.YAMLToJSON([]byte("apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: x, uid: u}\n" + document))
	if err != nil {
		t.Fatal(err)
	}
	o := &unstructured.Unstructured{}
	if err := o.UnmarshalJSON(text); err != nil {
		t.Fatal(err)
	}
	var entries []any
	for i := 0; i < len(managed); i += 2 {
		name, operation, _ := strings.Cut(managed[i], "/")
		operation, subresource, _ := strings.Cut(operation, "/")
		var fields map[string]any
		if err := json.Unmarshal([]byte(managed[i+1]), &fields); err != nil {
			t.Fatal(err)
		}
		entries = append(entries, map[string]any{
			"manager": name, "operation": operation, "subresource": subresource, "apiVersion": "example.com/v1", "fieldsType": "FieldsV1", "fieldsV1": fields,
		})
	}
	metadata, _ := o.Object["metadata"].(map[string]any)
	metadata["managedFields"] = entries
	return o
}

// dump returns a line for each node below the root that is not about the object's
// identity.
func dump(tree *ownership.Tree) string {
	var text strings.Builder
	for n := range tree.Root.All() {
		if n.Path == "" || n.Path == ".metadata" || n.Untracked {
			continue
		}
		fmt.Fprintf(&text, "%s %s", n.Path, n.Kind)
		if len(n.Owners) > 0 {
			fmt.Fprintf(&text, " %s", fieldmanager.Join(n.Owners))
		}
		if len(n.Partial) > 0 && n.Item {
			fmt.Fprintf(&text, "; partial %s", fieldmanager.Join(n.Partial))
		}
		for _, flag := range []struct {
			name string
			set  bool
		}{{"unowned", n.Unowned()}, {"inherited", n.Inherited}, {"duplicate", n.Duplicate}, {"missing", n.Missing}} {
			if flag.set {
				fmt.Fprintf(&text, "; %s", flag.name)
			}
		}
		text.WriteByte('\n')
	}
	return text.String()
}

func TestOf(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		document string
		managed  []string
		want     string
	}{
		"fields of several managers": {
			"spec: {a: 1, b: x, c: null, d: {}}",
			[]string{"git/Apply", `{"f:spec":{"f:a":{},"f:d":{}}}`, "hpa/Update/scale", `{"f:spec":{"f:a":{}}}`, "ui/Update", `{"f:spec":{"f:c":{}}}`},
			`.spec Map
.spec.a Scalar git (Apply), hpa (Update of scale)
.spec.b Scalar; unowned
.spec.c Scalar ui (Update)
.spec.d Map git (Apply)
`,
		},
		"a map with an owner of its own": {
			"labels: {a: x, b: y}",
			[]string{"first/Update", `{"f:labels":{".":{},"f:a":{}}}`, "second/Apply", `{"f:labels":{"f:b":{}}}`},
			`.labels Map first (Update)
.labels.a Scalar first (Update)
.labels.b Scalar second (Apply)
`,
		},
		"a list keyed by two fields, in its order": {
			"ports: [{port: 2, protocol: UDP, note: x}, {port: 1, protocol: TCP}, {port: 3, protocol: TCP}]",
			[]string{
				"git/Apply", `{"f:ports":{"k:{\"port\":1,\"protocol\":\"TCP\"}":{".":{},"f:port":{},"f:protocol":{}}}}`,
				"op/Update", `{"f:ports":{"k:{\"port\":2,\"protocol\":\"UDP\"}":{"f:note":{}}}}`,
			},
			`.ports KeyedList
.ports[port=2,protocol="UDP"] Map; partial op (Update); unowned
.ports[port=2,protocol="UDP"].note Scalar op (Update)
.ports[port=2,protocol="UDP"].port Scalar; unowned
.ports[port=2,protocol="UDP"].protocol Scalar; unowned
.ports[port=1,protocol="TCP"] Map git (Apply)
.ports[port=1,protocol="TCP"].port Scalar git (Apply)
.ports[port=1,protocol="TCP"].protocol Scalar git (Apply)
.ports[port=3,protocol="TCP"] Map; unowned
.ports[port=3,protocol="TCP"].port Scalar; unowned
.ports[port=3,protocol="TCP"].protocol Scalar; unowned
`,
		},
		"a key field that has a default": {
			"ports: [{port: 1}]",
			[]string{"git/Apply", `{"f:ports":{"k:{\"port\":1,\"protocol\":\"TCP\"}":{".":{},"f:port":{}}}}`},
			`.ports KeyedList
.ports[port=1,protocol="TCP"] Map git (Apply)
.ports[port=1,protocol="TCP"].port Scalar git (Apply)
`,
		},
		"an item without a key field": {
			"ports: [{port: 1}, {note: x}]",
			[]string{"git/Apply", `{"f:ports":{"k:{\"port\":1}":{".":{},"f:port":{}}}}`},
			`.ports KeyedList
.ports[port=1] Map git (Apply)
.ports[port=1].port Scalar git (Apply)
.ports[1] Map; unowned
.ports[1].note Scalar; unowned
`,
		},
		"two items with one key": {
			"ports: [{port: 1, name: a}, {port: 1, name: b}]",
			[]string{"kubectl-edit/Update", `{"f:ports":{"k:{\"port\":1}":{}}}`},
			`.ports KeyedList
.ports[port=1] AtomicMap kubectl-edit (Update); duplicate
.ports[port=1].name Scalar kubectl-edit (Update); inherited
.ports[port=1].port Scalar kubectl-edit (Update); inherited
.ports[port=1] AtomicMap kubectl-edit (Update); duplicate
.ports[port=1].name Scalar kubectl-edit (Update); inherited
.ports[port=1].port Scalar kubectl-edit (Update); inherited
`,
		},
		"a set": {
			"finalizers: [b, a, c]",
			[]string{"op/Update", `{"f:finalizers":{".":{},"v:\"a\"":{},"v:\"gone\"":{}}}`, "git/Apply", `{"f:finalizers":{"v:\"a\"":{},"v:\"b\"":{}}}`},
			`.finalizers Set op (Update)
.finalizers[="b"] Scalar git (Apply)
.finalizers[="a"] Scalar git (Apply), op (Update)
.finalizers[="c"] Scalar; unowned
.finalizers[="gone"] Scalar op (Update); missing
`,
		},
		"an atomic list, struct and map": {
			"args: [x, {note: 1}]\nselector: {matchLabels: {app: web}}\nempty: []",
			[]string{"git/Apply", `{"f:args":{},"f:selector":{},"f:empty":{}}`},
			`.args AtomicList git (Apply)
.args[0] Scalar git (Apply); inherited
.args[1] AtomicMap git (Apply); inherited
.args[1].note Scalar git (Apply); inherited
.empty AtomicList git (Apply)
.selector AtomicMap git (Apply)
.selector.matchLabels AtomicMap git (Apply); inherited
.selector.matchLabels.app Scalar git (Apply); inherited
`,
		},
		"a list without owners": {
			"args: [x]",
			nil,
			`.args List; unowned
.args[0] Scalar; unowned
`,
		},
		"paths that the object does not have": {
			"ports: [{port: 1}]",
			[]string{"op/Update", `{"f:old":{"f:deep":{}},"f:ports":{"k:{\"port\":1}":{".":{},"f:gone":{},"f:port":{}},"k:{\"port\":2}":{".":{},"f:port":{}}}}`},
			`.ports KeyedList
.ports[port=1] Map op (Update)
.ports[port=1].port Scalar op (Update)
.ports[port=1].gone Scalar op (Update); missing
.ports[port=2] Map op (Update); missing
.ports[port=2].port Scalar op (Update); missing
.old Map; missing
.old.deep Scalar op (Update); missing
`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tree, err := ownership.Of(object(t, test.document, test.managed...))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, dump(tree)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestOf_Tree(t *testing.T) {
	t.Parallel()
	o := object(t, "spec: {items: [{id: 1}]}", "b/Update", `{"f:spec":{"f:items":{"k:{\"id\":1}":{".":{},"f:id":{}}}}}`, "a/Apply", `{}`)
	tree, err := ownership.Of(o)
	if err != nil {
		t.Fatal(err)
	}
	if len(o.GetManagedFields()) != 2 {
		t.Error("the object was changed")
	}
	if len(tree.Managers) != 2 || tree.Managers[0].Name != "a" || tree.Managers[1].APIVersions[0] != "example.com/v1" {
		t.Errorf("managers: %+v", tree.Managers)
	}
	uid := tree.Root.Child("metadata").Child("uid")
	if !uid.Untracked || uid.Unowned() || uid.Value != "u" {
		t.Errorf("uid: %+v", uid)
	}
	if tree.Root.Child("metadata").Child("managedFields") != nil {
		t.Error("managedFields are in the tree")
	}
	list := tree.Root.Child("spec").Child("items")
	if diff := cmp.Diff([]string{"id"}, list.KeyFields()); diff != "" {
		t.Errorf("key fields: %s", diff)
	}
	item := list.Child(`[id=1]`)
	if item.Key != fieldmanager.KeyOf("id", 1) || len(item.FieldsOf(fieldmanager.Updater("b"))) != 1 {
		t.Errorf("item: %+v", item)
	}
}

func TestOf_UnreadableManagedFields(t *testing.T) {
	t.Parallel()
	_, err := ownership.Of(object(t, "a: 1", "broken/Apply", `{"nonsense":{}}`))
	if err == nil || !strings.Contains(err.Error(), `"broken"`) {
		t.Errorf("error: %v", err)
	}
}
