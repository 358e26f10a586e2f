package port

import (
	"fmt"
	"slices"

	"github.com/portside-dev/portside/fieldmanager"
)

// blockUnnamed blocks all desired items while a static item without a name is live: the
// server takes no other item next to it. An item with its key is Shadowed.
func (t *table) blockUnnamed() {
	unnamed := t.unnamed()
	if unnamed == nil {
		return
	}
	key := t.List.Text(unnamed.Key)
	for _, d := range t.desired {
		if d.settled || d.Key == unnamed.Key {
			continue
		}
		d.settle(Blocked, ReasonUnnamedPort, fmt.Sprintf("port %s%s has no name, and a %s with several ports needs a name for each; %s",
			key, of(unnamed.Others), t.List.Of, unnamed.naming(key)))
		d.Blocker = unnamed.blocker(unnamed.Others)
	}
}

// unnamed returns the static item without a name, nil where there is none: also the only
// item, if only we named it, since it gets back what its owner declared (row 5).
func (t *table) unnamed() *Live {
	if !t.List.Named {
		return nil
	}
	for _, p := range t.Items {
		if p.Name == "" && (!p.Ours || len(p.Others) > 0) || len(t.Items) == 1 && p.namedByUs() {
			return p
		}
	}
	return nil
}

// namedByUs reports whether another manager owns the item, and only we its name.
func (l *Live) namedByUs() bool {
	return l.Ours && len(l.Others) > 0 && l.NameOurs && len(l.Namers) == 0
}

// retainName keeps our name on items of other managers that gave them none, while the list
// has other items: the server would refuse to have the name removed.
func (t *table) retainName() {
	for _, p := range t.NamedForOthers() {
		if _, applied := t.apply[p.Key]; applied {
			continue
		}
		t.apply[p.Key] = Item{Key: p.Key, Name: p.Name}
		t.retain(p, ReasonUnnamedPort, fmt.Sprintf("%s is declared by %s without a name, so ours stays on it: a %s with several ports needs a name for each; %s",
			t.List.Text(p.Key), fieldmanager.Join(p.Others), t.List.Of, p.naming(t.List.Text(p.Key))))
	}
}

// NamedForOthers returns the items to which we gave a name that the server needs, and their
// owners none.
func (o *Observed) NamedForOthers() []*Live {
	if !o.List.Named || len(o.Items) < 2 {
		return nil
	}
	var named []*Live
	for _, p := range o.Items {
		if p.namedByUs() {
			named = append(named, p)
		}
	}
	return named
}

// Last returns the first item of a list that is ours alone and that the server does not
// take without items, nil for another list.
func (o *Observed) Last() *Live {
	if !o.List.NotEmpty || len(o.Items) == 0 || slices.ContainsFunc(o.Items, func(p *Live) bool {
		return !p.Ours || len(p.Others) > 0 || p.Renamed()
	}) {
		return nil
	}
	return o.Items[0]
}

// retainLast keeps the first of our items where the server does not take the list without
// items.
func (t *table) retainLast() {
	last := t.Last()
	if last == nil || len(t.apply) > 0 {
		return
	}
	t.apply[last.Key] = t.asOwned(last)
	t.retain(last, ReasonLastPort, fmt.Sprintf("a %s cannot be without a port; it is removed once another manager declares one", t.List.Of))
}

// retain reports that an item of ours stays: by the state of its own or, where an item
// with its key is desired, by the cause of the state of that.
func (t *table) retain(p *Live, reason Reason, message string) {
	status := Status{State: Retained, Reason: reason, Message: message, Owners: p.Owners}
	if len(p.Others) > 0 {
		status.Blocker = p.blocker(p.Others)
	}
	for _, d := range t.desired {
		if d.Key == p.Key {
			d.Reason, d.Message, d.Blocker = reason, message, status.Blocker
			return
		}
	}
	t.retained = append(t.retained, RetainedItem{p.Item, status})
}
