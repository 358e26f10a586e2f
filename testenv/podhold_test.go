package testenv_test

import (
	"context"
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/fixture"
)

const changeTemplate = `{"spec":{"template":{"metadata":{"annotations":{"changed":"true"}}}}}`

func changed(pod *corev1.Pod) bool { return pod.Annotations["changed"] == "true" }

// twoPods applies a StatefulSet of two pods and waits for its rollout.
func twoPods(t *testing.T, cp *testenv.ControlPlane, ns string) *testenv.Manager {
	t.Helper()
	argo := cp.Manager(testenv.ArgoCD).In(ns)
	argo.MustApply(t, workload("StatefulSet", fixture.Spec("replicas: 2")))
	cp.WaitRolledOut(t, "StatefulSet", ns, dittofs)
	return argo
}

func TestHoldUnready_rollout(t *testing.T) {
	t.Parallel()
	cp := testenv.WithControllers(t)
	ns := cp.Namespace(t)
	argo := twoPods(t, cp, ns)

	release := cp.HoldUnready(ns, changed)
	patch(t, argo, "StatefulSet", ns, changeTemplate)
	testenv.Eventually(t, "the rollout to wait for a running pod", func(ctx context.Context) error {
		last, err := argo.Get(ctx, "Pod", ns, "dittofs-1")
		if err != nil {
			return err
		}
		if phase, _, _ := unstructured.NestedString(last.Object, "status", "phase"); phase != "Running" {
			return fmt.Errorf("the pod is %s", phase)
		}
		return counts(ctx, argo, ns, map[string]int64{"replicas": 2, "updatedReplicas": 1, "readyReplicas": 1})
	})
	if got := cp.PodStarts(ns); got != 3 {
		t.Errorf("%d pods have started, want 3, including the held one", got)
	}

	release()
	release()
	cp.WaitRolledOut(t, "StatefulSet", ns, dittofs)
	if got := cp.PodStarts(ns); got != 4 {
		t.Errorf("%d pods have started, want 4", got)
	}
}

func TestHoldUnready_running(t *testing.T) {
	t.Parallel()
	cp := testenv.WithControllers(t)
	ns, other := cp.Namespace(t), cp.Namespace(t)
	argo := twoPods(t, cp, ns)
	ready := func(ctx context.Context, n int64) error {
		return counts(ctx, argo, ns, map[string]int64{"readyReplicas": n})
	}

	releaseAll := cp.HoldUnready(ns, nil)
	twoPods(t, cp, other) // which become ready
	testenv.Eventually(t, "no pod to be ready", func(ctx context.Context) error { return ready(ctx, 0) })
	releaseFirst := cp.HoldUnready(ns, func(pod *corev1.Pod) bool { return pod.Name == "dittofs-0" })
	releaseAll()
	testenv.Eventually(t, "the released pod to be ready", func(ctx context.Context) error { return ready(ctx, 1) })
	releaseFirst()
	testenv.Eventually(t, "both pods to be ready", func(ctx context.Context) error { return ready(ctx, 2) })
	if got := cp.PodStarts(ns); got != 2 {
		t.Errorf("%d pods have started, want 2", got)
	}
}

// counts returns an error unless the status of the StatefulSet has these counts.
func counts(ctx context.Context, m *testenv.Manager, ns string, want map[string]int64) error {
	live, err := m.Get(ctx, "StatefulSet", ns, dittofs)
	if err != nil {
		return err
	}
	for field, n := range want {
		if got, _, _ := unstructured.NestedInt64(live.Object, "status", field); got != n {
			return fmt.Errorf("status.%s is %d, want %d", field, got, n)
		}
	}
	return nil
}
