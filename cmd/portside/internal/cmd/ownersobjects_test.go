package cmd_test

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"

	"github.com/portside-dev/portside/testenv"
)

const gadget = `{apiVersion: owners.portside.dev/v1, kind: Gadget, metadata: {name: %, labels: {app: x}, finalizers: [%/git]},
  spec: {size: 1, ports: [{number: 2, transport: UDP}, {number: 1}], tags: [b], args: [x, z], selector: {app: x}}}`

// newGadgets has the Gadget a, which Argo CD applies, an operator co-owns and changes, and
// whose conditions it writes by the subresource status.
func newGadgets(t *testing.T) *cluster {
	t.Helper()
	c := newCluster(t, testenv.Shared(t))
	if err := c.InstallCRD(t.Context(), "testdata/gadgets.yaml"); err != nil {
		t.Fatal(err)
	}
	c.gadget("a")
	c.Manager("co-owner").In(c.namespace).MustApply(t,
		`{apiVersion: owners.portside.dev/v1, kind: Gadget, metadata: {name: a}, spec: {size: 1, ports: [{number: 2, transport: UDP}], tags: [a, b]}}`)
	c.Manager("operator").MustPatch(t, "Gadget", c.namespace, "a", types.JSONPatchType,
		[]byte(`[{"op": "add", "path": "/spec/ports/1/note", "value": "by hand"}, {"op": "add", "path": "/metadata/finalizers/-", "value": "a/operator"}]`))
	c.status("a", `{"status": {"conditions": [{"type": "Ready", "status": "True", "message": "line one\nline two"}]}}`)
	return c
}

func (c *cluster) gadget(name string) {
	c.t.Helper()
	c.Manager(testenv.ArgoCD).In(c.namespace).MustApply(c.t, strings.ReplaceAll(gadget, "%", name))
}

// status patches the subresource.
func (c *cluster) status(name, patch string) {
	c.t.Helper()
	client, err := dynamic.NewForConfig(c.Config())
	if err != nil {
		c.t.Fatal(err)
	}
	gadgets := schema.GroupVersionResource{Group: "owners.portside.dev", Version: "v1", Resource: "gadgets"}
	if _, err := client.Resource(gadgets).Namespace(c.namespace).Patch(c.t.Context(), name, types.MergePatchType, []byte(patch),
		metav1.PatchOptions{FieldManager: "operator"}, "status"); err != nil {
		c.t.Fatal(err)
	}
}

var (
	ages  = regexp.MustCompile(`\b\d+[smh]\b`)
	stamp = regexp.MustCompile(`(creationTimestamp|resourceVersion|uid): .*`)
)

// timeless replaces what differs from run to run.
func (c *cluster) timeless(text string) string {
	text = ages.ReplaceAllString(strings.ReplaceAll(text, c.namespace, "NS"), "1s")
	return stamp.ReplaceAllString(text, "$1: X")
}

