package oracle

import (
	"maps"
	"slices"
)

// Port is a desired port.
type Port struct {
	Key
	// Name is the one that [PortName] returns for the adapter's type.
	Name string
	// Fields are targetPort, nodePort and appProtocol of a Service's port, as text, as far
	// as the port is to set them.
	Fields map[string]string
	// Invalid reports that the adapter makes no valid port. It then has no key.
	Invalid bool
}

// State is the state of a port, as portside reports it.
type State string

// The states.
const (
	Owned    State = "Owned"
	Shared   State = "Shared"
	Shadowed State = "Shadowed"
	Blocked  State = "Blocked"
	Invalid  State = "Invalid"
)

// Status is the state of one port and the case of the contract that decided it, as the
// package's comment numbers them.
type Status struct {
	State State
	Case  int
	// Taken are the fields that another manager gave another value (case 27).
	Taken []string
}

// decision is what the contract requires of the list as it is.
type decision struct {
	List

	us      string
	desired []Port
	states  []Status
	apply   map[Key]Port
	// takeOver are the items of case 10. All that is applied then is what we own, and they.
	takeOver []*Item
	// retained are items of ours that are not desired and stay (cases 25 and 26).
	retained map[Key]int
}

func decide(l List, us string, desired []Port) *decision {
	d := &decision{List: l, us: us, desired: desired, states: make([]Status, len(desired)), apply: map[Key]Port{}, retained: map[Key]int{}}
	d.settleInputs()
	d.settleByKey()
	d.settleByName()
	d.keepInvalid()
	d.retain()
	return d
}

func (d *decision) settle(i int, state State, number int) {
	d.states[i] = Status{State: state, Case: number}
}

func (d *decision) settled(i int) bool { return d.states[i].State != "" }

// ours reports whether we own the item, and alone whether no other manager does.
func (d *decision) ours(i *Item) bool  { return slices.Contains(i.Owners, d.us) }
func (d *decision) alone(i *Item) bool { return d.ours(i) && len(i.Owners) == 1 }

// namers returns the managers, other than us, that own the name of an item.
func (d *decision) namers(i *Item) []string { return others(i.Leaves[Name], d.us) }

// renamed reports whether another manager gave an item of ours its name (cases 3 and 23).
func (d *decision) renamed(i *Item) bool {
	return d.alone(i) && i.Name != "" && len(d.namers(i)) > 0 && !slices.Contains(i.Leaves[Name], d.us)
}

// namedForOwner reports whether M owns the item, and we alone its name.
func (d *decision) namedForOwner(i *Item) bool {
	return d.ours(i) && !d.alone(i) && slices.Equal(i.Leaves[Name], []string{d.us})
}

// settleInputs settles what the desired ports and the object as a whole decide: cases 20,
// 21, 22, 24 and 28.
func (d *decision) settleInputs() {
	for i, p := range d.desired {
		switch {
		case p.Invalid:
			d.settle(i, Invalid, 21)
		case d.hasBefore(i, func(q Port) bool { return q.Name == p.Name || q.Key == p.Key }):
			d.settle(i, Blocked, 20)
		}
	}
	for i := range d.desired {
		if d.NotAllowed && !d.settled(i) {
			d.settle(i, Blocked, 22)
		}
	}
	if unnamed := d.unnamed(); unnamed != nil {
		for i, p := range d.desired {
			if !d.settled(i) && p.Key != unnamed.Key {
				d.settle(i, Blocked, 24)
			}
		}
	}
	for i, p := range d.desired {
		if number := p.Fields[NodePort]; number != "" && !d.settled(i) && d.nodePortTaken(i, number) {
			d.settle(i, Blocked, 28)
		}
	}
}

// unnamed returns a Service's static item without a name, next to which the server takes
// no other. The only item counts, if it has no name but ours.
func (d *decision) unnamed() *Item {
	if !d.Service {
		return nil
	}
	return d.find(func(i *Item) bool {
		return i.Name == "" && !d.alone(i) || len(d.Items) == 1 && d.namedForOwner(i)
	})
}

// nodePortTaken reports whether another desired port that comes first asks for the nodePort,
// or a live one keeps it.
func (d *decision) nodePortTaken(i int, number string) bool {
	p := d.desired[i]
	for at, q := range d.desired {
		asks := at != i && !d.settled(at) && q.Fields[NodePort] == number && q.Protocol == p.Protocol
		if asks && d.comesFirst(at, i, number) {
			return true
		}
	}
	return d.find(func(live *Item) bool {
		at := slices.IndexFunc(d.desired, func(q Port) bool { return q.Key == live.Key }) // the first one counts (case 20)
		desired := at >= 0
		asks := desired && d.desired[at].Fields[NodePort] != ""
		return live.Key != p.Key && live.Protocol == p.Protocol && live.Fields[NodePort] == number && (!d.alone(live) || d.keepsForInvalid(live) || desired && !asks && !d.losesNodePort(live))
	}) != nil
}

