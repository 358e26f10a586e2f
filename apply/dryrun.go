package apply

import (
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/portside-dev/portside/fieldmanager"
)

// foresee works out what the server would store once the intent is applied, where
// it cannot be asked because a write before it was a dry run.
func (p *pass) foresee(next Plan) {
	p.now, p.foreseen = foresee(p.now, p.container, next.Items, p.us()), true
	for i := range p.decided.Ports {
		if s := &p.decided.Ports[i]; s.State == port.Owned {
			s.Owners = []fieldmanager.Manager{p.us()}
		}
	}
}

// foresee is the workload with these ports applied to this container, and with
// nothing of ours in any other.
func foresee(w *workload.Workload, container string, emit []port.Port, us fieldmanager.Manager) *workload.Workload {
	after := *w
	after.Containers = slices.Clone(w.Containers)
	for i := range after.Containers {
		c := &after.Containers[i]
		now, err := w.lookAt(us, &w.Containers[i])
		if err != nil {
			return w
		}
		says := emit
		if c.Name != container {
			says = nil
		}
		c.Ports = foreseePorts(c.Ports, says, now)
	}
	return &after
}

// foreseePorts: what only we own, have named and do not emit goes, what we emit gets its
// name where it is, and what is new comes last.
func foreseePorts(live []corev1.ContainerPort, emit []port.Port, now *look) []corev1.ContainerPort {
	emitted := map[portKey]port.Port{}
	for _, p := range emit {
		emitted[portKey{p.Number, p.Protocol}] = p
	}
	var after []corev1.ContainerPort
	for _, p := range live {
		key := portKey{p.ContainerPort, p.Protocol}
		says, stays := emitted[key]
		delete(emitted, key)
		if was := now.byKey[key]; !stays && was.ours && len(was.others) == 0 && !was.namedByAnother() {
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
