package apply

import (
	"github.com/portside-dev/portside/apply/advice"
	"github.com/portside-dev/portside/apply/port"
	"github.com/portside-dev/portside/apply/workload"
)

// Plan is the decision about the ports of a workload or a Service: what an apply has of them, and
// what becomes of each desired port.
type Plan struct {
	Observed *Observed
	Desired  Desired
	// Container is the name of the container that has the ports, empty for a Service.
	// Without one the plan for a workload is to give up what we own in containers that
	// are gone.
	Container string
	// Items are all ports of the apply, in its order. A port of ours that is not
	// among them is given up.
	Items []port.Port
	// Ports are the states of the desired ports, in their order, and then of the ports
	// of ours that are not desired and Retained. Those that are Owned or Shared may still
	// have to be applied.
	Ports []PortStatus
	// Warnings are about desired ports that are live, in their order.
	Warnings []advice.Warning

	list    *port.Observed
	table   port.Plan
	refused refusals // of which the decision knew
	// err is why nothing was decided.
	err error
}

// Decide returns the plan for the desired ports. It is pure. Its error is a
// [TooManyError], or a [workload.ContainerError]. [Plan.UpToDate] and
// [Applier.ApplyFrom] return it as well, but a plan without a container can have
// something to give up, in a container that is gone.
func (o *Observed) Decide(desired Desired) (*Plan, error) {
	p := o.decide(desired, nil)
	return p, p.err
}

// decide returns the plan for the desired ports but those that the API server refused.
func (o *Observed) decide(desired Desired, refused refusals) *Plan {
	p := &Plan{Observed: o, Desired: desired, refused: refused}
	container, err := o.listOf(desired.Container)
	if err == nil {
		err = desired.misplaced(o.Workload)
	}
	if err != nil {
		p.err = err
		return p
	}
	list := o.portsOf(container)
	items, err := desired.items(list.List)
	if err != nil {
		p.err = err
		return p
	}
	p.Container, p.list = container, list
	p.table = port.Decide(list, port.Desired{Items: items, Blocked: desired.blocked(o.Workload), Refused: refused})
	for _, item := range p.table.Items {
		p.Items = append(p.Items, list.List.Port(item))
	}
	p.Ports = statuses(desired.all(), list, p.table)
	p.Warnings = o.warnings(container, p.Ports)
	return p
}

// warnings returns the warnings about those of the ports that are applied.
func (o *Observed) warnings(container string, ports []PortStatus) []advice.Warning {
	list := o.portsOf(container)
	if list == nil {
		return nil
	}
	return o.Writers.Warnings(o.applier.manager, list, applied(ports))
}

func applied(statuses []PortStatus) []port.Port {
	var ports []port.Port
	for _, s := range statuses {
		if s.State.Applied() {
			ports = append(ports, s.port())
		}
	}
	return ports
}

// UpToDate reports whether the server has already accepted what [Applier.ApplyFrom] would
// apply, so that it would change nothing and no request is needed, or the workload is
// paused. It is pure.
//
// managedFields are the API server's own record of the last apply that it accepted from
// us. Where our one entry holds exactly the fields that the plan would apply, and each is
// live as applied, the same apply again is one of which the server sees no change:
// neither resourceVersion nor generation moves and no event is sent. So the record is the
// memory of its verdict, kept where it survives our restarts, and not a comparison of
// objects of ours. Where there is nothing to apply and no entry of ours, nothing would be
// sent either.
//
// Its error is that of the decision, with true where nothing is to be given up in a
// container that is gone, or a [NotDedicatedError].
func (p *Plan) UpToDate() (bool, error) {
	o := p.Observed
	switch {
	case !o.reads():
		return false, nil
	case workload.IsContainerNotFound(p.err):
		if o.givesUpVanished() {
			return false, o.dedicated()
		}
		return true, p.err
	case p.err != nil:
		return false, p.err
	case o.Paused || p.accepted():
		return true, nil
	}
	return false, o.dedicated()
}

// reads reports whether the workload has all that we decide on: it has not where it
// was trimmed for another field manager.
func (o *Observed) reads() bool {
	return o.TrimmedFor == "" || o.TrimmedFor == o.applier.manager
}

// accepted reports whether our entry records the apply of the plan's items, and nothing
// else, and the container has them. No entry of ours records a takeover, since that names
// what no manager owns.
func (p *Plan) accepted() bool {
	claim := p.Observed.applier.claim(p.Observed.Workload)
	if len(p.table.Items) == 0 {
		return len(claim) == 0
	}
	return len(claim) == 1 && claim[0].APIVersion == p.Observed.definition.APIVersion() && p.list.Has(p.table.Items) &&
		p.Observed.ours()[0].Fields.Equals(p.list.List.Claim(p.table.Items))
}