// comesFirst reports whether the desired port at index i comes before the one at j, where both
// ask for a nodePort: the one whose name has it does, or else the one that is listed first.
func (d *decision) comesFirst(i, j int, number string) bool {
	if has := d.hasNodePort(d.desired[i], number); has != d.hasNodePort(d.desired[j], number) {
		return has
	}
	return i < j
}

// hasNodePort reports whether our item with the name of a desired port has the nodePort.
func (d *decision) hasNodePort(p Port, number string) bool {
	live := d.named(p.Name)
	return live != nil && d.ours(live) && live.Fields[NodePort] == number && live.Protocol == p.Protocol
}

// keepsForInvalid reports whether an item of ours stays because the port of its name is
// invalid (case 21).
func (d *decision) keepsForInvalid(i *Item) bool {
	return !slices.ContainsFunc(d.desired, func(q Port) bool { return !q.Invalid && q.Key == i.Key }) &&
		slices.ContainsFunc(d.desired, func(q Port) bool { return q.Invalid && q.Name == i.Name })
}

// losesNodePort reports whether an item of ours that no longer asks for its nodePort loses it:
// the server carries a nodePort that we give up over by the name, which changes.
func (d *decision) losesNodePort(i *Item) bool {
	return slices.Equal(i.Leaves[NodePort], []string{d.us}) &&
		!slices.ContainsFunc(d.desired, func(q Port) bool { return q.Key == i.Key && q.Name == i.Name })
}

// settleByKey settles the ports whose key is live and not ours to use: cases 3 to 8 and 11.
func (d *decision) settleByKey() {
	for i, p := range d.desired {
		live := d.At(p.Key)
		if d.settled(i) || live == nil {
			continue
		}
		same := live.Name == p.Name
		declared := slices.ContainsFunc(others(live.Owners, d.us), func(m string) bool { return slices.Contains(live.Leaves[Name], m) })
		switch {
		case live.Duplicate:
			d.settle(i, Blocked, 11)
		case d.alone(live):
			if !same && live.Name != "" && len(d.namers(live)) > 0 {
				d.settle(i, Blocked, 3)
				d.apply[p.Key] = Port{Key: p.Key}
			}
		case len(live.Owners) == 0 && same:
			d.settle(i, Owned, 7)
			d.add(i)
		case len(live.Owners) == 0:
			d.settle(i, Shadowed, 8)
		case same && declared:
			d.settle(i, Shared, 4)
			d.add(i)
		case d.ours(live):
			d.settle(i, Shadowed, 5)
		default:
			d.settle(i, Shadowed, 6)
		}
	}
}

// settleByName settles the rest: cases 1, 2, 9 and 10.
func (d *decision) settleByName() {
	for i, p := range d.desired {
		if d.settled(i) {
			continue
		}
		holder := d.named(p.Name)
		switch {
		case holder == nil || holder.Key == p.Key || d.freesName(holder):
			number := 1
			if d.At(p.Key) != nil {
				number = 2
			}
			d.settle(i, Owned, number)
			d.add(i)
		case len(holder.Owners) == 0 && len(holder.Leaves[Name]) == 0 && !holder.Duplicate:
			d.settle(i, Owned, 10)
			d.add(i)
			d.takeOver = append(d.takeOver, holder)
		default:
			d.settle(i, Blocked, 9)
		}
	}
}

// freesName reports whether the name of a live item is free after the apply: we give up or
// rename an item that is ours alone, or give M's item its own name back (case 5).
func (d *decision) freesName(i *Item) bool {
	applied, stays := d.apply[i.Key]
	switch {
	case i.Duplicate:
		return false
	case d.alone(i):
		return !d.renamed(i) && (!stays || applied.Name != "")
	}
	// A Service with further items keeps the name (case 26).
	return d.namedForOwner(i) && !stays && (!d.Service || len(d.Items) < 2)
}

// add applies a desired port without the fields that another manager owns (case 27).
func (d *decision) add(i int) {
	p, live := d.desired[i], d.At(d.desired[i].Key)
	p.Fields = maps.Clone(p.Fields)
	if live != nil {
		for field, value := range p.Fields {
			if len(others(live.Leaves[field], d.us)) == 0 {
				continue
			}
			delete(p.Fields, field)
			if live.Fields[field] != value {
				d.states[i].Taken = append(d.states[i].Taken, field)
			}
		}
	}
	d.apply[p.Key] = p
}

// hasBefore reports whether one of the desired ports before has a key or name that the port
// cannot have, too: an invalid one and one of case 20 have none.
func (d *decision) hasBefore(i int, has func(Port) bool) bool {
	for at, q := range d.desired[:i] {
		if d.states[at].Case != 20 && !q.Invalid && has(q) {
			return true
		}
	}
	return false
}
