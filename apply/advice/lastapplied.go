package advice

import (
	"cmp"
	"encoding/json"

	corev1 "k8s.io/api/core/v1"

	"github.com/portside-dev/portside/apply/port"
)

// appliedObject is what of the last client-side apply of a workload or a Service is of
// interest.
type appliedObject struct {
	Spec struct {
		Ports    []corev1.ServicePort `json:"ports"`
		Template struct {
			Spec struct {
				Containers []struct {
					Name  string                 `json:"name"`
					Ports []corev1.ContainerPort `json:"ports"`
				} `json:"containers"`
			} `json:"spec"`
		} `json:"template"`
	} `json:"spec"`
}

// lastAppliedPorts returns the ports of a container, or of the Service, that the last
// client-side apply had, without their names. It returns none for an annotation that cannot be read, with
// which kubectl does not continue either.
func (w Writers) lastAppliedPorts(container string) []port.Port {
	var applied appliedObject
	if err := json.Unmarshal([]byte(w.lastApplied), &applied); err != nil {
		return nil
	}
	var ports []port.Port
	for i := range applied.Spec.Ports {
		p := &applied.Spec.Ports[i]
		ports = append(ports, port.Port{Number: p.Port, Protocol: cmp.Or(p.Protocol, corev1.ProtocolTCP)})
	}
	for _, c := range applied.Spec.Template.Spec.Containers {
		if c.Name != container {
			continue
		}
		for _, p := range c.Ports {
			ports = append(ports, port.Port{Number: p.ContainerPort, Protocol: cmp.Or(p.Protocol, corev1.ProtocolTCP)})
		}
	}
	return ports
}
