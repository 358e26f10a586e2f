package testenv

import (
	"context"
	"fmt"
	"sync"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// podHold keeps pods of a namespace unready.
type podHold struct {
	namespace string
	holds     func(*corev1.Pod) bool
}

// HoldUnready keeps the pods of a namespace unready for which holds says true,
// all of them where it is nil, until release: those that start run without ever
// being ready, so a rollout hangs on them, and those that are ready become
// unready. With several holds on a pod it is ready when the last is released.
//
// holds is called whenever a pod of the namespace changes, also concurrently,
// and must not change the pod. It is asked again of a pod that runs only when
// that pod changes, or a hold begins or ends.
//
// It panics without Options.Controllers: nothing plays pods then.
func (cp *ControlPlane) HoldUnready(namespace string, holds func(pod *corev1.Pod) bool) (release func()) {
	cp.mustPlay("HoldUnready")
	if holds == nil {
		holds = func(*corev1.Pod) bool { return true }
	}
	return cp.player.hold(&podHold{namespace, holds})
}

func (cp *ControlPlane) mustPlay(what string) {
	if cp.player == nil {
		panic(fmt.Sprintf("testenv: %s needs a control plane with Options.Controllers: nothing plays pods in this one", what))
	}
}

func (p *podPlayer) hold(h *podHold) (release func()) {
	p.mu.Lock()
	p.holds[h] = struct{}{}
	p.mu.Unlock()
	p.lookAgain(h.namespace)
	return sync.OnceFunc(func() {
		p.mu.Lock()
		delete(p.holds, h)
		p.mu.Unlock()
		p.lookAgain(h.namespace)
	})
}

// lookAgain plays every pod of a namespace once more. A pod that the cache does
// not have yet comes by itself.
func (p *podPlayer) lookAgain(namespace string) {
	pods, _ := p.pods.Pods(namespace).List(labels.Everything()) // reading the cache does not fail
	for _, pod := range pods {
		p.enqueue(pod)
	}
}

func (p *podPlayer) mayBeReady(pod *corev1.Pod) bool {
	p.mu.Lock()
	var ours []*podHold
	for h := range p.holds {
		if h.namespace == pod.Namespace {
			ours = append(ours, h)
		}
	}
	p.mu.Unlock() // a hold may ask anything, also of the player
	for _, h := range ours {
		if h.holds(pod) {
			return false
		}
	}
	return true
}

// setReadiness makes a pod that runs as ready as the holds let it be.
func (p *podPlayer) setReadiness(ctx context.Context, pod *corev1.Pod) error {
	changed := pod.DeepCopy()
	if !setReady(&changed.Status, p.mayBeReady(pod)) {
		return nil
	}
	_, err := p.client.CoreV1().Pods(pod.Namespace).UpdateStatus(ctx, changed, metav1.UpdateOptions{})
	return err
}
