package controller

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kubeapi "k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	clocktesting "k8s.io/utils/clock/testing"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/recorder"

	"github.com/portside-dev/portside/testenv"
)

// TestNothingIsKeptOfTargetsThatCameAndWent is not parallel: it looks at the
// heap of the process.
func TestNothingIsKeptOfTargetsThatCameAndWent(t *testing.T) {
	const targets = 1000
	cp := testenv.WithControllers(t)
	ns := cp.Namespace(t)
	clock := clocktesting.NewFakeClock(time.Now())
	service := startEventless(t, cp, ns, clock)
	client := kubernetes.NewForConfigOrDie(cp.Config())
	git := cp.Manager("git").In(ns)
	// What is made once, and stays: connections, pools, types.
	comeAndGo(t, client, git, ns, service, clock, 50)
	before := heap()
	comeAndGo(t, client, git, ns, service, clock, targets)
	// An alarm is set for the next full pass of each, and outlives it till then.
	clock.Step(24 * time.Hour)
	testenv.Eventually(t, "the heap to be at most a tenth more than before", func(context.Context) error {
		if after := heap(); after > before+before/10 {
			return fmt.Errorf("it was %d bytes, and is %d", before, after)
		}
		return nil
	})
	runtime.KeepAlive(service)
}

func heap() uint64 {
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

// startEventless is start without events, and gives the service itself.
func startEventless(t *testing.T, cp *testenv.ControlPlane, ns string, clock *clocktesting.FakeClock) *Service {
	t.Helper()
	if err := cp.InstallCRD(t.Context(), crd); err != nil {
		t.Fatal(err)
	}
	scheme, err := NewScheme()
	if err != nil {
		t.Fatal(err)
	}
	mgr, err := ctrl.NewManager(cp.Config(), ctrl.Options{
		Scheme: scheme, HealthProbeBindAddress: "0", Metrics: metricsserver.Options{BindAddress: "0"},
	})
	if err != nil {
		t.Fatal(err)
	}
	service, err := Add(eventless{mgr}, Options{
		FieldManager: testenv.Portside, Namespace: ns, Concurrent: 10, MaxConcurrentRollouts: 10,
		FullPass: 10 * time.Hour, Registry: prometheus.NewRegistry(), Clock: clock,
	})
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
	return service
}

// comeAndGo is the life of so many targets: each is created, gets its port, and
// is deleted, first the AdapterSet of every other.
func comeAndGo(t *testing.T, client kubernetes.Interface, git *testenv.Manager, ns string, service *Service, clock *clocktesting.FakeClock, targets int) {
	t.Helper()
	each := func(do func(name string, odd bool) error) {
		t.Helper()
		var calls errgroup.Group
		calls.SetLimit(10)
		for i := range targets {
			calls.Go(func() error { return do(fmt.Sprintf("files-%d", i), i%2 > 0) })
		}
		if err := calls.Wait(); err != nil {
			t.Fatal(err)
		}
	}
	each(func(name string, _ bool) error {
		if _, err := git.Create(t.Context(), numbered(name)); err != nil {
			return err
		}
		_, err := git.Create(t.Context(), numberedSet(name))
		return err
	})
	testenv.Eventually(t, fmt.Sprintf("%d workloads to have their ports", targets), func(ctx context.Context) error {
		clock.Step(time.Second) // for what the server did not take at first
		list, err := client.AppsV1().StatefulSets(ns).List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		without := 0
		for i := range list.Items {
			if len(list.Items[i].Spec.Template.Spec.Containers[0].Ports) < 2 {
				without++
			}
		}
		if without > 0 {
			return fmt.Errorf("%d have none", without)
		}
		return nil
	})
	each(func(name string, odd bool) error {
		order := []string{"AdapterSet", "StatefulSet"}
		if odd {
			order = []string{"StatefulSet", "AdapterSet"}
		}
		for _, kind := range order {
			if err := git.Delete(t.Context(), kind, ns, name); err != nil {
				return err
			}
		}
		return nil
	})
	testenv.Eventually(t, "the service to have given all of them up", func(context.Context) error {
		clock.Step(time.Second)
		if left := service.mirror.Targets(); len(left) > 0 {
			return fmt.Errorf("there are still %d", len(left))
		}
		return nil
	})
}

// numbered is a workload that no pods restart of.
func numbered(name string) string {
	return fmt.Sprintf(`{apiVersion: %s, kind: StatefulSet, metadata: {name: %[2]s}, spec: {replicas: 0, serviceName: files,
  selector: {matchLabels: {app: files}}, template: {metadata: {labels: {app: files}}, spec: {containers: [
  {name: server, image: example.com/files:1, ports: [{name: api, containerPort: 8080, protocol: TCP}]}]}}}}`, appsv1.SchemeGroupVersion, name)
}

func numberedSet(name string) string {
	return fmt.Sprintf(`{apiVersion: portside.dev/v1alpha1, kind: AdapterSet, metadata: {name: %[1]s}, spec: {
  targetRef: {apiVersion: apps/v1, kind: StatefulSet, name: %[1]s}, adapters: [{type: nfs, port: 12049}],
  rollout: {settleSeconds: 0, removalDelaySeconds: 0}}}`, name)
}
