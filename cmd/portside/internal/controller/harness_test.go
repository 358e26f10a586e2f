package controller

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/portside-dev/portside/cmd/portside/internal/discovery"
	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/fixture"
)

func TestMain(m *testing.M) {
	ctrl.SetLogger(logr.Discard())
	testenv.Main(m, testenv.Options{Controllers: true})
}

// service is a Service that runs in a manager of its own.
type service struct {
	*Service
	sent testenv.Requests
	stop func() // stops the service and waits for its end
}

// optionsFor returns the options of a service for one namespace.
func optionsFor(namespace string) Options {
	return Options{
		FieldManager: testenv.Portside, Namespace: namespace, Concurrent: 2, MaxConcurrentRollouts: 10,
		Resync: 10 * time.Hour, AllowLoopback: true, Registry: prometheus.NewRegistry(),
	}
}

// run runs a service as a user until the test ends, and counts its requests. The
// service sees the manager through wrap.
func run(t *testing.T, user *rest.Config, manager ctrl.Options, o Options, wrap func(ctrl.Manager) ctrl.Manager) *service {
	t.Helper()
	s := &service{}
	manager.HealthProbeBindAddress, manager.Metrics = "0", metricsserver.Options{BindAddress: "0"}
	mgr, err := NewManager(s.sent.Wrap(user), manager, o)
	if err != nil {
		t.Fatal(err)
	}
	if s.Service, err = Add(wrap(mgr), o); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background()) //nolint:usetesting // it is stopped before the test's own ends
	ended := make(chan error, 1)
	go func() { ended <- mgr.Start(ctx) }()
	s.stop = sync.OnceFunc(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("the service ended: %v", err)
		}
	})
	t.Cleanup(s.stop)
	return s
}

// RunWithSource runs a service with a further kind of source until the test ends.
func RunWithSource(t *testing.T, user *rest.Config, namespace string, kind discovery.Kind) {
	t.Helper()
	options := optionsFor(namespace)
	options.Sources = discovery.Sources{kind}
	run(t, user, ctrl.Options{}, options, asIs)
}

func asIs(m ctrl.Manager) ctrl.Manager { return m }

// The ports of the workloads, in the order that they are added.
var (
	static  = []string{"api:8080/TCP"}
	nfs     = append(slices.Clone(static), "adapter-nfs:12049/TCP")
	nfsSMB  = append(slices.Clone(static), "adapter-smb:1445/TCP", "adapter-nfs:12049/TCP")
	nfsSMB2 = append(slices.Clone(nfs), "adapter-smb:1445/TCP") // smb came later
)

// Parts of workloads and AdapterSets.
var (
	onDelete   = fixture.Spec("updateStrategy: {type: OnDelete}")
	noAdapters = fixture.Adapters()
	withNFS    = fixture.Adapters("nfs:12049")
	withNFSSMB = fixture.Adapters("nfs:12049", "smb:1445")
	suspended  = fixture.Spec("suspend: true")
	removes    = fixture.Spec("deletionPolicy: Remove")
	// discovered asks a dittofs.Server every 5 seconds.
	discovered = both(
		fixture.Discovery("port: api, scheme: HTTP, path: /api/v1/adapters, intervalSeconds: 5, timeoutSeconds: 4"),
		fixture.Rollout(0, 300))
)

func both(first, second fixture.Option) fixture.Option {
	return func(object map[string]any) { first(object); second(object) }
}

// statefulSet returns the StatefulSet files, with one pod.
func statefulSet(options ...fixture.Option) *unstructured.Unstructured {
	return workloadOf("StatefulSet", "files", options...)
}

// workloadOf returns a workload with the static port in its container.
func workloadOf(kind, name string, options ...fixture.Option) *unstructured.Unstructured {
	return workloadWith(kind, name, static, options...)
}

// workloadWith returns a workload with these ports in its container.
func workloadWith(kind, name string, ports []string, options ...fixture.Option) *unstructured.Unstructured {
	all := []fixture.Option{fixture.Container("server", ports...)}
	if kind != "DaemonSet" {
		all = append(all, fixture.Spec("replicas: 1"))
	}
	return fixture.Workload(kind, name, append(all, options...)...)
}

// adapterSet returns the AdapterSet files of the StatefulSet files. Changes go out
// at once.
func adapterSet(options ...fixture.Option) *unstructured.Unstructured {
	return adapterSetOf("StatefulSet", "files", options...)
}

// adapterSetOf returns the AdapterSet of a workload, with the workload's name.
func adapterSetOf(kind, name string, options ...fixture.Option) *unstructured.Unstructured {
	return fixture.AdapterSet(name, append([]fixture.Option{fixture.Target(kind, name), fixture.Rollout(0, 0)}, options...)...)
}

// renamed gives an AdapterSet another name than its target has.
func renamed(name string) fixture.Option { return fixture.Metadata("name: " + name) }
