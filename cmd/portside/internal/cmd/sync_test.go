package cmd_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/fixture"
)

// TestSync_Expression maps the answer of a server that has no list of adapters, as the
// service does.
func TestSync_Expression(t *testing.T) {
	t.Parallel()
	c := newCluster(t, testenv.Shared(t))
	c.argo(`[{name: api, containerPort: 8080, protocol: TCP}]`)
	set := func(expression string) string {
		return file(t, "set.yaml", strings.Replace(discoverySet, "scheme: HTTPS", "scheme: HTTPS, expression: '"+expression+"'", 1))
	}
	const mapping = `self.listeners.filter(l, l.node == self.node && l.protocol in ["amqp","mqtt","stomp"]).map(l, {"type": l.protocol, "port": l.port})`
	overview := filepath.Join("..", "..", "..", "..", "examples", "rabbitmq", "overview-three-nodes.json")
	a := c.must(0, c.run("sync", "-f", set(mapping), "--adapters", overview, "-o", "name"))
	expect(t, "stdout", a.stdout, "statefulset.apps/dittofs\n")
	expect(t, "ports", c.ports(), "api:8080/TCP adapter-mqtt:1883/TCP adapter-amqp:5672/TCP adapter-stomp:61613/TCP")

	a = c.must(1, c.run("sync", "-f", set("self.map(l, foo)"), "--adapters", overview))
	expectIn(t, "stderr", a.stderr, "set.yaml: document 1: line 6: spec.discovery.http.expression: line 1, column 13: undeclared reference to 'foo'")
	a = c.must(1, c.run("sync", "-f", set("self.nodes"), "--adapters", overview))
	expectIn(t, "stderr", a.stderr, "overview-three-nodes.json: cannot be mapped by spec.discovery.http.expression: no such key: nodes; nothing of it is used")
}

func TestSync_JSON(t *testing.T) {
	t.Parallel()
	c := newCluster(t, testenv.Shared(t))
	c.argo(`[{name: api, containerPort: 8080, protocol: TCP}, {name: nfs, containerPort: 12049, protocol: TCP}]`)
	set := file(t, "set.yaml", discoverySet)
	a := c.must(0, c.run("sync", "-f", set, "--adapters", recorded("adapters-both-running.json"), "-o", "json"))
	golden, err := os.ReadFile("testdata/sync.json")
	if err != nil {
		t.Fatal(err)
	}
	want := strings.NewReplacer("NAMESPACE", c.namespace, "VERSION", c.resourceVersion()).Replace(string(golden))
	expect(t, "stdout", a.stdout, want)
	expect(t, "stderr", a.stderr, "")

	// The owner gives up its static port, so the adapter port is added, and the port of
	// an adapter that is no longer listed is Removed.
	c.argo(`[{name: api, containerPort: 8080, protocol: TCP}]`)
	a = c.must(0, c.run("sync", "-f", set, "--adapters", recorded("adapters-smb-disabled.json"), "-o", "yaml"))
	want = strings.NewReplacer("NAMESPACE", c.namespace, "VERSION", c.resourceVersion()).Replace(`results:
- container: dittofs
  outcome: Applied
  ports:
  - message: ""
    name: adapter-nfs
    owners:
    - portside
    port: 12049
    protocol: TCP
    reason: ""
    state: Owned
    type: nfs
  - message: ""
    name: adapter-smb
    owners: []
    port: 1445
    protocol: TCP
    reason: ""
    state: Removed
    type: smb
  resourceVersion: "VERSION"
  target:
    kind: StatefulSet
    name: dittofs
    namespace: NAMESPACE
  warnings: []
`)
	expect(t, "stdout", a.stdout, want)
}

