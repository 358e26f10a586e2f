package apply

import (
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/portside-dev/portside/apply/port"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/fieldmanager"
)

// A dry run of a plan that takes two writes (row 10, and a transfer) can ask the server for
// the first alone, since that was not stored. Without the rest, portside diff would report
// no change where there is one, so what the second write stores is computed here.

// foresee records what the server would store once the plan is applied.
func (r *record) foresee(p *Plan) {
	r.foreseen = true
	r.after = p.Observed.foresee(p.Container, p.Items)
	for i := range p.Ports {
		if s := &p.Ports[i]; s.State == port.Owned {
			s.Owners = []fieldmanager.Manager{p.Observed.applier.us()}
		}
	}
	if o, err := p.Observed.applier.Observe(r.after); err == nil {
		r.last = o
	}
}

// foresee returns the workload with these ports applied to this container, and with
// nothing of ours in any other.
func (o *Observed) foresee(container string, ports []port.Port) *workload.Workload {
	after := *o.Workload
	after.Containers = slices.Clone(o.Containers)
	for i := range after.Containers {
		c := &after.Containers[i]
		if c.Name == container {
			c.Ports = foreseePorts(c.Ports, o.ports[i], ports)
		} else {
			c.Ports = foreseePorts(c.Ports, o.ports[i], nil)
		}
	}
	return &after
}

// foreseePorts removes what only we own and named and do not apply, names what we apply
// where it is, and adds what is new at the end.
func foreseePorts(live []corev1.ContainerPort, observed *port.Observed, ports []port.Port) []corev1.ContainerPort {
	var after []corev1.ContainerPort
	for _, p := range live {
		i := slices.IndexFunc(ports, func(q port.Port) bool { return q.Number == p.ContainerPort && q.Protocol == p.Protocol })
		if was := observed.Find(itemOf(observed.List, p).Key); i < 0 && was.Ours && len(was.Others) == 0 && !was.Renamed() {
			continue
		}
		if i >= 0 && ports[i].Name != "" {
			p.Name = ports[i].Name
		}
		after = append(after, p)
	}
	for _, p := range ports {
		if observed.Find(observed.List.Item(p).Key) == nil {
			after = append(after, corev1.ContainerPort{Name: p.Name, ContainerPort: p.Number, Protocol: p.Protocol})
		}
	}
	return after
}
