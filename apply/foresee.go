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
		c.Ports = foreseePorts(c.Ports, emit, lookAt(entries, us, c))
	}
	return &after
}

// foreseePorts: what only we own and do not emit goes, what we emit gets its
// name where it is, and what is new comes last.
func foreseePorts(live []corev1.ContainerPort, emit []Port, now *look) []corev1.ContainerPort {
	emitted := map[portKey]Port{}
	for _, p := range emit {
		emitted[portKey{p.Number, p.Protocol}] = p
	}
	var after []corev1.ContainerPort
	for _, p := range live {
		key := portKey{p.ContainerPort, p.Protocol}
		says, stays := emitted[key]
		delete(emitted, key)
		if was := now.byKey[key]; !stays && was.ours && len(was.others) == 0 {
			continue
		}
		if says.Name != "" {
			p.Name = says.Name
		}
		after = append(after, p)
	}
	for _, p := range emit {
		if _, isNew := emitted[portKey{p.Number, p.Protocol}]; isNew {
			after = append(after, corev1.ContainerPort{Name: p.Name, ContainerPort: p.Number, Protocol: p.Protocol})
		}
	}
	return after
}