func TestSync_Table(t *testing.T) {
	t.Parallel()
	c := newCluster(t, testenv.Shared(t))
	c.argo(staticPorts)
	set := file(t, "set.yaml", adapterSet("[{type: nfs, port: 2049}, {type: smb, port: 1445}]"))
	run := func(args ...string) string {
		return c.must(0, c.run(append([]string{"sync", "-f", set}, args...)...)).stdout
	}
	expect(t, "table", run(), `TARGET        OUTCOME   PORT          NUMBER     STATE      OWNERS
sts/dittofs   Applied   adapter-nfs   2049/TCP   Shadowed   argocd-controller
sts/dittofs   Applied   adapter-smb   1445/TCP   Owned      portside
`)
	expect(t, "no headers", run("--no-headers"), `sts/dittofs   Unchanged   adapter-nfs   2049/TCP   Shadowed   argocd-controller
sts/dittofs   Unchanged   adapter-smb   1445/TCP   Owned      portside
`)
	expectIn(t, "wide", run("-o", "wide"), "MESSAGE\n", "statefulset/dittofs", c.namespace, `2049/TCP is declared by argocd-controller (Apply) as "nfs"`)
	expect(t, "name", run("-o", "name"), "statefulset.apps/dittofs\n")
}

// TestSync_Warnings: a warning is no failure.
func TestSync_Warnings(t *testing.T) {
	t.Parallel()
	c := newCluster(t, testenv.Shared(t))
	c.argo(`[{name: adapter-nfs, containerPort: 12049, protocol: TCP}]`)
	a := c.must(0, c.runWith(adapterSet("[{type: nfs, port: 12049}]"), "sync", "-f", "-", "-o", "json"))
	expectIn(t, "stdout", a.stdout, `"reason": "CannotRenumber"`, `"port": "adapter-nfs"`, `"manager": "argocd-controller"`, `"message": "argocd-controller (Apply) applies`)
	expectIn(t, "stderr", a.stderr, "Warning: StatefulSet "+c.namespace+"/dittofs: argocd-controller (Apply) applies adapter-nfs:12049/TCP too",
		"portside release -n "+c.namespace+" statefulset/dittofs --keep-ports")
}

func TestSync_DryRunStoresNothing(t *testing.T) {
	t.Parallel()
	c := newCluster(t, testenv.Shared(t))
	c.argo(staticPorts)
	before := c.resourceVersion()
	a := c.must(0, c.runWith(adapterSet("[{type: smb, port: 1445}]"), "sync", "-f", "-", "--dry-run=server"))
	expectIn(t, "stdout", a.stdout, "Applied (server dry run)   adapter-smb")
	wide := c.must(0, c.runWith(adapterSet("[{type: smb, port: 1445}]"), "sync", "-f", "-", "--dry-run=server", "-o", "wide"))
	expectIn(t, "wide", wide.stdout, "Applied (server dry run)   smb")
	document := c.must(0, c.runWith(adapterSet("[{type: smb, port: 1445}]"), "sync", "-f", "-", "--dry-run=server", "-o", "json"))
	expectIn(t, "JSON", document.stdout, `"outcome": "Applied"`)
	if strings.Contains(strings.ToLower(document.stdout), `"dry`) {
		t.Errorf("the document has a field of its own for a dry run:\n%s", document.stdout)
	}
	expectIn(t, "stderr", a.stderr, "dry run: nothing was stored")
	expect(t, "resourceVersion", c.resourceVersion(), before)
}

func TestSync_OneReadAndOneWrite(t *testing.T) {
	t.Parallel()
	c := newCluster(t, testenv.Shared(t))
	c.argo(staticPorts)
	proxy := countingProxy(t, c.Config())
	kubeconfig := file(t, "kubeconfig", proxy.kubeconfig)
	set := file(t, "set.yaml", adapterSet("[{type: smb, port: 1445}]"))
	// The POST is the Event that records a change.
	for _, want := range []string{"GET PATCH POST", "GET PATCH POST GET PATCH"} {
		c.must(0, runProgram(t, "", "sync", "-f", set, "-n", c.namespace, "--kubeconfig", kubeconfig))
		if got := proxy.requests(); got != want {
			t.Errorf("requests so far: %s, not %s", got, want)
		}
	}
}

