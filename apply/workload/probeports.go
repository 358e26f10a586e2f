package workload

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// probePorts returns the names of ports that a container's probes and lifecycle
// handlers refer to, sorted, each once. The kubelet finds a name among the
// container's own ports: a readiness probe of a port that is not declared fails.
func probePorts(c *corev1.Container) []string {
	var names []string
	add := func(port intstr.IntOrString) {
		if port.Type == intstr.String && port.StrVal != "" {
			names = append(names, port.StrVal)
		}
	}
	handler := func(get *corev1.HTTPGetAction, socket *corev1.TCPSocketAction) {
		if get != nil {
			add(get.Port)
		}
		if socket != nil {
			add(socket.Port)
		}
	}
	for _, probe := range []*corev1.Probe{c.LivenessProbe, c.ReadinessProbe, c.StartupProbe} {
		if probe != nil {
			handler(probe.HTTPGet, probe.TCPSocket)
		}
	}
	if c.Lifecycle != nil {
		for _, h := range []*corev1.LifecycleHandler{c.Lifecycle.PostStart, c.Lifecycle.PreStop} {
			if h != nil {
				handler(h.HTTPGet, h.TCPSocket)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
