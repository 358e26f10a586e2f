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
// allocated to another item of the list, or which an item before asks for. The server
// would fail on it without naming an item.
func (t *table) blockAllocated() {
	for i, d := range t.desired {
		if d.settled || t.List.allocated(d.Item) == nil {
			continue
		}
		number := fmt.Sprintf("the %s %v", t.List.Allocated, t.List.allocated(d.Item))
		for _, before := range t.desired[:i] {
			if !before.settled && t.List.shares(d.Item, before.Item) {
				d.settle(Blocked, ReasonNodePortTaken, fmt.Sprintf("the adapter %q before it has %s", before.Type, number))
				d.keep = true
			}
		}
		for _, p := range t.Items {
			if !d.settled && p.Key != d.Key && t.stays(p) && t.List.shares(d.Item, p.Item) {
				d.settle(Blocked, ReasonNodePortTaken, fmt.Sprintf("%s is allocated to %s%s", number, t.List.Text(p.Key), as(p.Name)))
				d.Blocker, d.keep = p.blocker(p.Others), true
			}
		}
	}
}

// stays reports whether a live item keeps the number that it was allocated: it is not ours
// alone, or it is desired and asks for no other.
func (t *table) stays(p *Live) bool {
	if !p.Ours || len(p.Others) > 0 {
		return true
	}
	return slices.ContainsFunc(t.desired, func(d *desired) bool {
		return d.Key == p.Key && t.List.allocated(d.Item) == nil
	})
}
