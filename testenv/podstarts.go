package testenv

import (
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// workload names what a pod belongs to, a Deployment rather than its ReplicaSet.
type workload struct{ kind, namespace, name string }

func (p *podPlayer) count(pod *corev1.Pod) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.started[pod.UID] = ownerOf(pod)
}

func (p *podPlayer) uncount(pod *corev1.Pod) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.started, pod.UID)
}

// ownerOf names the workload that a pod belongs to; a pod of its own is its own
// workload.
func ownerOf(pod *corev1.Pod) workload {
	owner := metav1.GetControllerOf(pod)
	if owner == nil {
		return workload{"Pod", pod.Namespace, pod.Name}
	}
	if owner.Kind == "ReplicaSet" {
		// The deployment controller names its ReplicaSets so.
		if name, cut := strings.CutSuffix(owner.Name, "-"+pod.Labels[appsv1.DefaultDeploymentUniqueLabelKey]); cut {
			return workload{"Deployment", pod.Namespace, name}
		}
	}
	return workload{owner.Kind, pod.Namespace, owner.Name}
}

// PodStarts counts the pods that have started in a namespace since the control
// plane started, those that are gone included. Without Options.Controllers it
// is 0: nothing starts pods.
func (cp *ControlPlane) PodStarts(namespace string) int {
	return cp.player.sum(func(w workload) bool { return w.namespace == namespace })
}

// WorkloadPodStarts counts as PodStarts does, for one workload.
func (cp *ControlPlane) WorkloadPodStarts(kind, namespace, name string) int {
	return cp.player.sum(func(w workload) bool { return w == workload{kind, namespace, name} })
}

func (p *podPlayer) sum(of func(workload) bool) (total int) {
	if p == nil {
		return 0
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, w := range p.started {
		if of(w) {
			total++
		}
	}
	return total
}
