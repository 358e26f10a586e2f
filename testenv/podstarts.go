package testenv

import (
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// workload is the workload of a pod: a Deployment rather than its ReplicaSet.
type workload struct{ kind, namespace, name string }

func (k *fakeKubelet) count(pod *corev1.Pod) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.started[pod.UID] = ownerOf(pod)
}

func (k *fakeKubelet) uncount(pod *corev1.Pod) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.started, pod.UID)
}

// ownerOf returns the workload of a pod. A pod without a controller is its own
// workload.
func ownerOf(pod *corev1.Pod) workload {
	owner := metav1.GetControllerOf(pod)
	if owner == nil {
		return workload{"Pod", pod.Namespace, pod.Name}
	}
	if owner.Kind == "ReplicaSet" {
		// The deployment controller makes the names of its ReplicaSets this way.
		if name, cut := strings.CutSuffix(owner.Name, "-"+pod.Labels[appsv1.DefaultDeploymentUniqueLabelKey]); cut {
			return workload{"Deployment", pod.Namespace, name}
		}
	}
	return workload{owner.Kind, pod.Namespace, owner.Name}
}

// PodStarts returns the number of pods that have started in a namespace since the
// control plane started, also of deleted pods. It is 0 without
// Options.Controllers, since no pod runs then.
func (cp *ControlPlane) PodStarts(namespace string) int {
	return cp.kubelet.sum(func(w workload) bool { return w.namespace == namespace })
}

// WorkloadPodStarts is PodStarts for one workload.
func (cp *ControlPlane) WorkloadPodStarts(kind, namespace, name string) int {
	return cp.kubelet.sum(func(w workload) bool { return w == workload{kind, namespace, name} })
}

func (k *fakeKubelet) sum(matches func(workload) bool) (total int) {
	if k == nil {
		return 0
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, w := range k.started {
		if matches(w) {
			total++
		}
	}
	return total
}