func TestOwners_CustomResource(t *testing.T) {
	t.Parallel()
	c := newGadgets(t)
	const annotated = `# Gadget NS/a
# MANAGER                       LAST WRITE   OPERATION
# argocd-controller             1s           Apply
# co-owner                      1s           Apply
# operator (Update)             1s           Update
# operator (Update of status)   1s           Update of status
                              apiVersion: owners.portside.dev/v1
                              kind: Gadget
                              metadata:
                                creationTimestamp: X
                                finalizers:
argocd-controller               - a/git
operator (Update)               - a/operator
                                generation: 3
                                labels:
argocd-controller                 app: x
                                name: a
                                namespace: NS
                                resourceVersion: X
                                uid: X
                              spec:
argocd-controller               args: # atomic
argocd-controller               - x
argocd-controller               - z
                                ports:
argocd-controller, co-owner     - # [number=2,transport="UDP"]
argocd-controller, co-owner       number: 2
argocd-controller, co-owner       transport: UDP
argocd-controller               - # [number=1,transport="TCP"]
operator (Update)                 note: by hand
argocd-controller                 number: 1
<none>                            transport: TCP
argocd-controller               selector: # atomic
argocd-controller                 app: x
argocd-controller, co-owner     size: 1
                                tags:
co-owner                        - a
argocd-controller, co-owner     - b
operator (Update of status)   status:
operator (Update of status)     conditions:
operator (Update of status)     - # [type="Ready"]
operator (Update of status)       message: |-
operator (Update of status)         line one
operator (Update of status)         line two
operator (Update of status)       status: "True"
operator (Update of status)       type: Ready
`
	for _, args := range [][]string{{"gadget/a"}, {"gdg", "a"}, {"gadgets.owners.portside.dev/a"}, {"Gadget.v1.owners.portside.dev", "a"}, {"gdg/a", "-o", "annotated"}} {
		expect(t, strings.Join(args, " "), c.timeless(c.must(0, c.run(append([]string{"owners"}, args...)...)).stdout), annotated)
	}
	expect(t, "ports", c.must(0, c.run("owners", "gdg/a", "--list", "spec.ports")).stdout, `NUMBER   TRANSPORT   OWNERS                        OWNERS OF FIELDS ONLY
2        UDP         argocd-controller, co-owner   <none>
1        TCP         argocd-controller             operator: note
`)
	expect(t, "conditions", c.timeless(c.must(0, c.run("owners", "gdg/a", "--list", ".status.conditions", "-o", "wide", "--no-headers")).stdout),
		"Ready   operator   Update of status   1s   the item: message, status, type\n")
	expect(t, "names", c.must(0, c.run("owners", "gdg/a", "-o", "name")).stdout, "argocd-controller\nco-owner\noperator\n")
	expectIn(t, "table", c.must(0, c.run("owners", "gdg/a", "-o", "table")).stdout, "OWNERS                        FIELD\n", "operator                      .metadata.finalizers[=\"a/operator\"]\n", "<none>                        .spec.ports[number=1,transport=\"TCP\"].transport\n")
	expectIn(t, "category", c.must(0, c.run("owners", "toys")).stdout, "# Gadget "+c.namespace+"/a\n")
}

func TestOwners_ListJSON(t *testing.T) {
	t.Parallel()
	c := newGadgets(t)
	var document struct {
		List      string
		KeyFields []string
		Items     []struct {
			Key      map[string]any
			Managers []struct {
				Manager  string
				OwnsItem bool
				Fields   []string
			}
		}
	}
	if err := json.Unmarshal([]byte(c.must(0, c.run("owners", "gdg/a", "--list", "spec.ports", "-o", "json")).stdout), &document); err != nil {
		t.Fatal(err)
	}
	item := document.Items[1]
	if document.List != ".spec.ports" || !slices.Equal(document.KeyFields, []string{"number", "transport"}) || item.Key["number"] != 1.0 || item.Key["transport"] != "TCP" {
		t.Errorf("list: %+v", document)
	}
	if m := item.Managers[1]; m.Manager != "operator" || m.OwnsItem || !slices.Equal(m.Fields, []string{"note"}) {
		t.Errorf("the manager that owns a field alone: %+v", m)
	}
}

func TestOwners_EmptiedManagedFields(t *testing.T) {
	t.Parallel()
	c := newGadgets(t)
	c.Manager("test").MustPatch(t, "Gadget", c.namespace, "a", types.MergePatchType, []byte(`{"metadata": {"managedFields": [{}]}}`))
	a := c.must(0, c.run("owners", "gdg/a"))
	expectIn(t, "stderr", a.stderr, "Gadget "+c.namespace+"/a has no managedFields: no manager owns anything of it")
	expectIn(t, "stdout", a.stdout, "<none>     size: 1\n", "<none>     - number: 2\n", "           name: a\n")
	a = c.must(0, c.run("owners", "gdg/a", "--list", "spec.ports"))
	expect(t, "list", a.stdout, "ITEM   OWNERS   OWNERS OF FIELDS ONLY\n[0]    <none>   <none>\n[1]    <none>   <none>\n")
	expectIn(t, "stderr", a.stderr, "no manager owns an item of spec.ports, so that its key fields are not known")
	expect(t, "names", c.must(0, c.run("owners", "gdg/a", "-o", "name")).stdout, "")
}

func TestOwners_NoKeyedList(t *testing.T) {
	t.Parallel()
	c := newGadgets(t)
	for path, want := range map[string]string{
		"spec.size":         "--list spec.size: spec.size is a number, and no keyed list; its keyed lists are spec.ports, status.conditions",
		"spec.args":         "spec.args is an atomic list, and no keyed list",
		"spec.tags":         "spec.tags is a set of values, and no keyed list",
		"spec.gone":         "spec has no field gone; its keyed lists are",
		"spec.ports[9].sub": `spec.ports has no item [9]; it has [number=2,transport="UDP"] [number=1,transport="TCP"]`,
	} {
		expectIn(t, path, c.must(2, c.run("owners", "gdg/a", "--list", path)).stderr, "error: Gadget "+c.namespace+"/a: ", want)
	}
}

