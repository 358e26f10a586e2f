package ownership

import (
	"iter"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/portside-dev/portside/fieldmanager"
)

// Tree is an object with the owners of its fields.
type Tree struct {
	APIVersion string
	Kind       string
	Namespace  string
	Name       string
	// Managers are those of the object, each once, sorted.
	Managers []Writer
	// Root is the object itself. It has no name; its children are apiVersion, kind,
	// metadata and so on.
	Root *Node
}

// Writer is a manager of an object, and what its entries in managedFields record of it.
type Writer struct {
	fieldmanager.Manager
	// APIVersions are those of its entries, in their order.
	APIVersions []string
	// LastWrite is when it last changed a field that it owns; nil if not recorded.
	LastWrite *metav1.Time
}

// Kind says how the API server tracks the owners of a node.
type Kind string

// The kinds of nodes.
const (
	// Scalar is a string, number, bool or null.
	Scalar Kind = "Scalar"
	// Map is a struct or a map whose parts have owners of their own.
	Map Kind = "Map"
	// AtomicMap is a struct or a map that is owned as a whole.
	AtomicMap Kind = "AtomicMap"
	// KeyedList is a list whose items are identified by key fields
	// (x-kubernetes-list-type: map).
	KeyedList Kind = "KeyedList"
	// Set is a list whose items are identified by their values
	// (x-kubernetes-list-type: set).
	Set Kind = "Set"
	// AtomicList is a list that is owned as a whole.
	AtomicList Kind = "AtomicList"
	// List is a list of which no manager owns anything, so that its kind is not known.
	List Kind = "List"
)

// Node is a field, or an item of a list.
type Node struct {
	// Name is the last element of the path: the name of a field, or in brackets the key
	// of an item, [name="web"], the value of an item of a set, [="example.com/cleanup"],
	// or the index of an item of any other list, [0].
	Name string
	// Path is the path as the API server prints it, such as
	// .spec.template.spec.containers[name="web"].image; empty for the root.
	Path string
	// Kind says how the owners of the node's parts are tracked. Where [Node.Missing] is
	// set it is derived from managedFields alone.
	Kind Kind
	// Item is true for an item of a list, false for a field.
	Item bool
	// Key identifies an item of a [KeyedList]; the zero Key for every other node.
	Key fieldmanager.Key
	// Value is the value as decoded from JSON, with all parts. It must not be changed.
	// It is nil where the object does not have the node.
	Value any

	// Owners are the managers that own the node itself, sorted. An item stays in its list
	// as long as it has one.
	Owners []fieldmanager.Manager
	// Partial are the managers that own something below the node and not the node
	// itself, sorted. They do not keep an item in its list.
	Partial []fieldmanager.Manager
	// Inherited is true for a part of an atomic list or map: Owners are those of the
	// whole.
	Inherited bool
	// Untracked is true for a field whose owners the API server does not track, such as
	// metadata.uid.
	Untracked bool
	// Duplicate is true for one of several items with one key or value.
	Duplicate bool
	// Missing is true for a path that managers own and the object does not have.
	Missing bool

	// Children are the parts: fields sorted by name, as kubectl prints them, items in the
	// order of the list, and after both those that are missing.
	Children []*Node
}

// Unowned reports whether the API server tracks the owners of the node and there is none.
// A [Map] with parts is not unowned: its parts are owned, or not, one by one.
func (n *Node) Unowned() bool {
	switch {
	case len(n.Owners) > 0 || n.Untracked || n.Missing:
		return false
	case n.Item || n.Kind == Scalar || n.Kind == List:
		return true
	}
	return len(n.Children) == 0 && n.Path != ""
}

// Atomic reports whether the node is owned as a whole.
func (n *Node) Atomic() bool { return n.Kind == AtomicList || n.Kind == AtomicMap }

// IsList reports whether the node is a list of any kind.
func (n *Node) IsList() bool {
	return n.Kind == KeyedList || n.Kind == Set || n.Kind == AtomicList || n.Kind == List
}

// KeyFields returns the key fields of a [KeyedList], sorted, and nil for another node.
func (n *Node) KeyFields() []string {
	if n.Kind != KeyedList {
		return nil
	}
	for _, item := range n.Children {
		if fields := item.Key.Fields(); len(fields) > 0 {
			return fields
		}
	}
	return nil
}

// Child returns the child of this name, nil if there is none. Of items with one key it is
// the first.
func (n *Node) Child(name string) *Node {
	for _, c := range n.Children {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// All returns the node and all nodes below it, in the order of the tree.
func (n *Node) All() iter.Seq[*Node] {
	return func(yield func(*Node) bool) { n.walk(yield) }
}

func (n *Node) walk(yield func(*Node) bool) bool {
	if !yield(n) {
		return false
	}
	for _, c := range n.Children {
		if !c.walk(yield) {
			return false
		}
	}
	return true
}

// Has reports whether a manager owns the node itself.
func (n *Node) Has(m fieldmanager.Manager) bool { return slices.Contains(n.Owners, m) }

// FieldsOf returns the names of the children that a manager owns, or of which it owns a
// part.
func (n *Node) FieldsOf(m fieldmanager.Manager) []string {
	var names []string
	for _, c := range n.Children {
		if c.Has(m) || slices.Contains(c.Partial, m) {
			names = append(names, c.Name)
		}
	}
	return names
}
