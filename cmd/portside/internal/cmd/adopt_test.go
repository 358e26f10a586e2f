package cmd_test

import (
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/fixture"
)

// legacy updates the workload to have an adapter port, as the former operator does.
func (c *cluster) legacy() {
	c.t.Helper()
	_, err := c.Manager(testenv.DittoFSOperator).Update(c.t.Context(), "StatefulSet", c.namespace, "dittofs", func(live *unstructured.Unstructured) {
		testenv.SetPorts(live, "dittofs", `[{name: api, containerPort: 8080, protocol: TCP}, {name: nfs, containerPort: 2049, protocol: TCP},
		  {name: adapter-smb, containerPort: 1445, protocol: TCP}]`)
	})
	if err != nil {
		c.t.Fatal(err)
	}
}

func TestAdopt(t *testing.T) {
	t.Parallel()
	c := newCluster(t, testenv.Shared(t))
	c.argo(staticPorts)
	c.legacy()
	before := c.resourceVersion()

	a := c.must(0, c.run("adopt", "sts/dittofs", "--from", testenv.ArgoCD))
	expectIn(t, "stdout", a.stdout, "Unchanged")
	expectIn(t, "stderr", a.stderr, "argocd-controller owns no adapter port of container dittofs of ", "the adapter ports are owned by: dittofs-operator\n")
	a = c.must(0, c.run("adopt", "sts/dittofs", "--from", testenv.DittoFSOperator, "--dry-run=server"))
	expectIn(t, "stderr", a.stderr, "nothing was stored")
	expect(t, "resourceVersion", c.resourceVersion(), before)

	a = c.must(0, c.run("adopt", "sts", "dittofs", "--from", testenv.DittoFSOperator))
	expect(t, "stdout", a.stdout, `TARGET        OUTCOME   PORT          NUMBER     STATE   OWNERS
sts/dittofs   Applied   adapter-smb   1445/TCP   Owned   portside
`)
	expectIn(t, "stderr", a.stderr, "if dittofs-operator still writes these ports, it will own them again")
	before = c.resourceVersion()
	a = c.must(2, c.run("adopt", "sts/dittofs", "--from", testenv.DittoFSOperator, "-o", "json"))
	expectIn(t, "stdout", a.stdout, `"outcome": "Unchanged"`, `"ports": []`)
	expectIn(t, "stderr", a.stderr, `field manager "dittofs-operator" owns no fields of container dittofs of StatefulSet `+c.namespace+"/dittofs; the ports are owned by: argocd-controller, portside\n")
	expect(t, "resourceVersion", c.resourceVersion(), before)
}

