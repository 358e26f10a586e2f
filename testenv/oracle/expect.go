package oracle

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Expectation is what the contract requires after a complete reconcile.
type Expectation struct {
	// States are those of the desired ports, in their order.
	States []Status
	// Retained are items of ours that are not desired and stay, with the case.
	Retained map[Key]int
	// Refused is the case for which nothing is written at all: 29, 31 or 32. It is zero
	// where the contract allows a write.
	Refused int
	// Cases are all that applied on the way, sorted: those of the desired ports, 23, 25, 26,
	// 27 and 30.
	Cases []int
	// After is the list, with the owners of its items. NodePorts that the server allocates
	// are not foreseen.
	After List

	ordered bool // the order of the list is foreseen
}

// maxRounds bounds the applies of one reconcile.
const maxRounds = 6

// Expect returns what a complete reconcile makes of the list while no other manager writes.
func (c Contract) Expect(before List, desired []Port) Expectation {
	l := before.clone()
	e := Expectation{Retained: map[Key]int{}, ordered: !l.Service}
	switch {
	case l.Paused:
		e.Refused = 32
	case len(l.Foreign) > 0:
		e.Refused = 31
	}
	var d *decision
	for range maxRounds {
		first := d == nil
		d = decide(l, c.us(), desired)
		if first {
			e.States = slices.Clone(d.states)
		}
		if e.Refused == 0 && len(l.Items) == 0 && len(l.Owners) > 0 && len(d.apply) > 0 {
			e.Refused = 29
		}
		e.note(d)
		if e.Refused > 0 {
			break
		}
		if next := c.write(&l, d, &e); !next {
			break
		}
	}
	for i, s := range d.states {
		if began := e.States[i]; s.State == began.State && (s.State == Owned || began.Case == 5) {
			s.Case = began.Case // what the item came about by, not what it is afterwards
		}
		e.States[i] = s
	}
	e.Retained, e.After = d.retained, l
	e.After.Claim, e.After.HoldsContainer = claim(l, c.us()), !l.Service && len(d.apply) > 0
	if e.Refused > 0 {
		e.After = before
	}
	slices.Sort(e.Cases)
	e.Cases = slices.Compact(e.Cases)
	return e
}

func (e *Expectation) note(d *decision) {
	for _, s := range d.states {
		e.Cases = append(e.Cases, s.Case)
		if len(s.Taken) > 0 {
			e.Cases = append(e.Cases, 27)
		}
	}
	e.Cases = slices.AppendSeq(e.Cases, maps.Values(d.retained))
}

// write carries out a decision and reports whether it changed the list, so that another
// decision follows.
func (c Contract) write(l *List, d *decision, e *Expectation) bool {
	if l.Unmanaged && len(d.apply) > 0 { // case 30
		e.Cases = append(e.Cases, 30)
		l.Unmanaged = false
		l.ownAll("before-first-apply/Update")
		for key, p := range d.apply { // what it then owns is a conflict, and left out
			if l.At(key) != nil {
				p.Fields = nil
				d.apply[key] = p
			}
		}
		c.write(l, d, e)
		return true
	}
	apply, more := d.step()
	if len(d.takeOver) > 0 {
		apply = map[Key]Port{}
		for _, i := range l.Items {
			if d.ours(i) && !i.Duplicate || slices.Contains(d.takeOver, i) {
				apply[i.Key] = d.asOwned(i)
			}
		}
	}
	was := claim(*l, c.us())
	items := l.Items[:0:0]
	for _, i := range l.Items {
		p, applied := apply[i.Key]
		switch {
		case applied:
			l.set(i, p, c.us())
		case d.renamed(i): // case 23
			e.Cases = append(e.Cases, 23)
			c.release(i, d.namers(i)[0])
		case i.Duplicate:
			l.giveUp(i, c.us())
		case d.alone(i):
			continue
		case d.ours(i):
			l.giveUp(i, c.us())
		}
		items = append(items, i)
	}
	items = append(items, newItems(l, apply, c.us())...)
	if len(items) == 0 && len(l.Items) > 0 {
		l.Owners = nil // no manager keeps a list that we emptied (fact 18)
	}
	l.Items = items
	return more || len(d.takeOver) > 0 || !slices.Equal(was, claim(*l, c.us()))
}

// release gives up what we own of an item without a change of its values. The manager that
// renamed it gets what we owned, if items are transferred.
func (c Contract) release(i *Item, to string) {
	move := func(owners []string) []string {
		if !slices.Contains(owners, c.us()) {
			return owners
		}
		if owners = others(owners, c.us()); c.Transfers {
			owners = with(owners, to)
		}
		return owners
	}
	i.Owners = move(i.Owners)
	for leaf, owners := range i.Leaves {
		i.Leaves[leaf] = move(owners)
	}
}