func TestOwners_SeveralObjects(t *testing.T) {
	t.Parallel()
	c := newGadgets(t)
	c.gadget("b")
	c.argo(staticPorts)
	expect(t, "all of a kind", headings(c.must(0, c.run("owners", "gadgets")).stdout), "Gadget NS/a, Gadget NS/b")
	expect(t, "by name", headings(c.must(0, c.run("owners", "gdg", "b", "a")).stdout), "Gadget NS/b, Gadget NS/a")
	expect(t, "with a workload", headings(c.must(0, c.run("owners", "sts/dittofs", "gdg/b")).stdout), "StatefulSet NS/dittofs, Gadget NS/b")
	expect(t, "by label", headings(c.must(0, c.run("owners", "gdg", "-l", "app=y")).stdout), "")
	expectIn(t, "a list", c.must(0, c.run("owners", "gdg", "--list", "status.conditions")).stdout, "OBJECT     TYPE ", "gadget/a   Ready   operator")
	a := c.must(2, c.run("owners", "gdg", "a", "gone"))
	expectIn(t, "stderr", a.stderr, "error: Gadget "+c.namespace+"/gone not found")
	expect(t, "the other", headings(a.stdout), "Gadget NS/a")
	expect(t, "ports of several", c.must(0, c.run("owners", "sts,deploy")).stdout, `OBJECT        CONTAINER   PORT   NUMBER     OWNERS
sts/dittofs   dittofs     api    8080/TCP   argocd-controller
sts/dittofs   dittofs     nfs    2049/TCP   argocd-controller
`)
	expectIn(t, "all namespaces", c.must(0, c.run("owners", "sts", "-A")).stdout, "NAMESPACE", c.namespace+"   ")
	var items struct{ Items []struct{ Fields []any } }
	if err := json.Unmarshal([]byte(c.must(0, c.run("owners", "gdg", "-o", "json")).stdout), &items); err != nil || len(items.Items) != 2 || len(items.Items[0].Fields) == 0 {
		t.Errorf("json: %v %d items", err, len(items.Items))
	}
}

// headings returns the objects of annotated output.
func headings(text string) string {
	var names []string
	for line := range strings.Lines(text) {
		if object, is := strings.CutPrefix(line, "# "); is && strings.Contains(object, "/") {
			kind, name, _ := strings.Cut(strings.TrimSpace(object), " ")
			names = append(names, kind+" NS/"+name[strings.Index(name, "/")+1:])
		}
	}
	return strings.Join(names, ", ")
}

func TestOwners_EnvVars(t *testing.T) {
	t.Parallel()
	c := newCluster(t, testenv.Shared(t))
	c.argo(staticPorts)
	c.Manager("env").In(c.namespace).MustApply(t, `{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: dittofs}, spec: {template: {spec: {containers: [{name: dittofs, env: [{name: MODE, value: fast}, {name: PEERS, value: a}]}]}}}}`)
	_, err := c.Manager(testenv.KubectlEdit).Update(t.Context(), "StatefulSet", c.namespace, "dittofs", func(live *unstructured.Unstructured) {
		containers, _, _ := unstructured.NestedSlice(live.Object, "spec", "template", "spec", "containers")
		container, _ := containers[0].(map[string]any)
		container["env"] = []any{
			map[string]any{"name": "MODE", "value": "slow"}, map[string]any{"name": "TWICE", "value": "a"},
			map[string]any{"name": "PEERS", "value": "a"}, map[string]any{"name": "TWICE", "value": "b"},
		}
		_ = unstructured.SetNestedSlice(live.Object, containers, "spec", "template", "spec", "containers")
	})
	if err != nil {
		t.Fatal(err)
	}
	const path = "spec.template.spec.containers[dittofs].env"
	expect(t, "env vars", c.must(0, c.run("owners", "sts/dittofs", "--list", path)).stdout, `NAME    OWNERS                                        OWNERS OF FIELDS ONLY
MODE    env                                           kubectl-edit: value
TWICE   kubectl-edit (one of 2 items with this key)   <none>
PEERS   env                                           <none>
TWICE   kubectl-edit (one of 2 items with this key)   <none>
`)
	expectIn(t, "completion", c.complete("owners", "sts/dittofs", "--list", "spec.template.spec.containers["), "spec.template.spec.containers[name=dittofs].env")
}

