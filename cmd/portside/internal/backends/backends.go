// Package backends reports where the ports of a Service lead: to which container port, and
// in which ready pods. It is pure; the command reads the Service, its EndpointSlices and
// its pods.
//
// It knows these cases:
//
//  1. A ready pod has the port: an EndpointSlice lists the pod as ready, with the number.
//     The container is the one that declares that number; without such a declaration the
//     port leads there nevertheless.
//  2. Pods may have different numbers under one name, during a rollout.
//  3. A ready pod that the Service selects does not have the port: the target port is a
//     name that the pod does not declare, and Kubernetes leaves the pod out without an
//     error; or its endpoints are not updated yet.
//  4. No ready pod has the port.
//  5. Only one of EndpointSlices and pods could be read. Without pods the containers are not
//     known; without EndpointSlices the pods are those that the Service selects.
package backends

import (
	"cmp"
	"slices"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Backend is where a port of a Service leads in some of its pods.
type Backend struct {
	// Port is the port of the Service.
	Port corev1.ServicePort
	// Container and Name are those of the container port, empty where no container of
	// the pods declares it.
	Container string
	Name      string
	// Number is the port number in the pods; 0 where they do not have the port.
	Number int32
	// Pods are the ready pods, sorted, or in brackets the addresses of endpoints that are
	// no pods.
	Pods []string
}

// Read is what could be read of a Service's backends. What could not is nil.
type Read struct {
	Slices *discoveryv1.EndpointSliceList
	Pods   *corev1.PodList
}

// Of returns where each port of a Service leads, in the order of the ports. A port has
// several backends where its pods differ, and one without pods where no pod is ready.
func Of(service *corev1.Service, read Read) []Backend {
	var all []Backend
	for _, p := range service.Spec.Ports {
		f := found{port: p}
		var pods []corev1.Pod
		if read.Pods != nil {
			pods = read.Pods.Items
		}
		switch {
		case read.Slices != nil:
			f.fromSlices(read.Slices.Items, pods)
			f.without(pods)
		case read.Pods != nil:
			f.fromPods(pods)
		default:
			return nil
		}
		if len(f.backends) == 0 {
			f.backends = []Backend{{Port: p}}
		}
		all = append(all, f.backends...)
	}
	return all
}

// found are the backends of one port, and the pods that have one.
type found struct {
	port     corev1.ServicePort
	backends []Backend
	pods     []string
}

func (f *found) add(b Backend, pod string) {
	if slices.Contains(f.pods, pod) {
		return // a pod with addresses of both families is in two EndpointSlices
	}
	f.pods = append(f.pods, pod)
	b.Port = f.port
	at := slices.IndexFunc(f.backends, func(o Backend) bool {
		return o.Container == b.Container && o.Name == b.Name && o.Number == b.Number
	})
	if at < 0 {
		at = len(f.backends)
		f.backends = append(f.backends, b)
	}
	f.backends[at].Pods = append(f.backends[at].Pods, pod)
	slices.Sort(f.backends[at].Pods)
}

// fromSlices adds the ready endpoints.
func (f *found) fromSlices(all []discoveryv1.EndpointSlice, pods []corev1.Pod) {
	for i := range all {
		for _, p := range all[i].Ports {
			if p.Port == nil || deref(p.Name) != f.port.Name || protocolOf(deref(p.Protocol)) != protocolOf(f.port.Protocol) {
				continue
			}
			for _, e := range all[i].Endpoints {
				if e.Conditions.Ready != nil && !*e.Conditions.Ready {
					continue
				}
				f.add(f.inPod(*p.Port, e, pods))
			}
		}
	}
}

// inPod returns the backend of an endpoint, and the name of its pod.
func (f *found) inPod(number int32, e discoveryv1.Endpoint, pods []corev1.Pod) (Backend, string) {
	b := Backend{Number: number}
	if e.TargetRef == nil || e.TargetRef.Kind != "Pod" {
		return b, "[" + e.Addresses[0] + "]"
	}
	at := slices.IndexFunc(pods, func(p corev1.Pod) bool { return p.Name == e.TargetRef.Name })
	if at >= 0 {
		b.Container, b.Name = declared(&pods[at], func(p corev1.ContainerPort) bool { return p.ContainerPort == number }, f.port.Protocol)
	}
	return b, e.TargetRef.Name
}

// without adds the ready pods that no EndpointSlice lists for this port.
func (f *found) without(pods []corev1.Pod) {
	for i := range pods {
		if Ready(&pods[i]) {
			f.add(Backend{}, pods[i].Name)
		}
	}
}

// fromPods adds the ready pods that the Service selects, as the EndpointSlice controller
// resolves the target port in each.
func (f *found) fromPods(pods []corev1.Pod) {
	for i := range pods {
		p := &pods[i]
		if !Ready(p) {
			continue
		}
		b := Backend{Number: f.port.TargetPort.IntVal}
		if f.port.TargetPort.Type == intstr.String {
			b.Number = numberOf(p, f.port)
		} else if b.Number == 0 {
			b.Number = f.port.Port
		}
		if b.Number != 0 {
			b.Container, b.Name = declared(p, func(c corev1.ContainerPort) bool { return c.ContainerPort == b.Number }, f.port.Protocol)
		}
		f.add(b, p.Name)
	}
}

// numberOf returns the number that a pod declares under the name of a target port, or 0.
func numberOf(pod *corev1.Pod, port corev1.ServicePort) (number int32) {
	declared(pod, func(p corev1.ContainerPort) bool {
		if p.Name != port.TargetPort.StrVal || protocolOf(p.Protocol) != protocolOf(port.Protocol) {
			return false
		}
		number = p.ContainerPort
		return true
	}, port.Protocol)
	return number
}

// declared returns the container of a pod that declares a port, and the port's name.
func declared(pod *corev1.Pod, is func(corev1.ContainerPort) bool, protocol corev1.Protocol) (container, name string) {
	for _, c := range slices.Concat(pod.Spec.Containers, pod.Spec.InitContainers) {
		for _, p := range c.Ports {
			if protocolOf(p.Protocol) == protocolOf(protocol) && is(p) {
				return c.Name, p.Name
			}
		}
	}
	return "", ""
}

// Ready reports whether a pod is ready and not being deleted.
func Ready(pod *corev1.Pod) bool {
	return pod.DeletionTimestamp == nil && slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}

func protocolOf(p corev1.Protocol) corev1.Protocol { return cmp.Or(p, corev1.ProtocolTCP) }

func deref[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}
