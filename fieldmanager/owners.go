package fieldmanager

import (
	"fmt"
	"slices"
	"strings"

	"sigs.k8s.io/structured-merge-diff/v4/fieldpath"
)

// ListOwners are the owners of the items of one list.
type ListOwners struct {
	managers []Manager
	sets     []*fieldpath.Set
}

// ItemOwners are the owners of one item of a list.
type ItemOwners struct {
	// Item are the managers that own the item itself. It stays as long as one
	// of them applies it.
	Item []Manager
	// Leaves are, for each field of the item, the managers that own its value
	// or, where it has parts (an env var's valueFrom), one of them.
	Leaves map[string][]Manager
}

// In returns the owners in one list.
func (es Entries) In(list List) ListOwners {
	var owners ListOwners
	for _, e := range es {
		if set := list.in(e.Fields.read()); !set.Empty() {
			owners.managers = append(owners.managers, e.Manager)
			owners.sets = append(owners.sets, set)
		}
	}
	return owners
}

// OwnersOf returns the managers that own the list itself, apart from its items,
// sorted: an Update that creates a list does. Such a claim outlives the last item
// where an apply removes that; then an apply of an item by another manager is
// refused with a conflict.
func (es Entries) OwnersOf(list List) []Manager {
	var managers []Manager
	for _, e := range es {
		if e.Fields.read().Has(list.path) {
			managers = insert(managers, e.Manager)
		}
	}
	return managers
}

// Of returns the owners of the item with this key, sorted. Both answers are empty
// where no manager owns anything of it. Its error is a key that lacks a key field
// of the list, which therefore is the key of no item.
func (o ListOwners) Of(key Key) (ItemOwners, error) {
	item := key.element()
	owners := ItemOwners{Leaves: map[string][]Manager{}}
	for i, set := range o.sets {
		if set.Members.Has(item) {
			owners.Item = insert(owners.Item, o.managers[i])
		}
		below, hasLeaves := set.Children.Get(item)
		if !hasLeaves {
			continue
		}
		add := func(pe fieldpath.PathElement) {
			if pe.FieldName != nil {
				owners.Leaves[*pe.FieldName] = insert(owners.Leaves[*pe.FieldName], o.managers[i])
			}
		}
		below.Members.Iterate(add)
		below.Children.Iterate(add)
	}
	if len(owners.Item) == 0 && len(owners.Leaves) == 0 {
		return owners, o.check(key)
	}
	return owners, nil
}

// check returns an error for a key that lacks a field which the items of the list
// are keyed by. A key that has a field which no item has is another list's.
func (o ListOwners) check(key Key) error {
	has, same := key.Fields(), false
	var lacks []string
	o.items(func(item fieldpath.PathElement) {
		names := fieldNames(item)
		same = same || slices.Equal(names, has)
		rest := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return slices.Contains(has, name) })
		if len(rest)+len(has) == len(names) {
			lacks = rest
		}
	})
	if same || len(lacks) == 0 {
		return nil
	}
	return fmt.Errorf("the key %s lacks %s, by which the items of the list are keyed, too", key, strings.Join(lacks, ", "))
}

// items calls with each item that a manager names, by the item or by a leaf of it.
func (o ListOwners) items(call func(fieldpath.PathElement)) {
	each := func(pe fieldpath.PathElement) {
		if pe.Key != nil {
			call(pe)
		}
	}
	for _, set := range o.sets {
		set.Members.Iterate(each)
		set.Children.Iterate(each)
	}
}

// Managers returns the managers that own something in the list, sorted.
func (o ListOwners) Managers() []Manager {
	var managers []Manager
	for _, m := range o.managers {
		managers = insert(managers, m)
	}
	return managers
}

// Keys returns the items that some manager names, by the item or by a leaf of
// it, sorted.
func (o ListOwners) Keys() []Key {
	var keys []Key
	o.items(func(item fieldpath.PathElement) { keys = append(keys, keyOf(item)) })
	return sorted(keys)
}

// insert keeps managers sorted and each of them once.
func insert(managers []Manager, m Manager) []Manager {
	at, found := slices.BinarySearchFunc(managers, m, Manager.Compare)
	if found {
		return managers
	}
	return slices.Insert(managers, at, m)
}
