package cache

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/go-logr/logr"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	ctrlcache "sigs.k8s.io/controller-runtime/pkg/cache"

	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/testenv"
)

func TestMain(m *testing.M) {
	ctrl.SetLogger(logr.Discard())
	testenv.Main(m, testenv.Options{})
}

const crd = "../../../../examples/chart/crds/portside.dev_adaptersets.yaml"

func installCRD(t *testing.T, cp *testenv.ControlPlane) {
	t.Helper()
	if err := cp.InstallCRD(t.Context(), crd); err != nil {
		t.Fatal(err)
	}
}

func newScheme(t *testing.T) *runtime.Scheme {
	t.Helper()
	known := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(known), v1alpha1.AddToScheme(known)); err != nil {
		t.Fatal(err)
	}
	return known
}

// start caches until the test ends. It does not wait for the lists.
func start(t *testing.T, config *rest.Config, o Options) *Cluster {
	t.Helper()
	options := o.ForManager()
	options.Scheme = newScheme(t)
	var err error
	if options.Mapper, err = NewMapper(nil, nil); err != nil {
		t.Fatal(err)
	}
	cached, err := ctrlcache.New(config, options)
	if err != nil {
		t.Fatal(err)
	}
	c, err := NewCluster(t.Context(), cached)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- cached.Start(ctx) }()
	t.Cleanup(sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the cache ended: %v", err)
		}
	}))
	return c
}

// synced is start that waits for the lists.
func synced(t *testing.T, config *rest.Config, o Options) *Cluster {
	t.Helper()
	c := start(t, config, o)
	until(t, "the lists", func(context.Context) bool { return c.Synced() })
	return c
}

func until(t *testing.T, what string, is func(ctx context.Context) bool) {
	t.Helper()
	testenv.Eventually(t, what, func(ctx context.Context) error {
		if !is(ctx) {
			return errors.New("not yet")
		}
		return nil
	})
}

// cachedWorkload returns a cached workload, nil where there is none.
func cachedWorkload(ctx context.Context, t *testing.T, c *Cluster, target workload.Target) *workload.Workload {
	t.Helper()
	w, err := c.Workload(ctx, target)
	if err != nil {
		t.Fatal(err)
	}
	return w
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

func workloadOf(kind workload.Kind, name string) string {
	return fmt.Sprintf(`
apiVersion: apps/v1
kind: %s
metadata: {name: %[2]s, labels: {app: %[2]s}, annotations: {example.com/notes: a long text}}
spec:
  selector: {matchLabels: {app: %[2]s}}
  template:
    metadata: {labels: {app: %[2]s}}
    spec:
      containers:
      - name: server
        image: example.com/files:1
        ports: [{name: api, containerPort: 8080, protocol: TCP}]
`, kind, name)
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

// namesOf returns the names of the cached AdapterSets of a target.
func namesOf(t *testing.T, c *Cluster, target workload.Target) []string {
	t.Helper()
	sets, err := c.AdapterSets(target)
	if err != nil {
		t.Fatal(err)
	}
	names := make([]string, 0, len(sets))
	for _, set := range sets {
		names = append(names, set.Name)
	}
	return names
}

func nameIn(ns, name string) metav1.ObjectMeta { return metav1.ObjectMeta{Namespace: ns, Name: name} }
