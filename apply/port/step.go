package port

import (
	"maps"

	"github.com/portside-dev/portside/fieldmanager"
)

// The server carries the number that it allocated to an item over by the item's key, or
// else by its name. So an item that gets the key of another item of ours, which goes on
// under another key, would take that one's number. It waits in its place, or is not added
// yet, until the key is free.

// step returns what is applied first, nil where all can be applied at once. Items that
// exchange their keys are, since no key becomes free.
func (t *table) step() map[fieldmanager.Key]Item {
	var step map[fieldmanager.Key]Item
	if t.List.Allocated == "" {
		return nil
	}
	for key, item := range t.apply {
		if !t.waits(key) || !t.becomesFree(key) {
			continue
		}
		if step == nil {
			step = maps.Clone(t.apply)
		}
		if step[key] == item {
			delete(step, key)
		}
		if from := t.FindName(item.Name); from != nil {
			step[from.Key] = t.asOwned(from)
		}
	}
	return step
}

// waits reports whether the item that is to be applied with this key would lose its
// allocated number, or take that of another item.
func (t *table) waits(key fieldmanager.Key) bool {
	item := t.apply[key]
	from, at := t.FindName(item.Name), t.Find(key)
	switch {
	case item.Name == "" || at == nil || at == from || !at.Ours || t.List.allocated(item) != nil:
		return false
	case from != nil: // it moves
		return from.Ours && t.List.allocated(from.Item) != nil
	}
	_, goesOn := t.keyOf(at.Name)
	return goesOn && t.List.allocated(at.Item) != nil
}

// becomesFree reports whether the item that has the key now can leave it: the last of the
// items that wait for one another is removed, or moves to a key that is not live.
func (t *table) becomesFree(key fieldmanager.Key) bool {
	for at := t.Find(key); at != nil; {
		to, moves := t.keyOf(at.Name)
		if !moves || !t.waits(to) {
			return true
		}
		if to == key {
			return false
		}
		at = t.Find(to)
	}
	return true
}

// keyOf returns the key with which an item of the name is applied.
func (t *table) keyOf(name string) (fieldmanager.Key, bool) {
	for key, item := range t.apply {
		if name != "" && item.Name == name {
			return key, true
		}
	}
	return fieldmanager.Key{}, false
}
