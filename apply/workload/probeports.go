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
	for _, probe := range []*corev1.Probe{c.LivenessProbe, c.ReadinessProbe, c.StartupProbe} {
		names = append(names, ofProbe(probe)...)
	}
	names = append(names, ofLifecycle(c.Lifecycle)...)
	slices.Sort(names)
	return slices.Compact(names)
}

func ofProbe(p *corev1.Probe) []string {
	if p == nil {
		return nil
	}
	return ofActions(p.HTTPGet, p.TCPSocket)
}

func ofLifecycle(l *corev1.Lifecycle) []string {
	var names []string
	if l != nil && l.PostStart != nil {
		names = ofActions(l.PostStart.HTTPGet, l.PostStart.TCPSocket)
	}
	if l != nil && l.PreStop != nil {
		names = append(names, ofActions(l.PreStop.HTTPGet, l.PreStop.TCPSocket)...)
	}
	return names
}

func ofActions(get *corev1.HTTPGetAction, socket *corev1.TCPSocketAction) []string {
	var names []string
	add := func(port intstr.IntOrString) {
		if port.Type == intstr.String && port.StrVal != "" {
			names = append(names, port.StrVal)
		}
	}
	if get != nil {
		add(get.Port)
	}
	if socket != nil {
		add(socket.Port)
	}
	return names
}