func TestSync_SeveralDocuments(t *testing.T) {
	t.Parallel()
	c := newCluster(t, testenv.Shared(t))
	c.argo(staticPorts)
	dir := t.TempDir()
	other := strings.ReplaceAll(adapterSet("[]"), "name: dittofs", "name: absent")
	for name, content := range map[string]string{"a.yaml": other, "b.yaml": adapterSet("[{type: smb, port: 1445}]"), "c.txt": "not read"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	a := c.must(0, c.run("sync", "-f", dir, "--ignore-not-found"))
	expectIn(t, "stdout", a.stdout, "sts/absent    TargetNotFound", "sts/dittofs   Applied")
	expectIn(t, "stderr", a.stderr, "Warning: ", "a.yaml: document 1: StatefulSet "+c.namespace+"/absent not found; skipped")
	// A missing target does not keep another from being synced.
	a = c.must(2, c.run("sync", "-f", dir))
	expectIn(t, "stdout", a.stdout, "sts/dittofs   Unchanged")
	expectIn(t, "stderr", a.stderr, "error: ", "absent not found; check the name", "--ignore-not-found")
	a = c.must(1, c.run("sync", "-f", dir, "--adapters", recorded("adapters-both-running.json")))
	expectIn(t, "stderr", a.stderr, "there are 2 AdapterSets")
	expect(t, "stdout", a.stdout, "")
}

func TestSync_SuspendedAndPaused(t *testing.T) {
	t.Parallel()
	c := newCluster(t, testenv.Shared(t))
	c.argo(staticPorts)
	before := c.resourceVersion()

	suspended := strings.Replace(adapterSet("[{type: smb, port: 1445}]"), "spec:\n", "spec:\n  suspend: true\n", 1)
	a := c.must(0, c.runWith(suspended, "sync", "-f", "-"))
	expectIn(t, "stdout", a.stdout, "Paused")
	expectIn(t, "stderr", a.stderr, "spec.suspend is true")
	expect(t, "resourceVersion", c.resourceVersion(), before)

	if _, err := c.Kubectl(t.Context(), c.namespace, "", "annotate", "sts/dittofs", "portside.dev/paused=true"); err != nil {
		t.Fatal(err)
	}
	before = c.resourceVersion()
	a = c.must(2, c.runWith(adapterSet("[{type: smb, port: 1445}]"), "sync", "-f", "-"))
	expectIn(t, "stdout", a.stdout, "Paused", "Blocked")
	expectIn(t, "stderr", a.stderr, "portside.dev/paused")
	expect(t, "resourceVersion", c.resourceVersion(), before)
}

func TestSync_ContainerNotFound(t *testing.T) {
	t.Parallel()
	c := newCluster(t, testenv.Shared(t))
	c.argo(staticPorts)
	missing := strings.Replace(adapterSet("[]"), "spec:\n", "spec:\n  container: gone\n", 1)
	a := c.must(2, c.runWith(missing, "sync", "-f", "-", "-o", "json"))
	expectIn(t, "stdout", a.stdout, `"outcome": "ContainerNotFound"`, `"ports": []`, `"error": "`)
	expectIn(t, "stderr", a.stderr, "stdin: document 1", `container "gone" not found; it has dittofs`)
}

// TestContainer_NativeSidecar: portside manages no ports of a native sidecar.
func TestContainer_NativeSidecar(t *testing.T) {
	t.Parallel()
	t.Run("native sidecar", func(t *testing.T) {
		t.Parallel()
		c := newCluster(t, testenv.Shared(t))
		withSidecar := statefulSet(staticPorts, fixture.Spec("template: {spec: {initContainers: [{name: proxy, image: proxy, restartPolicy: Always}]}}"))
		c.Manager(testenv.ArgoCD).In(c.namespace).MustApply(t, withSidecar)
		const refused = `container "proxy" is an init container or native sidecar; portside manages ports of spec.containers only; it has dittofs`
		set := strings.Replace(adapterSet("[{type: smb, port: 1445}]"), "spec:\n", "spec:\n  container: proxy\n", 1)
		expectIn(t, "sync", c.must(2, c.runWith(set, "sync", "-f", "-")).stderr, refused)
		expectIn(t, "diff", c.must(2, c.runWith(set, "diff", "-f", "-")).stderr, refused)
		expectIn(t, "owners", c.must(2, c.run("owners", "sts/dittofs", "-c", "proxy")).stderr, refused)
		expectIn(t, "adopt", c.must(2, c.run("adopt", "sts/dittofs", "--from", "x", "-c", "proxy")).stderr, refused)
	})
}

func TestSync_PrintsTheNamedContainer(t *testing.T) {
	t.Parallel()
	c := newCluster(t, testenv.Shared(t))
	c.argo(staticPorts)
	named := strings.Replace(adapterSet("[]"), "spec:\n", "spec:\n  container: files\n", 1)
	for name, test := range map[string]struct {
		code                  int
		set, kubeconfig, want string
	}{
		"TargetNotFound":    {2, strings.ReplaceAll(named, "name: dittofs", "name: absent"), c.kubeconfig, "files"},
		"ContainerNotFound": {2, named, c.kubeconfig, "files"},
		"Failed":            {1, named, goneServer(t), "files"},
		"Failed, unnamed":   {1, adapterSet("[]"), goneServer(t), ""},
	} {
		t.Run(name, func(t *testing.T) {
			a := runProgram(t, test.set, "sync", "-f", "-", "-o", "json", "-n", c.namespace, "--kubeconfig", test.kubeconfig)
			if a.code != test.code {
				t.Errorf("exit code %d\n%s", a.code, a.stderr)
			}
			outcome, _, _ := strings.Cut(name, ",")
			expectIn(t, "stdout", a.stdout, `"outcome": "`+outcome+`"`, `"container": "`+test.want+`"`)
		})
	}
}

func TestSync_HostNetwork(t *testing.T) {
	t.Parallel()
	c := newCluster(t, testenv.Shared(t))
	host := statefulSet(staticPorts, fixture.Spec("template: {spec: {hostNetwork: true}}"))
	c.Manager(testenv.Helm).In(c.namespace).MustCreate(t, host)
	set := adapterSet("[{type: smb, port: 1445}]")
	allowing := strings.Replace(set, "spec:\n", "spec:\n  hostNetwork: Allow\n", 1)
	for _, set := range []string{set, allowing} {
		a := c.must(2, c.runWith(set, "sync", "-f", "-"))
		expectIn(t, "stderr", a.stderr, "adapter-smb 1445/TCP is Blocked: the pod template has hostNetwork: true",
			`set spec.hostNetwork: Allow in the AdapterSet and the annotation portside.dev/allow-host-network: "true" on the workload`)
	}
	c.Manager(testenv.Helm).MustPatch(t, "StatefulSet", c.namespace, "dittofs", types.MergePatchType,
		[]byte(`{"metadata":{"annotations":{"portside.dev/allow-host-network":"true"}}}`))
	c.must(2, c.runWith(set, "sync", "-f", "-"))
	c.must(0, c.runWith(allowing, "sync", "-f", "-"))
}

func TestSync_OtherKinds(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"Deployment", "DaemonSet"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t, testenv.Shared(t))
			c.Manager(testenv.Flux).In(c.namespace).MustApply(t, workloadOf(kind, staticPorts))
			set := strings.ReplaceAll(adapterSet("[{type: smb, port: 1445}]"), "StatefulSet", kind)
			a := c.must(0, c.runWith(set, "sync", "-f", "-"))
			expectIn(t, "stdout", a.stdout, "/dittofs   Applied", "Owned")
			expectIn(t, "owners", c.must(0, c.run("owners", kind, "dittofs")).stdout, "adapter-smb   1445/TCP   portside")
		})
	}
}
