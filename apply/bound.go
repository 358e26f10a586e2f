package apply

import (
	"fmt"
	"slices"
	"strings"
)

// MaxPorts is how many adapter ports a container may have, whoever declares them.
const MaxPorts = 64

// bound blocks desired ports beyond [MaxPorts], the last ones first. Only ports
// that the apply would add to the container are blocked: a surplus removes none
// that is live, and a renumbered port takes the place of the old one.
func (d *decision) bound(wanted []wantedPort) {
	surplus := d.adapterPorts() - port.MaxPorts
	for i := range slices.Backward(wanted) {
		w := &wanted[i]
		if surplus <= 0 {
			return
		}
		if port, emitted := d.emit[w.key]; !emitted || port.Name != w.status.Name || d.byKey[w.key] != nil || d.replaces(port.Name) {
			continue
		}
		delete(d.emit, w.key)
		w.settle(port.Blocked, port.ReasonTooManyPorts, fmt.Sprintf("the container would have more than %d adapter ports", port.MaxPorts))
		surplus--
	}
}

// adapterPorts returns how many adapter ports the container has after the apply:
// those that the apply adds, and live ones that it keeps or that are not ours.
func (d *decision) adapterPorts() int {
	count := 0
	for key := range d.emit {
		if d.byKey[key] == nil {
			count++
		}
	}
	for _, p := range d.ports {
		emitted, stays := d.emit[p.key]
		stays = stays || !p.ours || len(p.others) > 0
		if stays && !slices.Contains(d.takeOver, p) && (strings.HasPrefix(p.name, port.NamePrefix) || emitted.Name != "") {
			count++
		}
	}
	return count
}

// replaces reports whether a port of this name is live that the apply gives up.
func (d *decision) replaces(name string) bool {
	p := d.byName[name]
	return p != nil && (slices.Contains(d.takeOver, p) || d.letsGo(p))
}
