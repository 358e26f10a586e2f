package oracle

import (
	"errors"
	"fmt"
	"maps"
	"slices"
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
