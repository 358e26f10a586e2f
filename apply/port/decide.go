package port

import (
	"fmt"
	"slices"

	"github.com/portside-dev/portside/fieldmanager"
)

// Plan is what one apply has of a list, and what becomes of each desired item by it.
type Plan struct {
	// Items are all items of the apply, in its order. An item of ours that is not
	// among them is given up.
	Items []Item
	// States are those of the desired items, in their order.
	States []Status
	// Retained are items of ours that are not desired and that the server does not let
	// go, in live order. They are among Items.
	Retained []RetainedItem
	// TakeOver reports that Items only take over items that no manager owns, so
	// that the apply after it, decided on its answer, can give them up (row 10). It
	// does not change the values of the object.
	TakeOver bool
	// Final are all items once the plan is carried out, where Items are only a step on the
	// way: the apply after it, decided on its answer, does the rest, so that each item
	// keeps the number that the server allocated to it. It is nil where Items are all.
	Final []Item
}

// RetainedItem is an item of ours that stays although it is not desired.
type RetainedItem struct {
	Item
	Status
}

// Decide returns the plan for a list. It is pure.
func Decide(o *Observed, d Desired) Plan {
	t := &table{Observed: o, refused: d.Refused, apply: map[fieldmanager.Key]Item{}}
	t.desired = settle(d.Items)
	if d.Blocked != nil {
		for _, p := range t.desired {
			if !p.settled {
				p.settle(Blocked, d.Blocked.Reason, d.Blocked.Message)
			}
		}
	}
	t.blockUnnamed()
	t.blockAllocated()
	t.decideKeys()
	t.decideNames()
	if d.Blocked == nil {
		t.keepOfInvalid()
	}
	t.bound()
	t.retainName()
	t.retainLast()
	return t.plan()
}

// table is a decision under way.
type table struct {
	*Observed
	desired  []*desired
	apply    map[fieldmanager.Key]Item
	takeOver []*Live
	refused  map[fieldmanager.Key]Refusal
	retained []RetainedItem
}

// decideKeys settles the items whose key decides: rows 3 to 8 and 11.
func (t *table) decideKeys() {
	for _, d := range t.desired {
		p := t.Find(d.Key)
		if d.settled || p == nil {
			continue
		}
		key, same := t.List.Text(p.Key), p.Name == d.Name
		switch {
		case p.Duplicate: // row 11
			d.settle(Blocked, ReasonDuplicateKey, fmt.Sprintf("two ports have the key %s; one of them must be removed", key))
			d.Blocker = p.blocker(p.Others)
			d.Blocker.AdoptFrom = fieldmanager.Names(updaters(p.Others))
		case len(p.Others) > 0 && same && p.NamedByOwner(): // row 4
			d.settle(Shared, ReasonCoOwned, "also declared by "+fieldmanager.Join(p.Others))
			t.add(d)
		case len(p.Others) > 0: // rows 5 and 6
			d.settle(Shadowed, ReasonDeclaredByOwner, fmt.Sprintf("%s is declared by %s%s", key, fieldmanager.Join(p.Others), as(p.Name)))
		case !p.Ours && same: // row 7
			d.settle(Owned, "", "")
			t.add(d)
		case !p.Ours: // row 8
			d.settle(Shadowed, ReasonUnowned, fmt.Sprintf("%s is declared by no known manager%s", key, as(p.Name)))
		case !same && p.Name != "" && len(p.Namers) > 0: // row 3
			d.settle(Blocked, ReasonRenamed, fmt.Sprintf("%s renamed it to %q; name it %s again to have it back", fieldmanager.Join(p.Namers), p.Name, d.Name))
			d.Blocker = p.blocker(p.Namers)
			t.keep(d.Key)
		}
	}
}

