package cache

import (
	"fmt"
	"unique"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// podObject is what the cache keeps of a pod: what discovery needs. It takes a quarter of
// the memory of the API's type with only these fields.
type podObject struct {
	metav1.Object // noMetadata

	namespace, name, resourceVersion string
	// The following are only those of a pod that a workload may control.
	controller *metav1.OwnerReference
	labels     map[string]string
	deletion   *metav1.Time
	ip         string
	phase      corev1.PodPhase
	ready      corev1.ConditionStatus // empty without the condition
	containers []podContainer
}

// podContainer has the ports of a container that have a name.
type podContainer struct {
	name  string
	ports []podPort
}

type podPort struct {
	name     string
	number   int32
	protocol corev1.Protocol
}

// GetNamespace implements metav1.Object, as the following methods do.
func (p *podObject) GetNamespace() string { return p.namespace }

// GetName returns the name of the pod.
func (p *podObject) GetName() string { return p.name }

// GetResourceVersion returns the version of the pod.
func (p *podObject) GetResourceVersion() string { return p.resourceVersion }

// GetLabels returns the labels of the pod.
func (p *podObject) GetLabels() map[string]string { return p.labels }

// GetObjectKind makes it a [client.Object], as DeepCopyObject does.
func (p *podObject) GetObjectKind() schema.ObjectKind { return schema.EmptyObjectKind }

// DeepCopyObject returns a copy with the same parts, which are never changed.
func (p *podObject) DeepCopyObject() runtime.Object {
	c := *p
	return &c
}

// trimPod returns the podObject for a pod.
func trimPod(from any) (any, error) {
	switch from := from.(type) {
	case *podObject:
		return from, nil
	case *corev1.Pod:
		return newPodObject(from), nil
	}
	return nil, fmt.Errorf("%T is not a pod", from)
}

func newPodObject(pod *corev1.Pod) *podObject {
	p := &podObject{Object: noMetadata, namespace: shared(pod.Namespace), name: pod.Name, resourceVersion: pod.ResourceVersion}
	controller := metav1.GetControllerOf(pod)
	if controller == nil {
		return p
	}
	controller.APIVersion, controller.Kind = shared(controller.APIVersion), shared(controller.Kind)
	p.controller, p.labels, p.deletion = controller, pod.Labels, pod.DeletionTimestamp
	p.ip, p.phase = pod.Status.PodIP, shared(pod.Status.Phase)
	for i := range pod.Status.Conditions {
		if c := &pod.Status.Conditions[i]; c.Type == corev1.PodReady {
			p.ready = shared(c.Status)
		}
	}
	p.containers = make([]podContainer, len(pod.Spec.Containers))
	for i := range pod.Spec.Containers {
		c := &pod.Spec.Containers[i]
		p.containers[i].name = shared(c.Name)
		for _, one := range c.Ports {
			if one.Name != "" {
				p.containers[i].ports = append(p.containers[i].ports, podPort{shared(one.Name), one.ContainerPort, shared(one.Protocol)})
			}
		}
	}
	return p
}

// shared returns a text that many objects have the same, which is in memory once.
func shared[T ~string](text T) T { return unique.Make(text).Value() }

// pod returns the pod with what was kept.
func (p *podObject) pod() *corev1.Pod {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{
		Namespace: p.namespace, Name: p.name, ResourceVersion: p.resourceVersion, Labels: p.labels, DeletionTimestamp: p.deletion,
	}}
	if p.controller == nil {
		return pod
	}
	pod.OwnerReferences = []metav1.OwnerReference{*p.controller}
	pod.Status.PodIP, pod.Status.Phase = p.ip, p.phase
	if p.ready != "" {
		pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: p.ready}}
	}
	pod.Spec.Containers = make([]corev1.Container, len(p.containers))
	for i, c := range p.containers {
		pod.Spec.Containers[i].Name = c.name
		for _, one := range c.ports {
			pod.Spec.Containers[i].Ports = append(pod.Spec.Containers[i].Ports, corev1.ContainerPort{Name: one.name, ContainerPort: one.number, Protocol: one.protocol})
		}
	}
	return pod
}