func TestOwners_FromFile(t *testing.T) {
	t.Parallel()
	c := newGadgets(t)
	c.argo(staticPorts)
	live := c.kubectl("", "get", "gadgets,statefulsets", "-o", "yaml", "--show-managed-fields")
	want := c.must(0, c.run("owners", "gdg/a", "sts/dittofs")).stdout
	// Without a connection: a file is enough.
	expect(t, "a List", headings(runProgram(t, live, "owners", "-f", "-").stdout), headings(want))
	one := c.kubectl("", "get", "gadget", "a", "-o", "json", "--show-managed-fields")
	expect(t, "JSON", c.timeless(runProgram(t, one, "owners", "-f", "-").stdout), c.timeless(c.must(0, c.run("owners", "gdg/a")).stdout))
	documents := c.kubectl("", "get", "gadget", "a", "-o", "yaml", "--show-managed-fields") + "---\n" + c.kubectl("", "get", "sts", "dittofs", "-o", "yaml", "--show-managed-fields")
	expect(t, "documents", headings(runProgram(t, "", "owners", "-f", file(t, "all.yaml", documents)).stdout), headings(want))
	sts := c.kubectl("", "get", "sts", "dittofs", "-o", "yaml", "--show-managed-fields")
	expect(t, "ports", runProgram(t, sts, "owners", "-f", "-").stdout, c.must(0, c.run("owners", "sts/dittofs")).stdout)

	for name, test := range map[string]struct{ stdin, stderr string }{
		"without managedFields": {c.kubectl("", "get", "gadget", "a", "-o", "yaml"), "error: the input has no metadata.managedFields, so it does not say what owns its fields; kubectl leaves them out"},
		"nothing":               {"", "error: "},
		"no object":             {"a: 1\n", "Object 'Kind' is missing"},
		"no YAML":               {"{", "error: "},
		"a broken entry":        {strings.Replace(one, `"f:size"`, `"size"`, 1), `managedFields[0] of "argocd-controller" cannot be read`},
	} {
		a := runProgram(t, test.stdin, "owners", "-f", "-")
		if a.code != 1 || a.stdout != "" {
			t.Errorf("%s: exit code %d, stdout %q", name, a.code, a.stdout)
		}
		expectIn(t, name, a.stderr, test.stderr)
	}
	expectIn(t, "advice", runProgram(t, "apiVersion: v1\nkind: X\nmetadata: {name: x}\n", "owners", "-f", "-").stderr, "--show-managed-fields")
}

func TestOwners_BadInput(t *testing.T) {
	t.Parallel()
	c := newGadgets(t)
	for _, test := range []struct {
		code   int
		args   string
		stderr string
	}{
		{1, "gone/a", `the server doesn't have a resource type "gone"`},
		{1, "gadgets.batch/a", `the server doesn't have a resource type "gadgets" in group "batch"`},
		{2, "gdg/gone", "Gadget " + c.namespace + "/gone not found; check the name"},
		{2, "namespace/gone", "Namespace gone not found; check the name and the cluster"},
		{1, "gdg/a -c x", "--container is of the table of ports"},
		{1, "gdg/a --list spec.ports -c x", "--container is of the table of ports"},
		{1, "gdg/a --list spec.ports -o annotated", "-o annotated shows whole objects"},
		{1, "gdg/a --list [", "--list: cannot read the path"},
		{1, "gdg/a --list=", "--list: cannot read the path"},
		{1, "gdg/a -l app=x", "-l selects among the objects of a kind"},
		{1, "gdg/a -A", "an object cannot be named across all namespaces"},
		{1, "gdg -l =x", "-l: found '='"},
		{1, "gdg/a -f -", "-f shows the objects of files"},
		{1, "-f - -A", "-l and -A select objects of the cluster"},
		{1, "-f - -f -", "stdin can be read only once"},
		{1, "-f /gone", `the path "/gone" does not exist`},
		{1, "-f https://example.com/x", "addresses are not read"},
		{1, "gdg/a -R", "-R needs a directory"},
		{1, "gdg a/b", `cannot read "gdg a/b"`},
	} {
		a := c.run(append([]string{"owners"}, strings.Fields(test.args)...)...)
		if a.code != test.code || a.stdout != "" {
			t.Errorf("%s: exit code %d, stdout %q", test.args, a.code, a.stdout)
		}
		expectIn(t, test.args, a.stderr, "error: ", test.stderr)
	}
	expectIn(t, "nothing found", c.must(0, c.run("owners", "jobs")).stderr, "note: no objects found")
}
