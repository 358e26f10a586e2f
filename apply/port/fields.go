package port

import (
	"fmt"
	"slices"
	"strings"

	"github.com/portside-dev/portside/fieldmanager"
)

// leaveOut returns a desired item without the fields that another manager owns, or that
// the server refused for one. It reports those that have another value.
func (t *table) leaveOut(d *desired, refused []string) Item {
	item, live := d.Item, t.Find(d.Key)
	var taken []string
	var managers []fieldmanager.Manager
	for at, field := range t.List.Fields {
		var others []fieldmanager.Manager
		if live != nil {
			others = live.Fields[at].Others
		}
		if item.Values[at] == nil || len(others) == 0 && !slices.Contains(refused, field) {
			continue
		}
		item.Values[at] = nil
		if live != nil && live.Values[at] != d.Values[at] {
			taken = append(taken, fmt.Sprintf("%s is %v instead of %v, declared by %s", field, live.Values[at], d.Values[at], ownersOr(others)))
			managers = append(managers, others...)
		}
	}
	if len(taken) == 0 {
		return item
	}
	if d.Message != "" {
		d.Message += "; "
	}
	d.Reason, d.Message = ReasonFieldTaken, d.Message+strings.Join(taken, "; ")
	slices.SortFunc(managers, fieldmanager.Manager.Compare)
	d.Blocker = live.blocker(slices.Compact(managers))
	if all := updaters(managers); len(all) == len(managers) {
		d.Blocker.AdoptFrom = fieldmanager.Names(all)
	}
	return item
}

// ownersOr returns managers, or "another manager" where managedFields name none yet.
func ownersOr(managers []fieldmanager.Manager) string {
	if len(managers) == 0 {
		return "another manager"
	}
	return fieldmanager.Join(managers)
}

// blockAllocated blocks desired items that ask for a number which the server has
// allocated to another item of the list, or which another desired item has. The server
// would fail on it without naming an item. A blocked item keeps its own number, which may
// block another one.
func (t *table) blockAllocated() {
	for slices.ContainsFunc(t.desired, t.blocksAllocated) {
	}
}

// blocksAllocated reports whether it blocked the desired item.
func (t *table) blocksAllocated(d *desired) bool {
	if d.settled || t.List.allocated(d.Item) == nil {
		return false
	}
	number := fmt.Sprintf("the %s %v", t.List.Allocated, t.List.allocated(d.Item))
	for _, other := range t.desired {
		if other != d && !other.settled && t.List.shares(d.Item, other.Item) && t.yields(d, other) {
			d.settle(Blocked, ReasonNodePortTaken, fmt.Sprintf("the adapter %q has %s", other.Type, number))
			d.keep = true
			return true
		}
	}
	for _, p := range t.Items {
		if p.Key != d.Key && t.stays(p) && t.List.shares(d.Item, p.Item) {
			d.settle(Blocked, ReasonNodePortTaken, fmt.Sprintf("%s is allocated to %s%s", number, t.List.Text(p.Key), as(p.Name)))
			d.Blocker, d.keep = p.blocker(p.Others), true
			return true
		}
	}
	return false
}

// yields reports whether a desired item leaves a number to another one that asks for it: the
// one that is live with the number comes first, and then the one that is first in the list.
func (t *table) yields(d, to *desired) bool {
	if has := t.isLive(d); has != t.isLive(to) {
		return !has
	}
	return slices.Index(t.desired, to) < slices.Index(t.desired, d)
}

// isLive reports whether our item of the name has the number that is asked for.
func (t *table) isLive(d *desired) bool {
	p := t.FindName(d.Name)
	return p != nil && p.Ours && t.List.shares(d.Item, p.Item)
}

// stays reports whether a live item keeps the number that it was allocated: it is not ours
// alone, it is desired and asks for no other, or the adapter of its name is blocked and
// keeps it.
func (t *table) stays(p *Live) bool {
	if !p.Ours || len(p.Others) > 0 {
		return true
	}
	return slices.ContainsFunc(t.desired, func(d *desired) bool {
		return d.Key == p.Key && t.List.allocated(d.Item) == nil || d.keep && d.Name == p.Name
	})
}
