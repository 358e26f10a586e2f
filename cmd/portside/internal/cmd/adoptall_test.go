package cmd_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/portside-dev/portside/cmd/portside/internal/cli"
	"github.com/portside-dev/portside/cmd/portside/internal/cmd"
	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/fixture"
)

const (
	// operatorPorts are the ports that an operator leaves that updates whole objects.
	operatorPorts = `[{name: api, containerPort: 8080, protocol: TCP}, {name: adapter-smb, containerPort: 1445, protocol: TCP}]`
	bothAdapters  = `[{name: api, containerPort: 8080, protocol: TCP}, {name: adapter-smb, containerPort: 1445, protocol: TCP},
	  {name: adapter-nfs, containerPort: 12049, protocol: TCP}]`
	oneKeyTwice = `[{name: api, containerPort: 8080, protocol: TCP}, {name: nfs, containerPort: 12049, protocol: TCP},
	  {name: adapter-nfs, containerPort: 12049, protocol: TCP}, {name: adapter-smb, containerPort: 1445, protocol: TCP}]`
	apiPort    = `[{name: api, containerPort: 8080, protocol: TCP}]`
	staticNFS  = `[{name: api, containerPort: 8080, protocol: TCP}, {name: nfs, containerPort: 12049, protocol: TCP}]`
	someManage = "manager" // the manager of a Go program that names none
)

// workloadNamed returns a workload of the kind with a name.
func workloadNamed(kind, name, ports string) *unstructured.Unstructured {
	named := []fixture.Option{fixture.Metadata("{name: " + name + ", labels: {app: " + name + "}}")}
	if kind != "DaemonSet" {
		named = append(named, fixture.Spec("replicas: 3"))
	}
	return workloadOf(kind, ports, named...)
}

// argoNamed applies such a workload as Argo CD does.
func (c *cluster) argoNamed(kind, name, ports string) {
	c.t.Helper()
	c.Manager(testenv.ArgoCD).In(c.namespace).MustApply(c.t, workloadNamed(kind, name, ports))
}

func (c *cluster) updates(manager, kind, name, ports string) {
	c.t.Helper()
	if _, err := c.Manager(manager).Update(c.t.Context(), kind, c.namespace, name, func(live *unstructured.Unstructured) {
		testenv.SetPorts(live, "dittofs", ports)
	}); err != nil {
		c.t.Fatal(err)
	}
}

// edits patches a StatefulSet by a JSON patch.
func (c *cluster) edits(name, patch string) {
	c.t.Helper()
	c.Manager(testenv.KubectlEdit).MustPatch(c.t, "StatefulSet", c.namespace, name, types.JSONPatchType, []byte(patch))
}

func (c *cluster) kubectl(stdin string, args ...string) string {
	c.t.Helper()
	out, err := c.Kubectl(c.t.Context(), c.namespace, stdin, args...)
	if err != nil {
		c.t.Fatal(err)
	}
	return out
}

// live returns the workload's ports and its resourceVersion.
func (c *cluster) live(kind, name string) (ports, resourceVersion string) {
	c.t.Helper()
	live := c.Manager("test").MustGet(c.t, kind, c.namespace, name)
	return strings.Join(testenv.Ports(live, "dittofs"), " "), live.GetResourceVersion()
}

type outcomes struct {
	Results []struct {
		Target  struct{ Kind, Name string }
		Outcome string
		Ports   []struct {
			Name, State string
			Owners      []string
		}
		Warnings []struct{ Reason, Port, Manager string }
	}
}

func (c *cluster) outcomes(a answer) (document outcomes) {
	c.t.Helper()
	if err := json.Unmarshal([]byte(a.stdout), &document); err != nil {
		c.t.Fatalf("%v\n%s", err, a.stdout)
	}
	return document
}

