package fieldmanager

import (
	"sigs.k8s.io/structured-merge-diff/v4/fieldpath"
)

// List is a list of an object whose items the API server identifies by key
// fields (x-kubernetes-list-type: map).
type List struct {
	path fieldpath.Path
}

// ListAt returns the list at a path of names of fields (strings) and keys of the
// items above it, such as
//
//	ListAt("spec", "template", "spec", "containers", KeyOf("name", "web"), "env")
//
// It panics on anything else, so that the first test finds a wrong path.
func ListAt(path ...any) List { return List{PathTo(path...).path} }

// Item returns the path of an item.
func (l List) Item(key Key) Path { return Path{append(l.path.Copy(), key.element())} }

// Path returns the path of the list itself.
func (l List) Path() Path { return Path{l.path.Copy()} }

// Claim returns the fields that a manager owns after applying these items with
// these leaves and nothing else: the items, their leaves, and of each list item
// above them the item and its key fields, without which the server could not
// know which item is meant. Without keys it is what is left once all items are
// given up by an apply that still names the item above.
func (l List) Claim(leaves []string, keys ...Key) Fields {
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
		item := append(l.path.Copy(), key.element())
		claim.Insert(item)
		for _, leaf := range leaves {
			claim.Insert(child(item, leaf))
		}
	}
	return Fields{claim}
}

// in returns what a set has below the list.
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
