package install_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	appsclient "k8s.io/client-go/kubernetes/typed/apps/v1"
	"k8s.io/client-go/rest"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/install"
	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/portside"
)

const dittofs = "dittofs"

var (
	nfs = apply.Adapter{Type: "nfs", Port: 12049}
	smb = apply.Adapter{Type: "smb", Port: 1445}
)

func at(a apply.Adapter, port int64) apply.Adapter {
	a.Port = port
	return a
}

// installation is portside as install prints it, in namespaces of a test's own, and
// the managers that write there.
type installation struct {
	*testenv.ControlPlane
	t       *testing.T
	options install.Options
	// system is portside's namespace, workloads that of the workloads. manager is the
	// field manager, which also names the ServiceAccount.
	system, workloads, manager string

	admin  *kubernetes.Clientset
	config *rest.Config // with the token of portside's ServiceAccount
}

// installed installs portside under a field manager of the test's own and waits
// until its policies are in force.
func installed(t *testing.T, o install.Options) *installation {
	t.Helper()
	i := prepared(t, testenv.Shared(t), o)
	i.apply(i.manifests())
	i.awaitPolicies()
	return i
}

// prepared returns an installation with namespaces and clients that is not applied. It
// is for the release of the control plane unless the options name another one.
func prepared(t *testing.T, cp *testenv.ControlPlane, o install.Options) *installation {
	t.Helper()
	i := &installation{ControlPlane: cp, t: t, workloads: cp.Namespace(t), admin: clientset(t, cp.Config())}
	i.system = cmp.Or(o.Namespace, cp.Namespace(t))
	i.manager = cmp.Or(o.FieldManager, i.system)
	o.Namespace, o.FieldManager = i.system, i.manager
	if o.WatchNamespace != "" {
		o.WatchNamespace = i.workloads
	}
	if len(o.DiscoveryNamespaces) > 0 {
		o.DiscoveryNamespaces = []string{i.workloads}
	}
	if o.KubeVersion == nil {
		o.KubeVersion, o.BetaPolicies = cp.Release(), true
	}
	i.options = o
	return i
}

func (i *installation) manifests() []*unstructured.Unstructured {
	i.t.Helper()
	objects, err := install.Manifests(i.options)
	if err != nil {
		i.t.Fatal(err)
	}
	return objects
}

// portside returns the installation for package portside.
func (i *installation) portside() portside.Installation {
	return portside.Installation{ControlPlane: i.ControlPlane, Namespace: i.system, FieldManager: i.manager}
}

// apply applies objects as users do, and gets a token if portside's ServiceAccount
// is one of them.
func (i *installation) apply(objects []*unstructured.Unstructured) {
	i.t.Helper()
	i.portside().Apply(i.t, text(i.t, objects))
	if slices.ContainsFunc(objects, func(o *unstructured.Unstructured) bool { return o.GetKind() == "ServiceAccount" }) {
		i.config = i.portside().Token(i.t)
	}
}

func text(t *testing.T, objects []*unstructured.Unstructured) string {
	t.Helper()
	text, err := install.YAML(objects)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func (i *installation) kubectl(stdin string, args ...string) string {
	i.t.Helper()
	return i.MustKubectl(i.t, "", stdin, args...) // the manifests name their namespaces
}

func clientset(t *testing.T, config *rest.Config) *kubernetes.Clientset {
	t.Helper()
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// applier returns an applier with portside's token and field manager.
func (i *installation) applier(options ...apply.Option) *apply.Applier {
	i.t.Helper()
	client, err := appsclient.NewForConfig(i.config)
	if err != nil {
		i.t.Fatal(err)
	}
	applier, err := apply.New(workload.ClientGo(client), append(options, apply.WithFieldManager(i.manager))...)
	if err != nil {
		i.t.Fatal(err)
	}
	return applier
}

func (i *installation) target(kind workload.Kind) workload.Target {
	return workload.Target{Kind: kind, Namespace: i.workloads, Name: dittofs}
}

// reconcile reconciles a workload as portside, which must succeed.
func (i *installation) reconcile(kind workload.Kind, adapters ...apply.Adapter) apply.Result {
	i.t.Helper()
	result, err := i.applier().Apply(i.t.Context(), i.target(kind), apply.Desired{Container: dittofs, Adapters: adapters})
	if err != nil {
		i.t.Fatalf("reconciling as portside's ServiceAccount: %s: %v", result.Outcome, err)
	}
	return result
}

// as returns a manager that writes as another user.
func (i *installation) as(config *rest.Config, manager string) *testenv.Manager {
	i.t.Helper()
	m, err := testenv.NewManager(config, manager)
	if err != nil {
		i.t.Fatal(err)
	}
	return m.In(i.workloads)
}

// argo returns the manager that declares the workload, an administrator.
func (i *installation) argo() *testenv.Manager { return i.Manager(testenv.ArgoCD).In(i.workloads) }

func (i *installation) mustApply(m *testenv.Manager, object any) *unstructured.Unstructured {
	i.t.Helper()
	return m.MustApply(i.t, object)
}

func (i *installation) live(kind workload.Kind) *unstructured.Unstructured {
	i.t.Helper()
	return i.argo().MustGet(i.t, kind.Kind, "", dittofs)
}

func (i *installation) expectPorts(kind workload.Kind, container string, want ...string) {
	i.t.Helper()
	if got := testenv.Ports(i.live(kind), container); !slices.Equal(got, want) {
		i.t.Errorf("ports %q, want %q", got, want)
	}
}

// probe is a workload to try the policies on.
var probe = named("probe", declared(workload.Deployment, "[]"))

func named(name, workload string) string {
	return strings.Replace(workload, "metadata: {name: dittofs,", "metadata: {name: "+name+",", 1)
}

// declared returns the workload as its owner declares it, with a YAML list of ports.
func declared(kind workload.Kind, ports string) string {
	more := map[workload.Kind]string{
		workload.StatefulSet: "replicas: 1\n  serviceName: dittofs",
		workload.Deployment:  "replicas: 1",
		workload.DaemonSet:   "minReadySeconds: 1",
	}[kind]
	return fmt.Sprintf(`
apiVersion: apps/v1
kind: %s
metadata: {name: dittofs, labels: {app: dittofs}, annotations: {note: as declared}}
spec:
  %s
  selector: {matchLabels: {app: dittofs}}
  template:
    metadata: {labels: {app: dittofs}}
    spec:
      initContainers: [{name: init, image: "init:1"}]
      containers:
      - {name: dittofs, image: "dittofs:1", env: [{name: MODE, value: fast}], ports: %s}
      - {name: sidecar, image: "sidecar:1"}
`, kind, more, ports)
}

func object(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	o, err := testenv.Object(text)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func dynamicClient(t *testing.T, config *rest.Config) *dynamic.DynamicClient {
	t.Helper()
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return client
}