// TestAdoptAll_Histories: --all adopts whatever the histories of the workloads are,
// does what a dry run reports, and changes a pod template only where two ports have
// one key.
func TestAdoptAll_Histories(t *testing.T) {
	t.Parallel()
	c := newCluster(t, testenv.Shared(t))
	all := histories()
	recorded := map[string]*testenv.History{}
	before := map[string]string{}
	for i := range all {
		if all[i].kind == "" {
			all[i].kind = "StatefulSet"
		}
		h := all[i]
		h.happens(c, h.kind, h.name)
		recorded[h.name] = c.Record(t, h.kind, c.namespace, h.name)
		_, before[h.name] = c.live(h.kind, h.name)
	}
	adopt := func(args ...string) answer {
		return c.run(append([]string{"adopt", "--all", "--from", everyManager, "-o", "json", "--chunk-size", "3"}, args...)...)
	}
	dry := c.must(2, adopt("--dry-run=server"))
	expectIn(t, "dry run", dry.stderr, "1/8 statefulset/a-operator: Applied, adapter-smb 1445/TCP is Owned, adapter-nfs 12049/TCP is Owned; would restart no pod\n",
		"statefulset/e-one-key-twice: Applied, adapter-nfs 12049/TCP is Removed, adapter-smb 1445/TCP is Owned; would restart at most 3 pods\n",
		"of 11 workloads: 7 would be adopted, 3 with nothing to take over, 1 paused; would restart at most 3 pods\n", "nothing was stored",
		"does not name: another-operator\n")
	for _, h := range all {
		if _, now := c.live(h.kind, h.name); now != before[h.name] {
			t.Errorf("the dry run stored %s", h.name)
		}
	}
	wet := c.must(2, adopt())
	expectIn(t, "adoption", wet.stderr, "8/8 daemonset/k-daemonset: Applied", "f-paused carries the annotation portside.dev/paused: nothing was written",
		"of 11 workloads: 7 adopted, 3 with nothing to take over, 1 paused; restarts at most 3 pods\n")
	if strings.Contains(wet.stderr, "h-nothing") || strings.Contains(wet.stderr, "g-another") {
		t.Errorf("what has nothing to take over is spoken of:\n%s", wet.stderr)
	}
	expectOutcomes(t, c.outcomes(dry), all)
	expectOutcomes(t, c.outcomes(wet), all)
	for _, h := range all {
		if ports, _ := c.live(h.kind, h.name); ports != h.ports {
			t.Errorf("%s has %s, not %s", h.name, ports, h.ports)
		}
		if changes := testenv.TemplateChanges(recorded[h.name].Stored(t)); changes != h.changes {
			t.Errorf("%s: %d changes of the template, not %d", h.name, changes, h.changes)
		}
	}
	again := c.must(2, adopt())
	expectIn(t, "again", again.stderr, "1/1 statefulset/f-paused: Paused", "of 11 workloads: 0 adopted, 10 with nothing to take over, 1 paused; restarts no pod")
}

func expectOutcomes(t *testing.T, document outcomes, all []history) {
	t.Helper()
	var got, want []string
	for _, r := range document.Results {
		got = append(got, r.Target.Name+" "+r.Outcome)
		for _, p := range r.Ports {
			if p.State == "Owned" && !slices.Equal(p.Owners, []string{testenv.Portside}) {
				t.Errorf("%s: %s is owned by %q", r.Target.Name, p.Name, p.Owners)
			}
		}
	}
	for _, h := range all {
		if h.outcome != "" {
			want = append(want, h.name+" "+h.outcome)
		}
	}
	slices.Sort(got) // the kinds go one after the other
	if !slices.Equal(got, want) {
		t.Errorf("results:\n%q\nnot\n%q", got, want)
	}
}

func (c *cluster) operators(names ...string) {
	c.t.Helper()
	for _, name := range names {
		c.argoNamed("StatefulSet", name, apiPort)
		c.updates(testenv.DittoFSOperator, "StatefulSet", name, operatorPorts)
	}
}

