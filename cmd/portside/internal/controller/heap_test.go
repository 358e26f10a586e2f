package controller

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"testing"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kubeapi "k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	appsclient "k8s.io/client-go/kubernetes/typed/apps/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/recorder"

	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/fixture"
	"github.com/portside-dev/portside/testenv/portside"
)

// TestHeapOfDeletedTargets compares the heap after a few targets were created and
// deleted with the heap after a thousand more. The few are for what is made once and
// stays: connections, pools, types. The tenth that the heap may grow is for maps of
// libraries: controller-runtime's queue keeps room for the most targets that ever
// waited in it at once.
//
// The test is not parallel, since it measures the whole process. No controllers run:
// they would take longer than what is measured.
func TestHeapOfDeletedTargets(t *testing.T) { //nolint:paralleltest // see above
	c := newCrowd(t)
	c.createAndDelete(t, 50)
	before := heapInUse()
	c.createAndDelete(t, 1000)
	testenv.Eventually(t, "the heap to be at most a tenth more than before", func(context.Context) error {
		if after := heapInUse(); after > before+before/10 {
			return fmt.Errorf("it was %d bytes, and is %d", before, after)
		}
		return nil
	})
	runtime.KeepAlive(c)
}

func heapInUse() uint64 {
	runtime.GC()
	runtime.GC() // frees what the first one finalized
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return s.HeapAlloc
}

// eventless is a manager that drops events: client-go remembers each for at least
// six minutes, to find series.
type eventless struct{ manager.Manager }

func (eventless) GetEventRecorder(string) recorder.EventRecorder { return noEvents{} }

type noEvents struct{}

func (noEvents) Eventf(_, _ kubeapi.Object, _, _, _, _ string, _ ...any) {}

func (noEvents) AnnotatedEventf(_, _ kubeapi.Object, _ map[string]string, _, _, _, _ string, _ ...any) {
}

// crowd is a scene of many workloads, whose service sends no events.
type crowd struct {
	*scene
	workloads appsclient.StatefulSetInterface
}

func newCrowd(t *testing.T) *crowd {
	t.Helper()
	cp := testenv.Own(t, testenv.Options{})
	portside.InstallCRD(t, cp)
	ns := cp.Namespace(t)
	options := optionsFor(ns)
	options.Concurrent = 10
	service := run(t, cp.Config(), ctrl.Options{}, options, func(m ctrl.Manager) ctrl.Manager { return eventless{m} })
	return &crowd{
		&scene{service: service, cp: cp, ns: ns, git: cp.Manager("git").In(ns)},
		kubernetes.NewForConfigOrDie(cp.Config()).AppsV1().StatefulSets(ns),
	}
}

// createAndDelete creates this many targets, waits for their ports and deletes the
// targets. Every other loses its AdapterSet first, the others their workload.
func (c *crowd) createAndDelete(t *testing.T, targets int) {
	t.Helper()
	each(t, targets, func(name string, _ bool) error { return c.create(t.Context(), name) })
	testenv.Eventually(t, fmt.Sprintf("%d workloads to have their ports", targets), func(ctx context.Context) error {
		for i := range targets {
			observed, err := c.reconciler.cluster.Workload(ctx, workload.Target{Kind: workload.StatefulSet, Namespace: c.ns, Name: nameOf(i)})
			if err != nil || observed == nil || len(observed.Containers[0].Ports) < 2 {
				return fmt.Errorf("%s has none", nameOf(i))
			}
		}
		return nil
	})
	each(t, targets, func(name string, odd bool) error { return c.remove(t.Context(), name, odd) })
	testenv.Eventually(t, "the service to have released all of them", func(context.Context) error {
		r := c.reconciler
		r.states.mu.Lock()
		defer r.states.mu.Unlock()
		for i := range targets {
			if r.watches.Left(workload.Target{Kind: workload.StatefulSet, Namespace: c.ns, Name: nameOf(i)}) != nil {
				return fmt.Errorf("%s is not released", nameOf(i))
			}
		}
		if states := len(r.states.of); states > 0 {
			return fmt.Errorf("there is state of %d", states)
		}
		return nil
	})
	c.sent.Reset() // the list of requests would grow
}

// each calls do for each target, ten at a time.
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

// create creates a workload without pods, with the status that its controller would
// write, and its AdapterSet.
func (c *crowd) create(ctx context.Context, name string) error {
	if _, err := c.git.Create(ctx, workloadOf("StatefulSet", name, fixture.Spec("replicas: 0"))); err != nil {
		return err
	}
	status := []byte(`{"status": {"replicas": 0, "observedGeneration": 1000}}`)
	if _, err := c.workloads.Patch(ctx, name, types.MergePatchType, status, metav1.PatchOptions{}, "status"); err != nil {
		return err
	}
	_, err := c.git.Create(ctx, adapterSetOf("StatefulSet", name, withNFS))
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
