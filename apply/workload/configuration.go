package workload

import (
	applycorev1 "k8s.io/client-go/applyconfigurations/core/v1"
	applymetav1 "k8s.io/client-go/applyconfigurations/meta/v1"

	"github.com/portside-dev/portside/apply/port"
)

// Configuration is what one apply has of a workload. The uid makes the server refuse
// it for a workload that was deleted or recreated, instead of creating one.
type Configuration struct {
	Workload *Workload
	// Ports are the ports to apply, by the container that has them, or by "" those of a
	// Service. Without any, the configuration is metadata alone and gives up all that its manager owns.
	Ports map[string][]port.Port
	// AsRead requires the workload as it was read, by its resourceVersion: the
	// server refuses the apply with a conflict (409) once it has changed.
	AsRead bool
}

// Build returns the typed apply configuration.
func (c Configuration) Build(d *Definition) any {
	meta := applymetav1.ObjectMeta().WithName(c.Workload.Name).WithNamespace(c.Workload.Namespace).WithUID(c.Workload.UID)
	if c.AsRead {
		meta.WithResourceVersion(c.Workload.ResourceVersion)
	}
	if d.ConfigurePorts != nil {
		return d.ConfigurePorts(meta, c.Ports[""])
	}
	return d.Configure(meta, c.template())
}

// template returns the pod template of the containers and their ports, nil where there
// are none.
func (c Configuration) template() *applycorev1.PodTemplateSpecApplyConfiguration {
	if len(c.Ports) == 0 {
		return nil
	}
	pod := applycorev1.PodSpec()
	for _, live := range c.Workload.Containers { // the order of an applied list wins
		ports := c.Ports[live.Name]
		if len(ports) == 0 {
			continue
		}
		container := applycorev1.Container().WithName(live.Name)
		for _, p := range ports {
			configuration := applycorev1.ContainerPort().WithContainerPort(p.Number).WithProtocol(p.Protocol)
			if p.Name != "" {
				configuration.WithName(p.Name)
			}
			container.WithPorts(configuration)
		}
		pod.WithContainers(container)
	}
	return applycorev1.PodTemplateSpec().WithSpec(pod)
}