// TestAdopt_EmptyList: a manager that created the ports list owns it, and another
// manager's apply removed its last port.
func TestAdopt_EmptyList(t *testing.T) {
	t.Parallel()
	c := newCluster(t, testenv.Shared(t))
	c.argo("[]")
	c.legacy()
	backup := c.Manager("backup").In(c.namespace)
	const with, without = `[{"name":"dittofs","ports":[{"name":"other","containerPort":1}]}]`, `[{"name":"dittofs"}]`
	for _, step := range []func() error{
		func() error { return c.applied(backup, with) },
		func() error {
			_, err := c.Manager(testenv.DittoFSOperator).Update(t.Context(), "StatefulSet", c.namespace, "dittofs", func(live *unstructured.Unstructured) {
				testenv.SetPorts(live, "dittofs", `[{name: other, containerPort: 1, protocol: TCP}]`)
			})
			return err
		},
		func() error { return c.applied(backup, without) },
	} {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
	smb := adapterSet("[{type: smb, port: 1445}]")
	a := c.must(2, c.runWith(smb, "sync", "-f", "-"))
	way := "run portside adopt -n " + c.namespace + " statefulset/dittofs --from dittofs-operator"
	expectIn(t, "stderr", a.stderr, "container dittofs has no ports, and dittofs-operator (Update) owns the empty list", way)

	a = c.must(0, c.run("adopt", "statefulset/dittofs", "--from", "dittofs-operator", "--dry-run=server"))
	expectIn(t, "stderr", a.stderr, "would release dittofs-operator's ownership of an empty ports list, which blocked every apply", "nothing was stored")
	a = c.must(0, c.run("adopt", "statefulset/dittofs", "--from", "dittofs-operator"))
	expectIn(t, "stdout", a.stdout, "sts/dittofs   Applied")
	expectIn(t, "stderr", a.stderr, "note: released dittofs-operator's ownership of an empty ports list, which blocked every apply")
	c.must(0, c.runWith(smb, "sync", "-f", "-"))
}

// applied applies containers of the StatefulSet and nothing else.
func (c *cluster) applied(m *testenv.Manager, containers string) error {
	_, err := m.Apply(c.t.Context(), `{"apiVersion":"apps/v1","kind":"StatefulSet","metadata":{"name":"dittofs"},"spec":{"template":{"spec":{"containers":`+containers+`}}}}`)
	return err
}

// TestAdopt_UnknownManager: a manager of --from that owns nothing in the container
// is an error, which names those that own ports there.
func TestAdopt_UnknownManager(t *testing.T) {
	t.Parallel()
	c := newCluster(t, testenv.Shared(t))
	withSidecar := statefulSet(staticPorts, fixture.Container("sidecar", "web:80/TCP"))
	c.Manager(testenv.ArgoCD).In(c.namespace).MustApply(t, withSidecar)
	c.legacy()
	const owners = "the ports are owned by: argocd-controller, dittofs-operator\n"
	for name, test := range map[string]struct {
		from, container string
		code            int
		stderr, stdout  string
	}{
		"misspelt":                       {"dittofs-opreator", "dittofs", 2, owners, "Unchanged"},
		"misspelt, with one that is not": {"dittofs-operator,dittofs-opreator", "dittofs", 2, `field manager "dittofs-opreator" owns no fields of container dittofs of `, "Applied"},
		"another container":              {"dittofs-operator", "sidecar", 2, "the ports are owned by: argocd-controller\n", "Unchanged"},
		"an owner of static ports":       {"argocd-controller", "sidecar", 0, "argocd-controller owns no adapter port of container sidecar of ", "Unchanged"},
	} {
		a := c.must(test.code, c.run("adopt", "sts/dittofs", "--from", test.from, "-c", test.container, "--dry-run=server"))
		expectIn(t, name+": stderr", a.stderr, test.stderr)
		expectIn(t, name+": stdout", a.stdout, test.stdout)
	}
}

// emptyManagedFields removes all entries of the StatefulSet's managedFields.
func (c *cluster) emptyManagedFields() {
	c.t.Helper()
	c.Manager("testenv").MustPatch(c.t, "StatefulSet", c.namespace, "dittofs", types.MergePatchType, []byte(`{"metadata": {"managedFields": [{}]}}`))
}

// TestAdopt_EmptiedManagedFields: before-first-apply exists only after the first apply.
// Until then adopt says to apply first, and then adopts.
func TestAdopt_EmptiedManagedFields(t *testing.T) {
	t.Parallel()
	c := newCluster(t, testenv.Shared(t))
	c.argo(staticPorts)
	c.legacy()
	c.emptyManagedFields()
	a := c.must(2, c.run("adopt", "sts/dittofs", "--from", "before-first-apply"))
	expectIn(t, "stderr", a.stderr, `field manager "before-first-apply" owns no fields of container dittofs of `,
		"no manager owns a field there: let portside apply its ports first, by portside sync or portside reconcile\n")
	c.must(0, c.runWith(adapterSet("[{type: smb, port: 1445}]"), "sync", "-f", "-"))
	a = c.must(0, c.run("adopt", "sts/dittofs", "--from", "before-first-apply"))
	expectIn(t, "stdout", a.stdout, "Applied", "adapter-smb")
	c.must(0, c.runWith(adapterSet("[]"), "sync", "-f", "-"))
	live := c.Manager("test").MustGet(t, "StatefulSet", c.namespace, "dittofs")
	if err := testenv.CheckPorts(live, "dittofs", "api:8080/TCP", "nfs:2049/TCP"); err != nil {
		t.Error(err)
	}
}

func TestAdopt_Errors(t *testing.T) {
	t.Parallel()
	c := newCluster(t, testenv.Shared(t))
	c.argo(staticPorts)
	for _, test := range []struct {
		code   int
		args   []string
		stderr string
	}{
		{1, []string{"sts/dittofs"}, "must specify --from"},
		{2, []string{"sts/gone", "--from", "x"}, "/gone not found; check the name, the namespace (-n)"},
		{1, []string{"sts/dittofs", "--from", "portside"}, "cannot adopt from itself"},
		{2, []string{"sts/dittofs", "--from", "x", "-c", "gone"}, `container "gone" not found`},
		{1, []string{"sts/dittofs", "--from", "x", "--dry-run=client"}, "must be one of none, server"},
	} {
		a := c.must(test.code, c.run(append([]string{"adopt"}, test.args...)...))
		expectIn(t, "stderr", a.stderr, "error: ", test.stderr)
		expect(t, "stdout", a.stdout, "")
	}
}

// TestPaused_ExitCode: nothing that was asked for is done, so it is no success.
func TestPaused_ExitCode(t *testing.T) {
	t.Parallel()
	c := newCluster(t, testenv.Shared(t))
	c.argo(staticPorts)
	c.legacy()
	c.must(0, c.runWith(adapterSet("[{type: nfs, port: 12049}]"), "sync", "-f", "-"))
	if _, err := c.Kubectl(t.Context(), c.namespace, "", "annotate", "sts/dittofs", "portside.dev/paused=true"); err != nil {
		t.Fatal(err)
	}
	before := c.resourceVersion()
	for _, args := range [][]string{
		{"release", "sts/dittofs"},
		{"release", "sts/dittofs", "--keep-ports"},
		{"adopt", "sts/dittofs", "--from", testenv.DittoFSOperator},
	} {
		a := c.must(2, c.run(args...))
		expectIn(t, "stderr", a.stderr, "error: ", "portside.dev/paused", "nothing was written")
		expectIn(t, "stdout", a.stdout, "Paused")
		expectIn(t, "help", runProgram(t, "", args[0], "--help").stdout, "paused")
	}
	expect(t, "resourceVersion", c.resourceVersion(), before)
}

func TestRelease(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		args         []string
		state, ports string
	}{
		"":           {nil, "Removed", "api:8080/TCP nfs:2049/TCP"},
		"keep ports": {[]string{"--keep-ports"}, "Released", "api:8080/TCP nfs:2049/TCP adapter-smb:1445/TCP"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t, testenv.Shared(t))
			c.argo(staticPorts)
			c.must(0, c.runWith(adapterSet("[{type: smb, port: 1445}]"), "sync", "-f", "-"))
			before := c.resourceVersion()
			release := func(args ...string) answer {
				return c.must(0, c.run(append(append([]string{"release", "sts/dittofs"}, test.args...), args...)...))
			}
			dry := release("--dry-run=server")
			expectIn(t, "stderr", dry.stderr, "nothing was stored")
			expectIn(t, "stdout", dry.stdout, "Applied (server dry run)")
			expect(t, "resourceVersion", c.resourceVersion(), before)
			expectIn(t, "stdout", release().stdout, "Applied", "adapter-smb", test.state)
			expect(t, "ports", c.ports(), test.ports)
			before = c.resourceVersion()
			a := release()
			expectIn(t, "stdout", a.stdout, "Unchanged")
			expectIn(t, "stderr", a.stderr, "portside owns nothing of StatefulSet")
			expect(t, "resourceVersion", c.resourceVersion(), before)
		})
	}
}
