package cache

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/go-logr/logr"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	ctrlcache "sigs.k8s.io/controller-runtime/pkg/cache"

	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/fixture"
)

func TestMain(m *testing.M) {
	ctrl.SetLogger(logr.Discard())
	testenv.Main(m, testenv.Options{})
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
	c, err := NewCluster(t.Context(), cached, o)
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

// notes is an annotation that the cache drops.
var notes = fixture.Metadata("annotations: {example.com/notes: a long text}")

func workloadOf(kind, name string) *unstructured.Unstructured {
	return fixture.Workload(kind, name, fixture.Container("server", "api:8080/TCP"), fixture.Metadata("labels: {app: "+name+"}"), notes)
}

func adapterSet(name, target string, options ...fixture.Option) *unstructured.Unstructured {
	return fixture.AdapterSet(name, append(options, fixture.Target("StatefulSet", target), fixture.Adapters("nfs:12049"), fixture.Metadata("labels: {team: files}"), notes)...)
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
