package oracle

import "maps"

// The server carries a node port over by the key of an item, or else by its name. So an item
// of ours that moves to the key of another one waits until that key is free, and so does a
// new item: the change takes two requests, and each item keeps its node port. Items that
// exchange their keys do not wait.

// step returns what the first of several requests applies, and whether there are several.
func (d *decision) step() (map[Key]Port, bool) {
	first, several := maps.Clone(d.apply), false
	for key := range d.apply {
		if d.waits(key) && d.becomesFree(key) {
			delete(first, key)
			several = true
		}
	}
	for key, p := range d.apply {
		if from := d.named(p.Name); from != nil && d.waits(key) && d.becomesFree(key) {
			first[from.Key] = d.asOwned(from)
		}
	}
	return first, several
}

// waits reports whether the item that is to have the key would lose its node port there, or
// take that of another item of ours.
func (d *decision) waits(key Key) bool {
	p, live := d.apply[key], d.At(key)
	if live == nil || p.Name == "" || live.Name == p.Name || !d.ours(live) || p.Fields[NodePort] != "" {
		return false
	}
	moves := live
	if from := d.named(p.Name); from != nil {
		moves = from
	} else if _, goesOn := d.goesTo(live); !goesOn {
		return false
	}
	return d.ours(moves) && moves.Fields[NodePort] != ""
}

// becomesFree reports whether the item with the key can leave it: of the items that wait for
// one another, the last one is removed or moves to a key that is not live.
func (d *decision) becomesFree(key Key) bool {
	for at := key; ; {
		to, moves := d.goesTo(d.At(at))
		if !moves || !d.waits(to) {
			return true
		}
		if to == key {
			return false
		}
		at = to
	}
}

// goesTo returns the key with which an item of a live item's name is applied.
func (d *decision) goesTo(i *Item) (Key, bool) {
	for key, p := range d.apply {
		if i.Name != "" && p.Name == i.Name {
			return key, true
		}
	}
	return Key{}, false
}
