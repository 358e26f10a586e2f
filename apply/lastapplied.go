package apply

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
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

// lastAppliedPorts are the ports of a container in what was last applied client
// side. An annotation that cannot be read has none, as for who applies: kubectl
// refuses to go on from it.
func (w *workload.Workload) lastAppliedPorts(container string) []portKey {
	var applied appliedWorkload
	if err := json.Unmarshal([]byte(w.lastApplied), &applied); err != nil {
		return nil
	}
	var keys []portKey
	for _, c := range applied.Spec.Template.Spec.Containers {
		if c.Name != container {
			continue
		}
		for _, p := range c.Ports {
			keys = append(keys, portKey{p.ContainerPort, cmp.Or(p.Protocol, corev1.ProtocolTCP)})
		}
	}
	return keys
}

// warnOfLastApplied: client-side apply deletes what it applied and the new
// manifest has not, whoever owns it by then. What the annotation says where
// nobody owns it by an update is of a server-side apply, which does not merge.
func (w *workload.Workload) warnOfLastApplied(container string, ports []PortStatus) []advice.Warning {
	if w.lastApplied == "" || len(w.ClientSide) == 0 {
		return nil
	}
	var warnings []advice.Warning
	listed := w.lastAppliedPorts(container)
	for _, s := range ports {
		port := port.Port{Name: s.Name, Number: int32(s.Port), Protocol: s.Protocol} //nolint:gosec // G115: it is a live port's
		if s.State != port.Owned && s.State != port.Shared || !slices.Contains(listed, portKey{port.Number, port.Protocol}) {
			continue
		}
		m := w.ClientSide[0]
		warnings = append(warnings, advice.Warning{Reason: advice.InLastApplied, Port: port, Manager: m, Message: fmt.Sprintf(
			"the annotation %s, which %s wrote, lists %s, so the next client-side apply of a manifest without the port deletes it: once the manifest is without it, run kubectl apply set-last-applied -f MANIFEST before that apply, or apply server-side from then on (kubectl apply --server-side)",
			corev1.LastAppliedConfigAnnotation, m, port)})
	}
	return warnings
}
