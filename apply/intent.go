package apply

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/portside-dev/portside/fieldmanager"
)

// Port is one port of an apply. Without a name it says nothing about the name
// and only keeps the port there.
type Port struct {
	Name     string
	Number   int32
	Protocol corev1.Protocol
}

func (p port.Port) compare(o port.Port) int {
	return cmp.Or(portKey{p.Number, p.Protocol}.compare(portKey{o.Number, o.Protocol}), cmp.Compare(p.Name, o.Name))
}

// String is name:number/PROTOCOL.
func (p port.Port) String() string { return fmt.Sprintf("%s:%d/%s", p.Name, p.Number, p.Protocol) }

// Plan is what one apply says of a container's ports, and what becomes of
// each wanted port by it.
type Plan struct {
	// Items are all ports of the apply, in its order. What we own and is not
	// among them is let go.
	Items []port.Port
	// Ports are the wanted ports' states, in the order of their adapters.
	Ports []PortStatus
	// TakeOver tells that Emit only takes over ports that nobody owns, so that
	// the apply after it, decided on its answer, can let them go (row 10). It
	// does not change the pod template.
	TakeOver bool
}

// Decide makes the intent for a container of a workload from what is wanted
// and what is there. It is pure. Its errors are [TooManyError] and
// managedFields that cannot be read; both mean that nothing may be written.
func Decide(w *workload.Workload, c *workload.Container, want Desired, manager string) (Plan, error) {
	return decide(w, c, want, manager, nil)
}

// refusals are the server's words on ports that it refused in this pass.
type refusals map[portKey]string

func decide(w *workload.Workload, c *workload.Container, want Desired, manager string, refused refusals) (Plan, error) {
	wanted, err := wantedPorts(want)
	if err != nil {
		return Plan{}, err
	}
	look, err := w.lookAt(fieldmanager.Applier(manager), c)
	if err != nil {
		return Plan{}, err
	}
	d := decision{
		look:    look,
		emit:    map[portKey]port.Port{},
		refused: refused,
	}
	allowed := !w.HostNetwork || want.AllowHostNetwork && w.HostNetworkAllowed
	for i := range wanted {
		if p := &wanted[i]; !p.settled && !allowed {
			p.settle(port.Blocked, port.ReasonHostNetworkNotAllowed, "the pod template has hostNetwork: true, so the number would be reserved on the node")
		}
	}
	d.decideKeys(wanted)
	d.decideNames(wanted)
	if allowed {
		d.hold(wanted)
	}
	d.bound(wanted)
	return d.intent(wanted), nil
}

// decision is a decision under way.
type decision struct {
	*look
	emit     map[portKey]port.Port
	takeOver []*livePort
	refused  refusals
}

// decideKeys settles the ports whose key decides: rows 3 to 8 and 11 of the
// table in the package comment.
func (d *decision) decideKeys(wanted []wantedPort) {
	for i := range wanted {
		w := &wanted[i]
		p, live := d.byKey[w.key]
		if w.settled || !live {
			continue
		}
		same := p.name == w.status.Name
		switch {
		case p.twice: // row 11
			w.settle(port.Blocked, port.ReasonDuplicateKey, fmt.Sprintf("two ports have the key %s; one of them must be removed", p.key))
			w.status.Blocker = p.blocker(p.others)
			w.status.Blocker.AdoptFrom = fieldmanager.Names(updaters(p.others))
		case len(p.others) > 0 && same && p.namedByOwner(): // row 4
			w.settle(port.Shared, port.ReasonCoOwned, "also declared by "+list(p.others))
			d.add(w)
		case len(p.others) > 0: // rows 5 and 6
			w.settle(port.Shadowed, port.ReasonDeclaredByOwner, fmt.Sprintf("%s is declared by %s%s", p.key, list(p.others), as(p.name)))
		case !p.ours && same: // row 7
			w.settle(port.Owned, "", "")
			d.add(w)
		case !p.ours: // row 8
			w.settle(port.Shadowed, port.ReasonUnowned, fmt.Sprintf("%s is declared by nobody that is known%s", p.key, as(p.name)))
		case !same && p.name != "" && len(p.namers) > 0: // row 3
			w.settle(port.Blocked, port.ReasonRenamed, fmt.Sprintf("%s renamed it to %q; name it %s again to have it back", list(p.namers), p.name, w.status.Name))
			w.status.Blocker = p.blocker(p.namers)
			d.keep(w.key)
		}
	}
}

