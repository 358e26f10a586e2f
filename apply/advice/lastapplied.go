package advice

import (
	"cmp"
	"encoding/json"

	corev1 "k8s.io/api/core/v1"

	"github.com/portside-dev/portside/apply/port"
)

// appliedWorkload is what of a workload's last client-side apply is of interest.
type appliedWorkload struct {
	Spec struct {
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

// lastAppliedPorts returns the ports of a container that the last client-side apply had,
// without their names. It returns none for an annotation that cannot be read, with
// which kubectl does not continue either.
func (w Writers) lastAppliedPorts(container string) []port.Port {
	var applied appliedWorkload
	if err := json.Unmarshal([]byte(w.lastApplied), &applied); err != nil {
		return nil
	}
	var ports []port.Port
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
