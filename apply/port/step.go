package port

import (
	"maps"

	"github.com/portside-dev/portside/fieldmanager"
)

// The server carries the number that it allocated to an item over by the item's key, or
// else by its name. So an adapter's item that gets the key of another item of ours would
// leave its number behind and get that of the other. It waits in its place until the key
// is free.

// step returns what is applied first, nil where all can be applied at once. Items that
// exchange their keys are, since no key becomes free.
func (t *table) step() map[fieldmanager.Key]Item {
	var step map[fieldmanager.Key]Item
	if t.List.Allocated == "" {
		return nil
	}
	for key, item := range t.apply {
		from := t.moves(key)
		if from == nil || !t.becomesFree(key) {
			continue
		}
		if step == nil {
			step = maps.Clone(t.apply)
		}
		if step[key] == item {
			delete(step, key)
		}
		step[from.Key] = t.asOwned(from)
	}
	return step
}

// moves returns the live item that the item applied with this key is now, where it moves
// to the key of another live item of ours and would lose its allocated number.
func (t *table) moves(key fieldmanager.Key) *Live {
	item := t.apply[key]
	from, at := t.FindName(item.Name), t.Find(key)
	if item.Name == "" || from == nil || at == nil || from == at || !from.Ours || !at.Ours ||
		t.List.allocated(from.Item) == nil || t.List.allocated(item) != nil {
		return nil
	}
	return from
}

// becomesFree reports whether the live item with the key, or the one that it waits for,
// moves to a key that is not live, or is removed.
func (t *table) becomesFree(key fieldmanager.Key) bool {
	for next := key; ; {
		waits := ""
		if at := t.Find(next); at != nil {
			waits = at.Name
		}
		to, moves := t.keyOf(waits)
		if !moves || t.moves(to) == nil {
			return true
		}
		if to == key {
			return false
		}
		next = to
	}
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
