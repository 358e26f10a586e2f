package mirror

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m, testenv.Options{}) }

const crd = "../../../../examples/install/crd/portside.dev_adaptersets.yaml"

// tells are what a mirror told, in order.
type tells struct {
	mu   sync.Mutex
	told []string
}

func (s *tells) add(t workload.Target, c Cause) {
	what := map[Cause]string{AdapterSetChanged: "AdapterSet", WorkloadChanged: "workload"}[c]
	s.mu.Lock()
	defer s.mu.Unlock()
	s.told = append(s.told, t.Name+": "+what)
}

// take is what was told since the last time.
func (s *tells) take() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	told := s.told
	s.told = nil
	return told
}

// expect waits until something was told, and no more than once.
func (s *tells) expect(t *testing.T, want string) {
	t.Helper()
	testenv.Eventually(t, fmt.Sprintf("%q to be told", want), func(context.Context) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		if !slices.Contains(s.told, want) {
			return fmt.Errorf("told was %q", s.told)
		}
		return nil
	})
	if told := s.take(); !slices.Equal(told, []string{want}) {
		t.Errorf("told was %q, not %q alone", told, want)
	}
}

// newClient is one with a connection of its own, if the configuration is a proxy's.
func newClient(t *testing.T, config *rest.Config) client.WithWatch {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	c, err := client.NewWithWatch(config, client.Options{Scheme: scheme})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func installCRD(t *testing.T, cp *testenv.ControlPlane) {
	t.Helper()
	if err := cp.InstallCRD(t.Context(), crd); err != nil {
		t.Fatal(err)
	}
}

// start has a mirror watch until stop is called, at the latest when the test
// ends.
func start(t *testing.T, c client.WithWatch, o Options) (m *Mirror, told *tells, stop func()) {
	t.Helper()
	m, told = New(c, o), &tells{}
	m.Tell(told.add)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- m.Start(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the mirror ended: %v", err)
		}
	})
	t.Cleanup(stop)
	return m, told, stop
}

// watching is a mirror of a namespace, with all that there is, and its
// namespace's owner.
func watching(t *testing.T) (*Mirror, *tells, *testenv.Manager, string) {
	t.Helper()
	cp := testenv.Shared(t)
	installCRD(t, cp)
	ns := cp.Namespace(t)
	m, told, _ := start(t, newClient(t, cp.Config()), Options{Namespace: ns})
	if err := m.WaitForSync(t.Context()); err != nil {
		t.Fatal(err)
	}
	return m, told, cp.Manager("git").In(ns), ns
}

func mustApply(t *testing.T, m *testenv.Manager, object string) {
	t.Helper()
	if _, err := m.Apply(t.Context(), object); err != nil {
		t.Fatal(err)
	}
}

func mustPatch(t *testing.T, m *testenv.Manager, kind, ns, name, patch string) {
	t.Helper()
	if _, err := m.Patch(t.Context(), kind, ns, name, types.MergePatchType, []byte(patch)); err != nil {
		t.Fatal(err)
	}
}

func mustDelete(t *testing.T, m *testenv.Manager, kind, ns, name string) {
	t.Helper()
	if err := m.Delete(t.Context(), kind, ns, name); err != nil {
		t.Fatal(err)
	}
}

// until waits for something that the mirror has to say.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	testenv.Eventually(t, what, func(context.Context) error {
		if !is() {
			return fmt.Errorf("it is not so")
		}
		return nil
	})
}

func statefulSet(name string) string {
	return fmt.Sprintf(`
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: %[1]s, labels: {app: %[1]s}, annotations: {example.com/notes: a long text}}
spec:
  serviceName: %[1]s
  selector: {matchLabels: {app: %[1]s}}
  template:
    metadata: {labels: {app: %[1]s}}
    spec:
      containers:
      - name: server
        image: example.com/files:1
        ports: [{name: api, containerPort: 8080, protocol: TCP}]
`, name)
}

func adapterSet(name, target string) string {
	return fmt.Sprintf(`
apiVersion: portside.dev/v1alpha1
kind: AdapterSet
metadata: {name: %s, labels: {team: files}, annotations: {example.com/notes: a long text}}
spec:
  targetRef: {apiVersion: apps/v1, kind: StatefulSet, name: %s}
  adapters: [{type: nfs, port: 12049}]
`, name, target)
}

func targetIn(ns, name string) workload.Target {
	return workload.Target{Kind: workload.StatefulSet, Namespace: ns, Name: name}
}

func namesOf(sets []*v1alpha1.AdapterSet) []string {
	names := make([]string, 0, len(sets))
	for _, set := range sets {
		names = append(names, set.Name)
	}
	return names
}

// setOf is an AdapterSet as a watch brings it.
func setOf(name, target string, created metav1.Time) *v1alpha1.AdapterSet {
	set := &v1alpha1.AdapterSet{ObjectMeta: metav1.ObjectMeta{Namespace: "storage", Name: name, UID: types.UID(name), CreationTimestamp: created}}
	set.Spec.TargetRef = v1alpha1.TargetRef{APIVersion: "apps/v1", Kind: workload.StatefulSet.Kind, Name: target}
	return set
}

// read reads an object as what is watched is read.
func read(t *testing.T, object workload.Object) *workload.Workload {
	t.Helper()
	w, err := workload.Read(object)
	if err != nil {
		t.Fatal(err)
	}
	return w
}
