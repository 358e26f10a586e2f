package apply

import (
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/portside-dev/portside/fieldmanager"
)

// foresee is the workload as the server would store it once these ports are
// applied, where it cannot be asked because an apply before it was a dry run.
func foresee(w *Workload, container string, emit []Port, us fieldmanager.Manager) *Workload {
	after := *w
	after.Containers = slices.Clone(w.Containers)
	entries, err := fieldmanager.Decode(w.ManagedFields)
	if err != nil {
		return w
	}
	for i := range after.Containers {
		c := &after.Containers[i]
		if c.Name != container {
			continue
		}
		now := lookAt(entries, us, c)
		c.Ports = slices.DeleteFunc(slices.Clone(c.Ports), func(p corev1.ContainerPort) bool {
			live := now.byKey[portKey{p.ContainerPort, p.Protocol}]
			return live.ours && len(live.others) == 0
		})
		for _, p := range emit {
			if live := now.byKey[portKey{p.Number, p.Protocol}]; live == nil || len(live.others) == 0 {
				c.Ports = append(c.Ports, corev1.ContainerPort{Name: p.Name, ContainerPort: p.Number, Protocol: p.Protocol})
			}
		}
	}
	return &after
}