// TestAdoptAll_Selection selects workloads by namespace and by labels, in pages.
func TestAdoptAll_Selection(t *testing.T) {
	t.Parallel()
	cp := testenv.Shared(t)
	c, other := newCluster(t, cp), newCluster(t, cp)
	from := "operator-of-" + c.namespace // -A lists the workloads of other tests, too
	for _, at := range []*cluster{c, other} {
		for _, name := range []string{"one", "two", "three", "four", "five"} {
			at.argoNamed("StatefulSet", name, apiPort)
			at.updates(from, "StatefulSet", name, operatorPorts)
		}
	}
	through := cp.Proxy(t, cp.Config(), testenv.ProxyHooks{})
	run := func(args ...string) answer { return runThrough(t.Context(), c, through, args...) }

	a := c.must(0, run("adopt", "--all", "--from", from, "--dry-run=server", "-o", "name", "--chunk-size", "2"))
	if got := strings.Count(a.stdout, "\n"); got != 5 {
		t.Errorf("%d workloads of the namespace:\n%s", got, a.stdout)
	}
	if lists := through.CountOf("LIST", "statefulsets"); lists != 3 {
		t.Errorf("five workloads came in %d pages of two: %s", lists, &through.Requests)
	}
	a = c.must(0, run("adopt", "--all", "-l", "app in (one,two)", "--from", from))
	expectIn(t, "stdout", a.stdout, "sts/one ", "sts/two ")
	expectIn(t, "stderr", a.stderr, "of 2 workloads: 2 adopted, 0 with nothing to take over; restarts no pod")
	a = c.must(0, run("adopt", "--all", "-A", "--from", from, "-l", "app in (one,two,three,four,five)"))
	expectIn(t, "stdout", a.stdout, "NAMESPACE", other.namespace)
	expectIn(t, "stderr", a.stderr, "8/8 statefulset/", " -n "+other.namespace+": Applied", " 8 adopted,")
	a = c.must(2, run("adopt", "--all", "--from", "unknown"))
	expect(t, "stdout", a.stdout, "")
	expectIn(t, "stderr", a.stderr, "of 5 workloads: 0 adopted, 5 with nothing",
		`error: field manager "unknown" owns no fields of the containers of 5 workloads; the ports are owned by: argocd-controller, portside`)
}

// runThrough runs the program through a proxy, until ctx ends.
func runThrough(ctx context.Context, c *cluster, through *testenv.Proxy, args ...string) answer {
	c.t.Helper()
	content, err := testenv.KubeconfigOf(through.Config(), "")
	if err != nil {
		c.t.Fatal(err)
	}
	var out, errOut bytes.Buffer
	root := cmd.New(genericiooptions.IOStreams{In: strings.NewReader(""), Out: &out, ErrOut: &errOut}, "v0.0.0-test")
	root.SetArgs(append(args, "--kubeconfig", file(c.t, "kubeconfig", string(content)), "-n", c.namespace))
	code := cli.Run(ctx, root)
	return answer{code: code, stdout: out.String(), stderr: errOut.String()}
}

// TestAdoptAll_Interrupted: an interrupt ends the command after the current workload,
// even between its two writes, and a second run does the rest.
func TestAdoptAll_Interrupted(t *testing.T) {
	t.Parallel()
	cp := testenv.Shared(t)
	c := newCluster(t, cp)
	c.operators("a", "c", "d")
	c.argoNamed("StatefulSet", "b", staticNFS)
	c.updates(testenv.DittoFSOperator, "StatefulSet", "b", oneKeyTwice)
	through := cp.Proxy(t, cp.Config(), testenv.ProxyHooks{})
	held, release := through.HoldAnswers(func(r *http.Request) bool {
		return r.Method == http.MethodPatch && strings.HasSuffix(r.URL.Path, "/statefulsets/b")
	})
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	answers := make(chan answer)
	adopt := []string{"adopt", "--all", "--from", testenv.DittoFSOperator}
	go func() { answers <- runThrough(ctx, c, through, adopt...) }()
	<-held
	interrupt()
	release()

	a := c.must(1, <-answers)
	expectIn(t, "stderr", a.stderr, "2/4 statefulset/b: Applied", "2 of 4 workloads that have something to take over: not begun, because it was interrupted; run it again",
		"of 4 workloads: 2 adopted, 0 with nothing to take over, 2 not tried; restarts at most 3 pods", "error: interrupted\n")
	expectIn(t, "stdout", a.stdout, "sts/a ", "sts/b ")
	expect(t, "owner of the static port that was there twice", c.ownersOf("b", "12049/TCP"), testenv.ArgoCD+"/Apply")
	_, before := c.live("StatefulSet", "a")
	a = c.must(0, c.run(adopt...))
	expectIn(t, "stderr", a.stderr, "2/2 statefulset/d: Applied", "of 4 workloads: 2 adopted, 2 with nothing to take over; restarts no pod")
	if _, after := c.live("StatefulSet", "a"); after != before {
		t.Error("the second run wrote what the first had done")
	}
}

