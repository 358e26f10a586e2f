package apply_test

import (
	"slices"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/testenv"
)

// TestNoOp runs the controllers: reconciles without a change leave
// resourceVersion, generation, revisions, pods and watchers alone, and one with
// a change costs each pod one start.
func TestNoOp(t *testing.T) {
	t.Parallel()
	const passes = 20
	cp := testenv.WithControllers(t)
	namespace := cp.Namespace(t)
	cp.Manager(testenv.ArgoCD).In(namespace).MustApply(t, declared(workload.StatefulSet, static))
	cp.WaitRolledOut(t, "StatefulSet", namespace, dittofs)
	applier := newApplier(t, cp)
	target := workload.Target{Kind: workload.StatefulSet, Namespace: namespace, Name: dittofs}
	if starts := cp.PodStarts(namespace); starts != 1 {
		t.Fatalf("%d pod starts before the first reconcile", starts)
	}
	result, err := applier.Apply(t.Context(), target, apply.Desired{Adapters: []apply.Adapter{nfs, smb}})
	if err != nil || result.Outcome != apply.Applied {
		t.Fatalf("first reconcile: %s, %v", result.Outcome, err)
	}
	if result.Before.Restarts != 1 {
		t.Errorf("a change restarts %d pods, want 1", result.Before.Restarts)
	}
	before := cp.WaitRolledOut(t, "StatefulSet", namespace, dittofs)
	revisions := cp.Revisions(t, "StatefulSet", namespace, dittofs)
	if starts := cp.PodStarts(namespace); starts != 2 || len(revisions) != 2 {
		t.Fatalf("%d pod starts and revisions %v after one change", starts, revisions)
	}

	events := watched(t, cp, namespace, before.GetResourceVersion())
	for i := range passes {
		result, err := applier.Apply(t.Context(), target, apply.Desired{Adapters: []apply.Adapter{smb, nfs}})
		if err != nil || result.Outcome != apply.Unchanged || result.ResourceVersion != before.GetResourceVersion() {
			t.Fatalf("reconcile %d: %s at %s, %v", i, result.Outcome, result.ResourceVersion, err)
		}
	}
	// The next event is that of our own marker: there was none before it.
	marked, err := cp.Manager("testenv").Patch(t.Context(), "StatefulSet", namespace, dittofs, types.MergePatchType, []byte(`{"metadata":{"annotations":{"marker":"1"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	if first := <-events; first != marked.GetResourceVersion() {
		t.Errorf("an event of resourceVersion %s came before the marker's %s", first, marked.GetResourceVersion())
	}
	if marked.GetGeneration() != before.GetGeneration() {
		t.Errorf("generation %d, was %d", marked.GetGeneration(), before.GetGeneration())
	}
	if now := cp.Revisions(t, "StatefulSet", namespace, dittofs); !slices.Equal(now, revisions) {
		t.Errorf("revisions %v, were %v", now, revisions)
	}
	if starts := cp.PodStarts(namespace); starts != 2 {
		t.Errorf("%d pod starts, were 2", starts)
	}
}

// watched sends the resourceVersion of each event about the workload.
func watched(t *testing.T, cp *testenv.ControlPlane, namespace, since string) <-chan string {
	t.Helper()
	client, err := kubernetes.NewForConfig(cp.Config())
	if err != nil {
		t.Fatal(err)
	}
	watcher, err := client.AppsV1().StatefulSets(namespace).Watch(t.Context(), metav1.ListOptions{ResourceVersion: since})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(watcher.Stop)
	versions := make(chan string, 100)
	go func() {
		defer close(versions)
		for event := range watcher.ResultChan() {
			if object, ok := event.Object.(metav1.Object); ok && event.Type != watch.Bookmark {
				versions <- object.GetResourceVersion()
			}
		}
	}()
	return versions
}
