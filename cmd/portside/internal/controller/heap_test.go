package controller

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kubeapi "k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	appsclient "k8s.io/client-go/kubernetes/typed/apps/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/recorder"

	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/testenv"
)

// TestNothingIsKeptOfTargetsThatCameAndWent compares the heap, as it is once the
// first few targets came and went, with what it is after a thousand more. The few
// are for what is made once and stays: connections, pools, types. What may be
// more then is a library's: controller-runtime's queue has maps with room for as
// many targets as ever waited in it at once.
//
// The test is not parallel: it looks at the heap of the process. No controllers
// run, which would take longer than what is looked at.
func TestNothingIsKeptOfTargetsThatCameAndWent(t *testing.T) { //nolint:paralleltest // see above
	cp, err := testenv.Start(t.Context(), testenv.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cp.Stop(); err != nil {
			t.Error(err)
		}
	})
	s := startEventless(t, cp)
	s.comeAndGo(t, 50)
	before := heapInUse()
	s.comeAndGo(t, 1000)
	testenv.Eventually(t, "the heap to be at most a tenth more than before", func(context.Context) error {
		if after := heapInUse(); after > before+before/10 {
			return fmt.Errorf("it was %d bytes, and is %d", before, after)
		}
		return nil
	})
	runtime.KeepAlive(s)
}

func heapInUse() uint64 {
	runtime.GC()
	runtime.GC() // what the first one only let go of
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return s.HeapAlloc
}

// eventless is a manager whose events go nowhere: client-go remembers each for six
// minutes at least, to tell when it is one of a series.
type eventless struct{ manager.Manager }

func (eventless) GetEventRecorder(string) recorder.EventRecorder { return noEvents{} }

type noEvents struct{}

func (noEvents) Eventf(_, _ kubeapi.Object, _, _, _, _ string, _ ...any) {}

func (noEvents) AnnotatedEventf(_, _ kubeapi.Object, _ map[string]string, _, _, _, _ string, _ ...any) {
}

// crowd is a namespace of many workloads, and a service that tells no events.
type crowd struct {
	service   *Service
	git       *testenv.Manager
	workloads appsclient.StatefulSetInterface
	ns        string
}

func startEventless(t *testing.T, cp *testenv.ControlPlane) *crowd {
	t.Helper()
	if err := cp.InstallCRD(t.Context(), crd); err != nil {
		t.Fatal(err)
	}
	c := &crowd{ns: cp.Namespace(t)}
	c.git = cp.Manager("git").In(c.ns)
	c.workloads = kubernetes.NewForConfigOrDie(cp.Config()).AppsV1().StatefulSets(c.ns)
	options := Options{
		FieldManager: testenv.Portside, Namespace: c.ns, Concurrent: 10, MaxConcurrentRollouts: 10,
		Resync: 10 * time.Hour, Registry: prometheus.NewRegistry(),
	}
	mgr, err := NewManager(cp.Config(), ctrl.Options{HealthProbeBindAddress: "0", Metrics: metricsserver.Options{BindAddress: "0"}}, options)
	if err != nil {
		t.Fatal(err)
	}
	c.service, err = Add(eventless{mgr}, options)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background()) //nolint:usetesting // it is stopped before the test's own ends
	ended := make(chan error, 1)
	go func() { ended <- mgr.Start(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("the service ended: %v", err)
		}
	})
	return c
}

// comeAndGo is the life of so many targets: each is created, gets its port, and
// is deleted, first the AdapterSet of every other.
func (c *crowd) comeAndGo(t *testing.T, targets int) {
	t.Helper()
	each(t, targets, func(name string, _ bool) error { return c.create(t.Context(), name) })
	testenv.Eventually(t, fmt.Sprintf("%d workloads to have their ports", targets), func(ctx context.Context) error {
		for i := range targets {
			look, err := c.service.reconciler.cluster.Workload(ctx, workload.Target{Kind: workload.StatefulSet, Namespace: c.ns, Name: nameOf(i)})
			if err != nil || look == nil || len(look.Containers[0].Ports) < 2 {
				return fmt.Errorf("%s has none", nameOf(i))
			}
		}
		return nil
	})
	each(t, targets, func(name string, odd bool) error { return c.remove(t.Context(), name, odd) })
	testenv.Eventually(t, "the service to have given all of them up", func(context.Context) error {
		r := c.service.reconciler
		r.states.mu.Lock()
		defer r.states.mu.Unlock()
		for i := range targets {
			if r.watches.Left(workload.Target{Kind: workload.StatefulSet, Namespace: c.ns, Name: nameOf(i)}) {
				return fmt.Errorf("%s is still left", nameOf(i))
			}
		}
		if states := len(r.states.of); states > 0 {
			return fmt.Errorf("there is state of %d", states)
		}
		return nil
	})
}

// each calls for each of so many targets, ten at once.
func each(t *testing.T, targets int, do func(name string, odd bool) error) {
	t.Helper()
	var calls errgroup.Group
	calls.SetLimit(10)
	for i := range targets {
		calls.Go(func() error { return do(nameOf(i), i%2 > 0) })
	}
	if err := calls.Wait(); err != nil {
		t.Fatal(err)
	}
}

func nameOf(i int) string { return fmt.Sprintf("files-%d", i) }

// create makes a workload that no pods restart of, with the status of one whose
// controller keeps up, and its AdapterSet.
func (c *crowd) create(ctx context.Context, name string) error {
	if _, err := c.git.Create(ctx, fmt.Sprintf(`{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: %s}, spec: {
  replicas: 0, serviceName: files, selector: {matchLabels: {app: files}}, template: {metadata: {labels: {app: files}}, spec: {containers: [
  {name: server, image: example.com/files:1, ports: [{name: api, containerPort: 8080, protocol: TCP}]}]}}}}`, name)); err != nil {
		return err
	}
	status := []byte(`{"status": {"replicas": 0, "observedGeneration": 1000}}`)
	if _, err := c.workloads.Patch(ctx, name, types.MergePatchType, status, metav1.PatchOptions{}, "status"); err != nil {
		return err
	}
	_, err := c.git.Create(ctx, fmt.Sprintf(`{apiVersion: portside.dev/v1alpha1, kind: AdapterSet, metadata: {name: %[1]s}, spec: {
  targetRef: {apiVersion: apps/v1, kind: StatefulSet, name: %[1]s}, adapters: [{type: nfs, port: 12049}],
  rollout: {stabilizationWindowSeconds: 0, removalDelaySeconds: 0}}}`, name))
	return err
}

func (c *crowd) remove(ctx context.Context, name string, workloadFirst bool) error {
	order := []string{"AdapterSet", "StatefulSet"}
	if workloadFirst {
		slices.Reverse(order)
	}
	for _, kind := range order {
		if err := c.git.Delete(ctx, kind, c.ns, name); err != nil {
			return err
		}
	}
	return nil
}
