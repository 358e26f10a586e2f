package mirror

import (
	"context"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/portside-dev/portside/apply/workload"
)

// Pods returns the pods that a workload controls and, for a Deployment, all pods
// of its namespace that a ReplicaSet controls. The first call has pods watched, and
// waits for them until ctx ends. It is part of discovery.Cache.
func (m *Mirror) Pods(ctx context.Context, t workload.Target, uid types.UID) ([]*corev1.Pod, error) {
	m.WatchPods()
	select {
	case <-m.PodsSynced():
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	d, err := workload.Define(t.Kind)
	if err != nil {
		return nil, err
	}
	controllers := []Controller{{Kind: t.Kind, APIVersion: d.APIVersion(), Name: t.Name, UID: uid}}
	if d.PodController == workload.ReplicaSet {
		controllers = m.ReplicaSets(t.Namespace)
	}
	var pods []*corev1.Pod
	for _, c := range controllers {
		for _, pod := range m.PodsOf(t.Namespace, c) {
			pods = append(pods, pod.object(t.Namespace))
		}
	}
	return pods, nil
}

// object returns the pod as the API server has it, as far as it is kept.
func (p *Pod) object(namespace string) *corev1.Pod {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{
		Namespace: namespace, Name: p.Name, Labels: map[string]string{},
		OwnerReferences: []metav1.OwnerReference{{
			APIVersion: p.Controller.APIVersion, Kind: p.Controller.Kind.Kind, Name: p.Controller.Name, UID: p.Controller.UID, Controller: new(true),
		}},
	}}
	for pair := range strings.SplitSeq(string(p.Labels), ",") {
		if key, value, ok := strings.Cut(pair, "="); ok {
			pod.Labels[key] = value
		}
	}
	pod.Status.PodIP = p.Address
	if p.Running {
		pod.Status.Phase = corev1.PodRunning
	}
	if p.Ready {
		pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
	}
	for _, port := range p.Ports {
		pod.Spec.Containers = append(pod.Spec.Containers, corev1.Container{
			Name: port.Container, Ports: []corev1.ContainerPort{{Name: port.Name, ContainerPort: port.Number, Protocol: corev1.ProtocolTCP}},
		})
	}
	return pod
}
