package testenv

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// runningStatus returns the status that a kubelet reports for a pod whose
// containers all run, ready or not.
func runningStatus(pod *corev1.Pod, ip string, ready bool) corev1.PodStatus {
	now := metav1.Now()
	status := corev1.PodStatus{
		Phase:     corev1.PodRunning,
		StartTime: &now,
		PodIP:     ip,
		PodIPs:    []corev1.PodIP{{IP: ip}},
		QOSClass:  pod.Status.QOSClass,
	}
	for _, condition := range []corev1.PodConditionType{
		corev1.PodScheduled, corev1.PodInitialized, corev1.ContainersReady, corev1.PodReady,
	} {
		status.Conditions = append(status.Conditions, corev1.PodCondition{
			Type: condition, Status: corev1.ConditionTrue, LastTransitionTime: now,
		})
	}
	for _, container := range pod.Spec.Containers {
		started := true
		status.ContainerStatuses = append(status.ContainerStatuses, corev1.ContainerStatus{
			Name: container.Name, Image: container.Image, ImageID: container.Image, Ready: true, Started: &started,
			State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: now}},
		})
	}
	setReady(&status, ready)
	return status
}

// setReady makes a pod ready or not, and reports whether that is a change.
func setReady(status *corev1.PodStatus, ready bool) (changed bool) {
	want := corev1.ConditionFalse
	if ready {
		want = corev1.ConditionTrue
	}
	for i := range status.Conditions {
		condition := &status.Conditions[i]
		if condition.Type != corev1.ContainersReady && condition.Type != corev1.PodReady || condition.Status == want {
			continue
		}
		condition.Status, condition.LastTransitionTime = want, metav1.Now()
		changed = true
	}
	for i := range status.ContainerStatuses {
		status.ContainerStatuses[i].Ready = ready
	}
	return changed
}
