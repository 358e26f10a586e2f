package cmd_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/portside-dev/portside/cmd/portside/internal/cli"
	"github.com/portside-dev/portside/cmd/portside/internal/cmd"
	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/fixture"
)

func TestMain(m *testing.M) { testenv.Main(m, testenv.Options{}) }

// answer is the output and the exit code of a run of the program.
type answer struct {
	code           int
	stdout, stderr string
}

// runProgram runs the program in this process. The commands that it advises on
// stderr must exist.
func runProgram(t *testing.T, stdin string, args ...string) answer {
	t.Helper()
	var out, errOut bytes.Buffer
	streams := genericiooptions.IOStreams{In: strings.NewReader(stdin), Out: &out, ErrOut: &errOut}
	root := cmd.New(streams, "v0.0.0-test")
	root.SetArgs(args)
	code := cli.Run(t.Context(), root)
	checkAdvice(t, errOut.String())
	return answer{code: code, stdout: out.String(), stderr: errOut.String()}
}

// cluster is a namespace of a test, in which it runs the program.
type cluster struct {
	*testenv.ControlPlane
	t          *testing.T
	namespace  string
	kubeconfig string
}

func newCluster(t *testing.T, cp *testenv.ControlPlane) *cluster {
	t.Helper()
	return &cluster{ControlPlane: cp, t: t, namespace: cp.Namespace(t), kubeconfig: cp.KubeconfigFile()}
}

// run runs the program with -n for the namespace.
func (c *cluster) run(args ...string) answer { return c.runWith("", args...) }

func (c *cluster) runWith(stdin string, args ...string) answer {
	c.t.Helper()
	return runProgram(c.t, stdin, append(args, "--kubeconfig", c.kubeconfig, "-n", c.namespace)...)
}

// must fails the test unless the exit code is as expected.
func (c *cluster) must(code int, a answer) answer {
	c.t.Helper()
	if a.code != code {
		c.t.Fatalf("exit code %d, not %d\nstdout:\n%s\nstderr:\n%s", a.code, code, a.stdout, a.stderr)
	}
	return a
}

// argo applies a StatefulSet as Argo CD does, with the ports of a YAML list.
func (c *cluster) argo(ports string) {
	c.t.Helper()
	c.Manager(testenv.ArgoCD).In(c.namespace).MustApply(c.t, statefulSet(ports))
}

// statefulSet returns the StatefulSet dittofs with the ports of a YAML list.
func statefulSet(ports string, options ...fixture.Option) *unstructured.Unstructured {
	return workloadOf("StatefulSet", ports, append(options, fixture.Spec("replicas: 3"))...)
}

// workloadOf returns the workload dittofs with the ports of a YAML list in its last
// container.
func workloadOf(kind, ports string, options ...fixture.Option) *unstructured.Unstructured {
	container := []fixture.Option{fixture.Container("dittofs"), fixture.InContainer("dittofs", "{image: dittofs, ports: "+ports+"}")}
	return fixture.Workload(kind, "dittofs", append(options, container...)...)
}

const staticPorts = `[{name: api, containerPort: 8080, protocol: TCP}, {name: nfs, containerPort: 2049, protocol: TCP}]`

// adapterSet returns an AdapterSet for the StatefulSet with the adapters of a YAML list.
func adapterSet(adapters string) string {
	return "apiVersion: portside.dev/v1alpha1\nkind: AdapterSet\nmetadata: {name: dittofs}\n" +
		"spec:\n  targetRef: {apiVersion: apps/v1, kind: StatefulSet, name: dittofs}\n  adapters: " + adapters + "\n"
}

const discoverySet = `apiVersion: portside.dev/v1alpha1
kind: AdapterSet
metadata: {name: dittofs}
spec:
  targetRef: {apiVersion: apps/v1, kind: StatefulSet, name: dittofs}
  discovery: {http: {port: api, scheme: HTTPS}}
`

// file writes a file to a folder of the test and returns its path.
func file(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// recorded returns the path of a recorded answer of a real server.
func recorded(name string) string {
	return filepath.Join("..", "..", "..", "..", "examples", "dittofs", name)
}

// resourceVersion returns the one of the StatefulSet, which every stored change moves.
func (c *cluster) resourceVersion() string {
	c.t.Helper()
	return c.Manager("test").MustGet(c.t, "StatefulSet", c.namespace, "dittofs").GetResourceVersion()
}

func (c *cluster) ports() string {
	c.t.Helper()
	live := c.Manager("test").MustGet(c.t, "StatefulSet", c.namespace, "dittofs")
	return strings.Join(testenv.Ports(live, "dittofs"), " ")
}

// expect compares a whole text.
func expect(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s:\n%s\nnot:\n%s", what, got, want)
	}
}

// expectIn fails the test unless a text has all parts.
func expectIn(t *testing.T, what, got string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(got, part) {
			t.Errorf("%s has no %q:\n%s", what, part, got)
		}
	}
}
