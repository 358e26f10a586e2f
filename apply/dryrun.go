package apply

import (
	"cmp"
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

// foresee returns the workload or Service with these ports applied to this container, and
// with nothing of ours in any other.
func (o *Observed) foresee(container string, ports []port.Port) *workload.Workload {
	after := *o.Workload
	if o.Service != nil {
		service := *o.Service
		service.Ports = foreseePorts(o.ports[0], service.Ports, o.lists[0].Items, ports, func(p *corev1.ServicePort, q port.Port) {
			p.Name, p.Port, p.Protocol = cmp.Or(q.Name, p.Name), q.Number, q.Protocol
			p.TargetPort, p.NodePort = cmp.Or(q.TargetPort, p.TargetPort), cmp.Or(q.NodePort, p.NodePort)
			if q.AppProtocol != "" {
				p.AppProtocol = &q.AppProtocol
			}
		})
		after.Service = &service
	}
	after.Containers = slices.Clone(o.Containers)
	for i := range after.Containers {
		c, applied := &after.Containers[i], []port.Port(nil)
		if c.Name == container {
			applied = ports
		}
		c.Ports = foreseePorts(o.ports[i], c.Ports, o.lists[i].Items, applied, func(p *corev1.ContainerPort, q port.Port) {
			p.Name, p.ContainerPort, p.Protocol = cmp.Or(q.Name, p.Name), q.Number, q.Protocol
		})
	}
	return &after
}

// foreseePorts removes what only we own and named and do not apply, sets what we apply
// where it is, and adds what is new at the end. A port that has a name of ours moves there
// with the number that the server allocated to it.
func foreseePorts[P any](observed *port.Observed, live []P, items []port.Item, applied []port.Port, set func(*P, port.Port)) []P {
	var after []P
	for at, p := range live {
		i := slices.IndexFunc(applied, func(q port.Port) bool { return observed.List.Item(q).Key == items[at].Key })
		if was := observed.Find(items[at].Key); i < 0 && was.Ours && len(was.Others) == 0 && !was.Renamed() {
			continue
		}
		if i >= 0 {
			set(&p, applied[i])
		}
		after = append(after, p)
	}
	for _, q := range applied {
		if observed.Find(observed.List.Item(q).Key) != nil {
			continue
		}
		if was := observed.FindName(q.Name); was != nil {
			q.NodePort = cmp.Or(q.NodePort, observed.List.Port(was.Item).NodePort)
		}
		var p P
		set(&p, q)
		after = append(after, p)
	}
	return after
}