// decideNames settles the rest, whose key is free or ours: rows 1, 2, 9 and
// 10. All that can be in the way is the name, on another key.
func (d *decision) decideNames(wanted []wantedPort) {
	for i := range wanted {
		w := &wanted[i]
		if w.settled {
			continue
		}
		holder := d.byName[w.status.Name]
		switch {
		case holder == nil || holder.key == w.key || d.letsGo(holder): // rows 1 and 2
			w.settle(port.Owned, "", "")
			d.add(w)
		case !holder.ours && len(holder.others) == 0 && !holder.twice: // row 10
			w.settle(port.Owned, "", "")
			d.add(w)
			d.takeOver = append(d.takeOver, holder)
		default: // row 9
			w.settle(port.Blocked, port.ReasonNameTaken, fmt.Sprintf("the name %s is held by %s on %s; %s", w.status.Name, holder.holders(), holder.key, holder.renaming()))
			w.status.Blocker = holder.blocker(holder.namersOrOwners())
			if all := updaters(holder.others); len(all) == len(holder.others) {
				w.status.Blocker.AdoptFrom = fieldmanager.Names(all)
			}
		}
	}
}

// letsGo tells that a name leaves its port with this apply. Either the port is
// ours alone, and nobody else has named it; or only we gave it its name,
// and it goes back to what its owner declared (row 5).
func (d *decision) letsGo(p *livePort) bool {
	emitted, stays := d.emit[p.key]
	switch {
	case !p.ours || p.twice:
		return false
	case len(p.others) == 0:
		return !p.namedByAnother() && (!stays || emitted.Name != "")
	}
	return p.nameIsOurs && len(p.namers) == 0 && !stays
}

// hold keeps the port that is live under the name of an adapter that its
// source is at fault about: a source that talks nonsense takes nothing away.
func (d *decision) hold(wanted []wantedPort) {
	for i := range wanted {
		w := &wanted[i]
		p := d.byName[w.status.Name]
		if !w.hold || p == nil || !p.ours || p.twice || d.emits(p.name) {
			continue
		}
		if slices.ContainsFunc(wanted, func(other wantedPort) bool { return other.key == p.key }) {
			continue // another adapter has it, and the table has decided
		}
		if len(p.others) == 0 || p.namedByOwner() {
			d.emit[p.key] = port.Port{Name: p.name, Number: p.key.number, Protocol: p.key.protocol}
			w.status.Message += fmt.Sprintf("; %s stays as it is", p.key)
		}
	}
}

func (d *decision) emits(name string) bool {
	for _, p := range d.emit {
		if p.Name == name {
			return true
		}
	}
	return false
}

// add emits a wanted port, unless the server has refused it in this pass. A
// port that is ours is then kept without its name.
func (d *decision) add(w *wantedPort) {
	why, refused := d.refused[w.key]
	if !refused {
		d.emit[w.key] = port.Port{Name: w.status.Name, Number: w.key.number, Protocol: w.key.protocol}
		return
	}
	w.settle(port.Blocked, port.ReasonRefused, why)
	if p, live := d.byKey[w.key]; live && p.ours && p.name != "" {
		d.keep(w.key)
	}
}

func (d *decision) keep(key portKey) {
	d.emit[key] = port.Port{Number: key.number, Protocol: key.protocol}
}

// intent puts the parts together.
func (d *decision) intent(wanted []wantedPort) Plan {
	intent := Plan{Ports: make([]PortStatus, 0, len(wanted))}
	for _, w := range wanted {
		if p, live := d.byKey[w.key]; live {
			w.status.Owners = p.owners
		}
		intent.Ports = append(intent.Ports, w.status)
	}
	if len(d.takeOver) > 0 {
		intent.Items, intent.TakeOver = d.takingOver(), true
		return intent
	}
	intent.Items = d.inOrder()
	return intent
}

// namersOrOwners returns the managers, other than us, that own the port's name,
// or else those that own the port.
func (p *livePort) namersOrOwners() []fieldmanager.Manager {
	if len(p.namers) > 0 {
		return p.namers
	}
	return p.others
}

func (p *livePort) holders() string {
	if managers := p.namersOrOwners(); len(managers) > 0 {
		return list(managers)
	}
	return "nobody that is known"
}

// renaming says where the port is to be renamed: in the manifest of a manager that
// applies it, if there is one.
func (p *livePort) renaming() string {
	for _, m := range slices.Concat(p.namers, p.others) {
		if m.Operation == metav1.ManagedFieldsOperationApply {
			return fmt.Sprintf("rename port %s in %s's manifest", p.key, m.Name)
		}
	}
	return "rename that port"
}

// updaters returns the managers that write by Updates.
func updaters(managers []fieldmanager.Manager) []fieldmanager.Manager {
	return slices.DeleteFunc(slices.Clone(managers), func(m fieldmanager.Manager) bool {
		return m.Operation != metav1.ManagedFieldsOperationUpdate
	})
}

func (p *livePort) blocker(managers []fieldmanager.Manager) *port.Blocker {
	return &port.Blocker{Port: port.Port{Name: p.name, Number: p.key.number, Protocol: p.key.protocol}, Managers: managers}
}

func list(managers []fieldmanager.Manager) string {
	names := make([]string, 0, len(managers))
	for _, m := range managers {
		names = append(names, m.String())
	}
	return strings.Join(names, ", ")
}

func as(name string) string {
	if name == "" {
		return " without a name"
	}
	return fmt.Sprintf(" as %q", name)
}
