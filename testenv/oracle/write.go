package oracle

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
)

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
	l.carried = carriedNodePorts(l, apply)
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

// carriedNodePorts returns the nodePorts that the server carries over by name when these
// ports are applied: those that none of them asks for.
func carriedNodePorts(l *List, apply map[Key]Port) map[string]string {
	carried := map[string]string{}
	for _, i := range l.Items {
		carried[i.Name] = i.Fields[NodePort]
	}
	for _, p := range apply {
		maps.DeleteFunc(carried, func(_, number string) bool { return number == p.Fields[NodePort] })
	}
	return carried
}

// newItems returns the applied items that are not live, by number and protocol: live ones
// keep their order, and new ones come last.
func newItems(l *List, apply map[Key]Port, us string) []*Item {
	var added []*Item
	for key, p := range apply {
		if l.At(key) == nil {
			i := &Item{Key: key, Fields: map[string]string{NodePort: l.carried[p.Name]}, Leaves: map[string][]string{}}
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

// set applies a port to an item: what it does not repeat of ours is given up. A nodePort that
// is given up stays with the name.
func (l *List) set(i *Item, p Port, us string) {
	name, asked := i.Name, slices.Equal(i.Leaves[NodePort], []string{us})
	l.giveUp(i, us)
	if asked && p.Name != "" && p.Name != name {
		i.Fields[NodePort] = l.carried[p.Name]
	}
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
