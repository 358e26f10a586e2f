package testenv

import (
	"context"
	"fmt"
	"slices"
	"sync"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// podHold keeps pods of a namespace unready.
type podHold struct {
	namespace string
	matches   func(*corev1.Pod) bool
}

// HoldUnready keeps the pods of a namespace unready for which matches returns true,
// all pods if it is nil, until release. Pods that start run without getting ready,
// so that a rollout waits for them, and ready pods become unready. A pod with
// several holds is ready once the last is released.
//
// matches is called concurrently whenever a pod of the namespace changes or a hold
// begins or ends, and must not change the pod.
//
// It panics without Options.Controllers, since no pod runs then.
func (cp *ControlPlane) HoldUnready(namespace string, matches func(pod *corev1.Pod) bool) (release func()) {
	cp.mustRunPods("HoldUnready")
	if matches == nil {
		matches = func(*corev1.Pod) bool { return true }
	}
	return cp.kubelet.hold(cp.kubelet.holds, &podHold{namespace, matches})
}

// HoldEnding keeps the deleted pods of a namespace running until release, as pods do
// that take time to end.
//
// It panics without Options.Controllers, since no pod runs then.
func (cp *ControlPlane) HoldEnding(namespace string) (release func()) {
	cp.mustRunPods("HoldEnding")
	return cp.kubelet.hold(cp.kubelet.ending, &podHold{namespace, func(*corev1.Pod) bool { return true }})
}

func (cp *ControlPlane) mustRunPods(what string) {
	if cp.kubelet == nil {
		panic(fmt.Sprintf("testenv: %s needs a control plane with Options.Controllers, in which pods run", what))
	}
}

func (k *fakeKubelet) hold(holds map[*podHold]struct{}, h *podHold) (release func()) {
	k.mu.Lock()
	holds[h] = struct{}{}
	k.mu.Unlock()
	k.enqueueAll(h.namespace)
	return sync.OnceFunc(func() {
		k.mu.Lock()
		delete(holds, h)
		k.mu.Unlock()
		k.enqueueAll(h.namespace)
	})
}

// enqueueAll enqueues every pod of a namespace. A pod that the cache does not have
// yet is enqueued when it comes.
func (k *fakeKubelet) enqueueAll(namespace string) {
	pods, _ := k.pods.Pods(namespace).List(labels.Everything()) // reading the cache does not fail
	for _, pod := range pods {
		k.enqueue(pod)
	}
}

func (k *fakeKubelet) mayBeReady(pod *corev1.Pod) bool { return !k.isHeld(k.holds, pod) }

func (k *fakeKubelet) isHeld(all map[*podHold]struct{}, pod *corev1.Pod) bool {
	k.mu.Lock()
	var holds []*podHold
	for h := range all {
		if h.namespace == pod.Namespace {
			holds = append(holds, h)
		}
	}
	k.mu.Unlock() // matches may call the control plane
	return slices.ContainsFunc(holds, func(h *podHold) bool { return h.matches(pod) })
}

// setReadiness sets whether a running pod is ready, by the holds.
func (k *fakeKubelet) setReadiness(ctx context.Context, pod *corev1.Pod) error {
	changed := pod.DeepCopy()
	if !setReady(&changed.Status, k.mayBeReady(pod)) {
		return nil
	}
	_, err := k.client.CoreV1().Pods(pod.Namespace).UpdateStatus(ctx, changed, metav1.UpdateOptions{})
	return err
}
