package apply

import (
	"slices"
	"strings"
)

// inOrder lists live keys in their live order, so that the template's order
// never changes for what stays, then new ones by number and protocol.
func (d *decision) inOrder() []port.Port {
	emit := make([]port.Port, 0, len(d.emit))
	for _, p := range d.ports {
		if port, ok := d.emit[p.key]; ok {
			emit = append(emit, port)
		}
	}
	live := len(emit)
	for key, port := range d.emit {
		if d.byKey[key] == nil {
			emit = append(emit, port)
		}
	}
	slices.SortFunc(emit[live:], func(a, b port.Port) int {
		return portKey{a.Number, a.Protocol}.compare(portKey{b.Number, b.Protocol})
	})
	return emit
}

// takingOver is what we own, as it is, and what nobody owns and is to go.
func (d *decision) takingOver() []port.Port {
	var emit []port.Port
	for _, p := range d.ports {
		if p.twice || (!p.ours && !slices.Contains(d.takeOver, p)) {
			continue
		}
		port := port.Port{Number: p.key.number, Protocol: p.key.protocol}
		if len(p.namers) == 0 && strings.HasPrefix(p.name, port.NamePrefix) {
			port.Name = p.name
		}
		emit = append(emit, port)
	}
	return emit
}

// elsewhere are our ports in other containers than the one named, as they are:
// an apply that does not name them would let them go.
func (a *Applier) elsewhere(w *workload.Workload, container string) ([]containerPorts, error) {
	var also []containerPorts
	for i := range w.Containers {
		c := &w.Containers[i]
		if c.Name == container {
			continue
		}
		look, err := w.lookAt(a.us(), c)
		if err != nil {
			return nil, err
		}
		d := decision{look: look}
		if ports := d.takingOver(); len(ports) > 0 {
			also = append(also, containerPorts{c.Name, ports})
		}
	}
	return also, nil
}
