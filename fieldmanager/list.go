package fieldmanager

import (
	"fmt"
	"reflect"
	"slices"

	"sigs.k8s.io/structured-merge-diff/v4/fieldpath"
)

// Key identifies an item in a keyed list: the values of the list's key fields.
type Key = fieldpath.PathElement

// KeyOf builds a key from pairs of a field's name and its value, such as
// KeyOf("containerPort", 12049, "protocol", "TCP"). Values may be of named
// types, such as corev1.Protocol. Every key field of the list must be there,
// defaulted ones as well: the server keys what it stored. It panics when a name
// is not a string, a value is missing, or a value is no string, number or bool.
func KeyOf(nameValues ...any) Key {
	plain := make([]any, len(nameValues))
	for i, v := range nameValues {
		plain[i] = plainValue(v)
	}
	return Key{Key: fieldpath.KeyByFields(plain...)}
}

// plainValue is a key's value as it is read from JSON. Of a named type fieldpath
// would make a key that no item has.
func plainValue(v any) any {
	switch r := reflect.ValueOf(v); {
	case r.Kind() == reflect.String:
		return r.String()
	case r.Kind() == reflect.Bool:
		return r.Bool()
	case r.CanInt():
		return r.Int()
	case r.CanUint():
		return int64(r.Uint()) //nolint:gosec // G115: a key that large is none of a list of ours
	case r.CanFloat():
		return r.Float()
	}
	panic(fmt.Sprintf("fieldmanager: a key has the value %v of type %T", v, v))
}

// List is a list of an object whose items the API server tells apart by key
// fields (x-kubernetes-list-type: map).
type List struct {
	path fieldpath.Path
}

// ListAt is the list at a path of field names (strings) and keys of the items
// above it, such as
//
//	ListAt("spec", "template", "spec", "containers", KeyOf("name", "web"), "env")
//
// It panics on anything else, so that a wrong path is found by the first test.
func ListAt(path ...any) List {
	parts := make([]any, len(path))
	for i, p := range path {
		switch p := p.(type) {
		case string:
			parts[i] = p
		case Key:
			parts[i] = p.Key
		default:
			panic(fmt.Sprintf("fieldmanager: %v (%T) in the path of a list is neither a field's name nor a Key", p, p))
		}
	}
	return List{path: fieldpath.MakePathOrDie(parts...)}
}

// Item is the path of an item, to be compared with paths that others give.
func (l List) Item(key Key) fieldpath.Path {
	return append(l.path.Copy(), key)
}

// Path is the path of the list itself.
func (l List) Path() fieldpath.Path { return l.path.Copy() }

// Claim is the set that a manager owns after applying these items with these
// leaves and nothing else: the items, their leaves, and of each list item
// above them the item and its key fields, without which the server could not
// tell which item is meant. Without keys it is what is left once all items are
// given up by an apply that still names the item above.
func (l List) Claim(leaves []string, keys ...Key) *fieldpath.Set {
	claim := fieldpath.NewSet()
	for i, part := range l.path {
		if part.Key == nil {
			continue
		}
		above := l.path[:i+1]
		claim.Insert(above)
		for _, field := range *part.Key {
			claim.Insert(child(above, field.Name))
		}
	}
	for _, key := range keys {
		item := l.Item(key)
		claim.Insert(item)
		for _, leaf := range leaves {
			claim.Insert(child(item, leaf))
		}
	}
	return claim
}

func child(parent fieldpath.Path, field string) fieldpath.Path {
	return append(parent.Copy(), fieldpath.PathElement{FieldName: &field})
}

// in descends from the root of a set to the list.
func (l List) in(set *fieldpath.Set) *fieldpath.Set {
	for _, part := range l.path {
		below, has := set.Children.Get(part)
		if !has {
			return nothing
		}
		set = below
	}
	return set
}

// nothing is the set of an entry that does not name a list. It is only read.
var nothing = fieldpath.NewSet()

// Keys are the items of the list that the entry owns itself, sorted. Items of
// which it owns leaves alone are not among them.
func (e Entry) Keys(list List) []Key {
	var keys []Key
	list.in(e.Fields).Members.Iterate(func(pe fieldpath.PathElement) {
		if pe.Key != nil {
			keys = append(keys, pe)
		}
	})
	return keys
}

// Outside returns how many fields the entry owns outside the lists, and the first
// of them, such as .spec.replicas. What is at or below a list counts as inside, and
// so do the items above it with their key fields. Of a field that has parts, only
// the parts are counted.
func (e Entry) Outside(lists ...List) (first string, count int) {
	outside := e.Fields
	for _, list := range lists {
		outside = outside.RecursiveDifference(fieldpath.NewSet(list.path)).Difference(list.Claim(nil))
	}
	outside.Leaves().Iterate(func(p fieldpath.Path) {
		if count == 0 {
			first = p.String()
		}
		count++
	})
	return first, count
}

// ListOwners answers who owns what in one list.
type ListOwners struct {
	managers []Manager
	sets     []*fieldpath.Set
}

// In narrows the entries to one list.
func (es Entries) In(list List) ListOwners {
	var owners ListOwners
	for _, e := range es {
		if set := list.in(e.Fields); !set.Empty() {
			owners.managers = append(owners.managers, e.Manager)
			owners.sets = append(owners.sets, set)
		}
	}
	return owners
}

// OwnersOf are the managers that own the list itself, apart from its items,
// sorted: a plain update that makes a list does. What the list has is not asked:
// such a claim outlives the last item where an apply takes that out, and then
// whoever applies an item next meets a conflict.
func (es Entries) OwnersOf(list List) []Manager {
	var managers []Manager
	for _, e := range es {
		if e.Fields.Has(list.path) {
			managers = insert(managers, e.Manager)
		}
	}
	return managers
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

// Of tells who owns the item with this key. Managers are sorted; both answers
// are empty where nobody does.
func (o ListOwners) Of(key Key) ItemOwners {
	owners := ItemOwners{Leaves: map[string][]Manager{}}
	for i, set := range o.sets {
		if set.Members.Has(key) {
			owners.Item = insert(owners.Item, o.managers[i])
		}
		below, hasLeaves := set.Children.Get(key)
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
	return owners
}

// Managers are those that own something in the list, sorted.
func (o ListOwners) Managers() []Manager {
	var managers []Manager
	for _, m := range o.managers {
		managers = insert(managers, m)
	}
	return managers
}

// Keys are all the items that some manager names, by the item or by a leaf of
// it, sorted.
func (o ListOwners) Keys() []Key {
	all := fieldpath.MakePathElementSet(0)
	add := func(pe fieldpath.PathElement) {
		if pe.Key != nil {
			all.Insert(pe)
		}
	}
	for _, set := range o.sets {
		set.Members.Iterate(add)
		set.Children.Iterate(add)
	}
	keys := make([]Key, 0, all.Size())
	all.Iterate(func(pe fieldpath.PathElement) { keys = append(keys, pe) })
	return keys
}

// insert keeps managers sorted and each there once.
func insert(managers []Manager, m Manager) []Manager {
	at, found := slices.BinarySearchFunc(managers, m, Manager.Compare)
	if found {
		return managers
	}
	return slices.Insert(managers, at, m)
}
