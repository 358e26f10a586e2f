package cache

import (
	"cmp"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/apply/workload"
)

// trimAdapterSet drops metadata that is not read here. Annotations may hold a copy
// of the whole object, and managedFields are its longest part.
func trimAdapterSet(object any) (any, error) {
	set, ok := object.(*v1alpha1.AdapterSet)
	if !ok {
		return nil, fmt.Errorf("%T is not an AdapterSet", object)
	}
	trimmed := &v1alpha1.AdapterSet{
		ObjectMeta: metav1.ObjectMeta{
			Namespace:         set.Namespace,
			Name:              set.Name,
			UID:               set.UID,
			ResourceVersion:   set.ResourceVersion,
			Generation:        set.Generation,
			CreationTimestamp: set.CreationTimestamp,
			DeletionTimestamp: set.DeletionTimestamp,
			Finalizers:        set.Finalizers,
			Annotations:       trimmedAnnotations(set.Annotations),
		},
		Spec: set.Spec, Status: set.Status,
	}
	return trimmed.DeepCopy(), nil // a copy has lists without spare capacity
}

// maxRequestedAt is how many bytes of [v1alpha1.RequestedAtAnnotation] are kept.
const maxRequestedAt = 64

// trimmedAnnotations returns the one annotation that portside reads, nil without it.
func trimmedAnnotations(annotations map[string]string) map[string]string {
	at, requested := annotations[v1alpha1.RequestedAtAnnotation]
	if !requested {
		return nil
	}
	return map[string]string{v1alpha1.RequestedAtAnnotation: strings.Clone(at[:min(len(at), maxRequestedAt)])}
}

// object is what the cache keeps of a workload: the fields that decisions depend on, and
// the metadata that informers need. It takes less than half the memory of the API's type
// with only these fields.
type object struct {
	metav1.TypeMeta
	metav1.ObjectMeta
	workload *workload.Workload
}

// DeepCopyObject makes it a [client.Object]. The workload is never changed.
func (o *object) DeepCopyObject() runtime.Object {
	c := *o
	return &c
}

// trimWorkload returns the object for one of the API's types.
func (o Options) trimWorkload(from any) (any, error) {
	switch from := from.(type) {
	case *object:
		return from, nil
	case workload.Object:
		w, err := workload.ReadTrimmed(from, cmp.Or(o.FieldManager, apply.DefaultFieldManager))
		if err != nil {
			return nil, err
		}
		return &object{
			ObjectMeta: metav1.ObjectMeta{Namespace: w.Namespace, Name: w.Name, UID: w.UID, ResourceVersion: w.ResourceVersion},
			workload:   w,
		}, nil
	}
	return nil, fmt.Errorf("%T is not a workload", from)
}

// trimPod keeps what discovery needs: the controller, the labels, the address, how
// ready the pod is, and the ports that have a name. A pod that no workload can
// control keeps its name alone.
func trimPod(object any) (any, error) {
	pod, ok := object.(*corev1.Pod)
	if !ok {
		return nil, fmt.Errorf("%T is not a pod", object)
	}
	trimmed := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: pod.Namespace, Name: pod.Name, ResourceVersion: pod.ResourceVersion}}
	controller := metav1.GetControllerOf(pod)
	if controller == nil {
		return trimmed, nil
	}
	trimmed.Labels, trimmed.DeletionTimestamp = pod.Labels, pod.DeletionTimestamp
	trimmed.OwnerReferences = []metav1.OwnerReference{*controller}
	trimmed.Status.PodIP, trimmed.Status.Phase = pod.Status.PodIP, pod.Status.Phase
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReady {
			trimmed.Status.Conditions = []corev1.PodCondition{{Type: c.Type, Status: c.Status}}
		}
	}
	for i := range pod.Spec.Containers {
		trimmed.Spec.Containers = append(trimmed.Spec.Containers, corev1.Container{Name: pod.Spec.Containers[i].Name, Ports: namedPorts(&pod.Spec.Containers[i])})
	}
	return trimmed, nil
}

// namedPorts returns the ports of a container that have a name.
func namedPorts(c *corev1.Container) []corev1.ContainerPort {
	var named []corev1.ContainerPort
	for _, p := range c.Ports {
		if p.Name != "" {
			named = append(named, corev1.ContainerPort{Name: p.Name, ContainerPort: p.ContainerPort, Protocol: p.Protocol})
		}
	}
	return named
}