// newItems returns the applied items that are not live, by number and protocol: live ones
// keep their order, and new ones come last.
func newItems(l *List, apply map[Key]Port, us string) []*Item {
	var added []*Item
	for key, p := range apply {
		if l.At(key) == nil {
			i := &Item{Key: key, Fields: map[string]string{}, Leaves: map[string][]string{}}
			l.set(i, p, us)
			added = append(added, i)
		}
	}
	slices.SortFunc(added, func(a, b *Item) int {
		return cmp.Or(cmp.Compare(a.Number, b.Number), cmp.Compare(a.Protocol, b.Protocol))
	})
	return added
}

// ownAll has a manager own all that is live, next to its owners. Of two items with one key
// it owns the key alone.
func (l *List) ownAll(manager string) {
	for _, i := range l.Items {
		if i.Owners = with(i.Owners, manager); i.Duplicate {
			continue
		}
		for field := range i.Fields {
			i.Leaves[field] = with(i.Leaves[field], manager)
		}
		if i.Name != "" {
			i.Leaves[Name] = with(i.Leaves[Name], manager)
		}
	}
}

// set applies a port to an item: what it does not repeat of ours is given up.
func (l *List) set(i *Item, p Port, us string) {
	l.giveUp(i, us)
	i.Owners = with(i.Owners, us)
	if p.Name != "" {
		i.Name, i.Leaves[Name] = p.Name, with(i.Leaves[Name], us)
	}
	for field, value := range p.Fields {
		i.Fields[field], i.Leaves[field] = value, with(i.Leaves[field], us)
	}
	if _, has := i.Fields[TargetPort]; l.Service && !has {
		i.Fields[TargetPort] = strconv.FormatInt(i.Number, 10)
	}
}

// giveUp gives up all that we own of an item. A leaf that no other manager owns is removed,
// and a targetPort that is removed becomes the number.
func (l *List) giveUp(i *Item, us string) {
	i.Owners = others(i.Owners, us)
	for leaf, owners := range i.Leaves {
		if !slices.Contains(owners, us) {
			continue
		}
		i.Leaves[leaf] = others(owners, us)
		if len(i.Leaves[leaf]) > 0 {
			continue
		}
		switch leaf {
		case Name:
			i.Name = ""
		case TargetPort:
			i.Fields[TargetPort] = strconv.FormatInt(i.Number, 10)
		case AppProtocol:
			delete(i.Fields, AppProtocol)
		}
	}
}

// claim returns what our entry has of the list.
func claim(l List, us string) []string {
	var lines []string
	for _, i := range l.Items {
		if !slices.Contains(i.Owners, us) {
			continue
		}
		leaves := []string{"."}
		for leaf, owners := range i.Leaves {
			if slices.Contains(owners, us) {
				leaves = append(leaves, leaf)
			}
		}
		lines = append(lines, claimOf(i.Key, leaves))
	}
	slices.Sort(lines)
	return lines
}

// Check compares the list after a reconcile with the expectation. Its error names every
// difference: of ports, of their order in a container, of owners, and of our claim. Of an
// empty list, it compares the owners as well.
func (e Expectation) Check(after List) error {
	var errs []error
	differ := func(what string, got, want []string) {
		if !slices.Equal(got, want) {
			errs = append(errs, fmt.Errorf("%s %q, want %q", what, got, want))
		}
	}
	got, want := after.described(), e.After.described()
	differ("ports", slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want)))
	if e.ordered {
		differ("ports in order", got, want)
	}
	if len(after.Items) == 0 {
		differ("owners of the empty list", after.Owners, e.After.Owners)
	}
	differ("claim", after.Claim, e.After.Claim)
	if after.HoldsContainer != e.After.HoldsContainer {
		errs = append(errs, fmt.Errorf("we own the key of the container: %t, want %t", after.HoldsContainer, e.After.HoldsContainer))
	}
	return errors.Join(errs...)
}

// described returns each port with its owners and those of its leaves.
func (l List) described() []string {
	lines := make([]string, len(l.Items))
	for i, item := range l.Items {
		lines[i] = fmt.Sprintf("%s %s", item, strings.Join(item.Owners, " "))
		for _, leaf := range []string{Name, TargetPort, AppProtocol} {
			if owners := item.Leaves[leaf]; len(owners) > 0 {
				lines[i] += fmt.Sprintf(", %s %s", leaf, strings.Join(owners, " "))
			}
		}
	}
	return lines
}

// Stays returns the keys of the items that stay after a release, in their order: all if the
// ports are kept, and otherwise all but those that are ours alone. Of these stay what
// another manager renamed, and the last port of a Service that needs one.
func (c Contract) Stays(before List, keepPorts bool) []Key {
	d := decide(before.clone(), c.us(), nil)
	var keys []Key
	for _, i := range d.Items {
		if keepPorts || !d.alone(i) || d.renamed(i) || i.Duplicate || d.retained[i.Key] == 25 {
			keys = append(keys, i.Key)
		}
	}
	return keys
}