// TestAdoptAll_ConnectionLost: the connection is lost between the two writes of an
// adoption. The next run completes it, although no manager of --from owns anything
// there any more.
func TestAdoptAll_ConnectionLost(t *testing.T) {
	t.Parallel()
	cp := testenv.Shared(t)
	c := newCluster(t, cp)
	c.argoNamed("StatefulSet", "b", staticNFS)
	c.updates(testenv.DittoFSOperator, "StatefulSet", "b", oneKeyTwice)
	c.operators("c")
	cut := errors.New("cut")
	through := cp.Proxy(t, cp.Config(), testenv.ProxyHooks{OnAnswer: func(answer *http.Response) error {
		if answer.Request.Method == http.MethodPatch {
			return cut // once the first write is stored
		}
		return nil
	}})
	adopt := []string{"adopt", "--all", "--from", testenv.DittoFSOperator}
	a := c.must(1, runThrough(t.Context(), c, through, adopt...))
	expectIn(t, "stderr", a.stderr, "1/2 statefulset/b: Failed", "1 of 2 workloads that have something to take over: skipped: the API server was unreachable",
		"of 2 workloads: 0 adopted, 0 with nothing to take over, 1 failed, 1 not tried")
	expect(t, "owner of the static port", c.ownersOf("b", "12049/TCP"), testenv.Portside+"/Update")
	a = c.must(0, c.run(adopt...))
	expectIn(t, "stderr", a.stderr, "of 2 workloads: 2 adopted")
	expect(t, "owner of the static port", c.ownersOf("b", "12049/TCP"), "")
	expectIn(t, "stderr", c.must(2, c.run(adopt...)).stderr, "of 2 workloads: 0 adopted, 2 with nothing",
		`field manager "dittofs-operator" owns no fields of the containers of 2 workloads`)
}

// ownersOf returns the owners of a port of a StatefulSet, with their operations.
func (c *cluster) ownersOf(name, port string) string {
	c.t.Helper()
	live := c.Manager("test").MustGet(c.t, "StatefulSet", c.namespace, name)
	owners, err := testenv.Owners(live, "dittofs", port)
	if err != nil {
		c.t.Fatal(err)
	}
	return strings.Join(owners, " ")
}

// TestAdoptAll_Errors: a workload that fails does not keep others from being adopted.
func TestAdoptAll_Errors(t *testing.T) {
	t.Parallel()
	cp := testenv.Shared(t)
	c := newCluster(t, cp)
	c.operators("a", "b", "c")
	c.allowsPatchOf("a", "c")
	user, err := cp.User("adopter-" + c.namespace)
	if err != nil {
		t.Fatal(err)
	}
	through := cp.Proxy(t, user, testenv.ProxyHooks{})
	a := c.must(2, runThrough(t.Context(), c, through, "adopt", "--all", "--from", testenv.DittoFSOperator))
	expectIn(t, "stderr", a.stderr, "2/3 statefulset/b: Failed; restarts no pod\n", "error: StatefulSet "+c.namespace+"/b: Error from server (Forbidden)",
		"3/3 statefulset/c: Applied", "of 3 workloads: 2 adopted, 0 with nothing to take over, 1 failed")
	for _, test := range []struct {
		args   []string
		stderr string
	}{
		{[]string{"--all", "sts/dittofs", "--from", "x"}, "unexpected arguments: sts/dittofs"},
		{[]string{"sts/dittofs", "-A", "--from", "x"}, "--all-namespaces goes with --all"},
		{[]string{"sts/dittofs", "-l", "x", "--from", "x"}, "--selector goes with --all"},
		{[]string{"--all", "-l", "x in", "--from", "x"}, "--selector: "},
		{[]string{"--all"}, "must specify --from"},
		{[]string{"--all", "--from", ","}, "must specify --from"},
	} {
		expectIn(t, "stderr", c.must(1, c.run(append([]string{"adopt"}, test.args...)...)).stderr, "error: ", test.stderr)
	}
	stranger, err := cp.User("stranger-" + c.namespace)
	if err != nil {
		t.Fatal(err)
	}
	a = c.must(2, runThrough(t.Context(), c, cp.Proxy(t, stranger, testenv.ProxyHooks{}), "adopt", "--all", "--from", "x"))
	expectIn(t, "stderr", a.stderr, "cannot list statefulsets: Error from server (Forbidden)")
}

// allowsPatchOf lets a user read all workloads and patch some.
func (c *cluster) allowsPatchOf(names ...string) {
	c.t.Helper()
	c.kubectl(`{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: adopter}, rules: [
	  {apiGroups: [apps], resources: ["*"], verbs: [get, list]},
	  {apiGroups: [apps], resources: [statefulsets], verbs: [patch], resourceNames: [`+strings.Join(names, ", ")+`]}]}`, "apply", "-f", "-")
	c.kubectl("", "create", "rolebinding", "adopter", "--role=adopter", "--user=adopter-"+c.namespace)
}