// decideNames settles the rest, whose key is absent or ours: rows 1, 2, 9 and 10. Only
// an item of another key that has the name can be in the way.
func (t *table) decideNames() {
	for _, d := range t.desired {
		if d.settled {
			continue
		}
		switch holder := t.FindName(d.Name); {
		case holder == nil || holder.Key == d.Key || t.givesUp(holder): // rows 1 and 2
			d.settle(Owned, "", "")
			t.add(d)
		case !holder.Ours && len(holder.Others) == 0 && len(holder.Namers) == 0 && !holder.Duplicate: // row 10
			d.settle(Owned, "", "")
			t.add(d)
			t.takeOver = append(t.takeOver, holder)
		default: // row 9
			key := t.List.Text(holder.Key)
			d.settle(Blocked, ReasonNameTaken, fmt.Sprintf("the name %s is held by %s on %s; %s", d.Name, holder.holders(), key, holder.renaming(key)))
			d.Blocker = holder.blocker(holder.namersOrOwners())
			if all := updaters(holder.Others); len(all) == len(holder.Others) {
				d.Blocker.AdoptFrom = fieldmanager.Names(all)
			}
		}
	}
}

// givesUp reports whether the apply frees the name of an item: the item is ours alone and
// no other manager named it, or only we named it, so that it gets back the name that its
// owner declared (row 5). Where the list needs that name, it stays (see retainName).
func (t *table) givesUp(p *Live) bool {
	applied, stays := t.apply[p.Key]
	switch {
	case !p.Ours || p.Duplicate:
		return false
	case len(p.Others) == 0:
		return !p.Renamed() && (!stays || applied.Name != "")
	}
	return p.namedByUs() && !stays && !slices.Contains(t.NamedForOthers(), p)
}

// keepOfInvalid keeps the item that is live under the name of an adapter about which its
// source is at fault: a source that answers nonsense removes nothing.
func (t *table) keepOfInvalid() {
	for _, d := range t.desired {
		p := t.FindName(d.Name)
		if !d.keep || p == nil || !p.Ours || p.Duplicate || t.appliesName(p.Name) {
			continue
		}
		if slices.ContainsFunc(t.desired, func(other *desired) bool { return other.Key == p.Key }) {
			continue // the key is another adapter's, and the table has decided
		}
		if len(p.Others) == 0 || p.NamedByOwner() {
			t.apply[p.Key] = Item{Key: p.Key, Name: p.Name, Values: p.ownValues()}
			d.Message += fmt.Sprintf("; %s stays as it is", t.List.Text(p.Key))
		}
	}
}

func (t *table) appliesName(name string) bool {
	for _, item := range t.apply {
		if item.Name == name {
			return true
		}
	}
	return false
}

// add applies a desired item, unless the server refused it. An item of ours is then kept:
// without its name or, where the server takes no item without one, as we own it.
func (t *table) add(d *desired) {
	refusal, refused := t.refused[d.Key]
	if !refused || len(refusal.Fields) > 0 {
		t.apply[d.Key] = t.leaveOut(d, refusal.Fields)
		return
	}
	d.settle(Blocked, ReasonRefused, refusal.Message)
	switch p := t.Find(d.Key); {
	case p == nil || !p.Ours || p.Name == "":
	case t.List.Named:
		t.apply[d.Key] = t.asOwned(p)
	default:
		t.keep(d.Key)
	}
}

// keep applies an item without its name and further fields.
func (t *table) keep(key fieldmanager.Key) { t.apply[key] = Item{Key: key} }

// plan puts the parts together.
func (t *table) plan() Plan {
	plan := Plan{States: make([]Status, len(t.desired))}
	for i, d := range t.desired {
		if p := t.Find(d.Key); p != nil {
			d.Owners = p.Owners
		}
		plan.States[i] = d.Status
	}
	plan.Retained = t.retained
	if len(t.takeOver) > 0 {
		plan.Items, plan.TakeOver = t.Own(t.takeOver...), true
		return plan
	}
	plan.Items = t.inOrder(t.apply)
	if step := t.step(); step != nil {
		plan.Items, plan.Final = t.inOrder(step), plan.Items
	}
	return plan
}

// inOrder returns the items to apply: live ones in live order, so that the order never
// changes for what stays, then new ones in the order of their keys.
func (t *table) inOrder(apply map[fieldmanager.Key]Item) []Item {
	items := make([]Item, 0, len(apply))
	for _, p := range t.Items {
		if item, applied := apply[p.Key]; applied {
			items = append(items, item)
		}
	}
	live := len(items)
	for key, item := range apply {
		if t.Find(key) == nil {
			items = append(items, item)
		}
	}
	slices.SortFunc(items[live:], func(a, b Item) int { return t.List.compare(a.Key, b.Key) })
	return items
}
