package ownership

import (
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/portside-dev/portside/fieldmanager"
)

// Of returns the owners of an object's fields. The tree has no metadata.managedFields. The
// error is managedFields that cannot be read.
func Of(object *unstructured.Unstructured) (*Tree, error) {
	entries, err := fieldmanager.Decode(object.GetManagedFields())
	if err != nil {
		return nil, err
	}
	object = object.DeepCopy()
	object.SetManagedFields(nil)
	return &Tree{
		APIVersion: object.GetAPIVersion(),
		Kind:       object.GetKind(),
		Namespace:  object.GetNamespace(),
		Name:       object.GetName(),
		Managers:   writersOf(entries),
		Root:       nodeAt(fieldmanager.Path{}, "", present(object.Object), owners{PathOwners: entries.Root()}),
	}, nil
}

// writersOf returns the managers of entries.
func writersOf(entries fieldmanager.Entries) []Writer {
	var all []Writer
	for _, e := range entries {
		at := slices.IndexFunc(all, func(w Writer) bool { return w.Manager == e.Manager })
		if at < 0 {
			at = len(all)
			all = append(all, Writer{Manager: e.Manager})
		}
		w := &all[at]
		if !slices.Contains(w.APIVersions, e.APIVersion) {
			w.APIVersions = append(w.APIVersions, e.APIVersion)
		}
		if w.LastWrite == nil || w.LastWrite.Before(e.Time) {
			w.LastWrite = e.Time
		}
	}
	slices.SortFunc(all, func(a, b Writer) int { return a.Compare(b.Manager) })
	return all
}

// found is the value of a path of the object, or that there is none.
type found struct {
	value  any
	exists bool
}

func present(value any) found { return found{value, true} }

// owners are the owners of a path and of what is below it. Below an atomic list or map
// whole has the owners of the whole, which are the owners of every part.
type owners struct {
	fieldmanager.PathOwners
	whole []fieldmanager.Manager
}

// untracked are the fields that the API server takes out of managedFields
// (stripSet in k8s.io/apimachinery/pkg/util/managedfields/internal/stripmeta.go), and
// those that a deletion sets, which no manager can write.
var untracked = []string{
	".apiVersion", ".kind", ".metadata.creationTimestamp", ".metadata.deletionGracePeriodSeconds", ".metadata.deletionTimestamp",
	".metadata.generation", ".metadata.name", ".metadata.namespace", ".metadata.resourceVersion", ".metadata.selfLink", ".metadata.uid",
}

// nodeAt returns the node of a path, with its parts. Name is the last element of the path.
func nodeAt(path fieldmanager.Path, name string, at found, of owners) *Node {
	text := path.String()
	n := &Node{
		Name:      name,
		Path:      text,
		Kind:      kindOf(at, of, text),
		Value:     at.value,
		Owners:    of.Owners(),
		Inherited: len(of.whole) > 0,
		Untracked: slices.Contains(untracked, text),
		Missing:   !at.exists,
	}
	if n.Inherited {
		n.Owners = of.whole
	}
	for _, m := range of.Below() {
		if !n.Has(m) {
			n.Partial = append(n.Partial, m)
		}
	}
	if n.Atomic() {
		of.whole = n.Owners
	}
	switch n.Kind {
	case Map, AtomicMap:
		n.Children = fieldsOf(path, at, of)
	case KeyedList:
		n.Children = itemsOf(path, at, of)
	case Set:
		n.Children = valuesOf(path, at, of)
	case AtomicList, List:
		n.Children = elementsOf(path, at, of)
	case Scalar:
	}
	return n
}

// kindOf returns the kind of a value with these owners.
func kindOf(at found, of owners, path string) Kind {
	owned := len(of.Owners()) > 0 || len(of.whole) > 0
	keyed, set := len(of.Keys()) > 0, len(of.Values()) > 0
	switch v := at.value.(type) {
	case map[string]any:
		if owned && of.Leaf() && len(v) > 0 && path != "" {
			return AtomicMap
		}
		return Map
	case []any:
		switch {
		case keyed:
			return KeyedList
		case set:
			return Set
		case owned:
			return AtomicList
		}
		return List
	}
	switch {
	case at.exists || of.Leaf():
		return Scalar
	case keyed:
		return KeyedList
	case set:
		return Set
	}
	return Map
}

// fieldsOf returns the fields of a map, and then those that it lacks.
func fieldsOf(path fieldmanager.Path, at found, of owners) []*Node {
	fields, _ := at.value.(map[string]any)
	missing := slices.DeleteFunc(of.Fields(), func(name string) bool { _, has := fields[name]; return has })
	var nodes []*Node
	for _, name := range slices.Concat(slices.Sorted(maps.Keys(fields)), missing) {
		value, exists := fields[name]
		nodes = append(nodes, nodeAt(path.Field(name), name, found{value, exists}, owners{of.Field(name), of.whole}))
	}
	return nodes
}

// itemsOf returns the items of a keyed list, and then those that it lacks. An item that
// lacks a key field is at its index and has no owners.
func itemsOf(path fieldmanager.Path, at found, of owners) []*Node {
	items, _ := at.value.([]any)
	named := of.Keys()
	keys := make([]fieldmanager.Key, len(items))
	for i := range items {
		keys[i] = keyOf(items[i], named)
	}
	var nodes []*Node
	for i, key := range keys {
		if key == (fieldmanager.Key{}) {
			nodes = append(nodes, item(path, path.Index(i), key, present(items[i]), owners{}))
			continue
		}
		n := item(path, path.Item(key), key, present(items[i]), owners{of.Item(key), of.whole})
		n.Duplicate = count(keys, key) > 1
		nodes = append(nodes, n)
	}
	for _, key := range named {
		if !slices.Contains(keys, key) {
			nodes = append(nodes, item(path, path.Item(key), key, found{}, owners{of.Item(key), of.whole}))
		}
	}
	return nodes
}

// item returns the node of an item of a list.
func item(list, path fieldmanager.Path, key fieldmanager.Key, at found, of owners) *Node {
	n := nodeAt(path, strings.TrimPrefix(path.String(), list.String()), at, of)
	n.Item, n.Key = true, key
	return n
}

func count(keys []fieldmanager.Key, key fieldmanager.Key) int {
	n := 0
	for _, k := range keys {
		if k == key {
			n++
		}
	}
	return n
}

// valuesOf returns the items of a set, and then those that it lacks.
func valuesOf(path fieldmanager.Path, at found, of owners) []*Node {
	items, _ := at.value.([]any)
	var (
		nodes []*Node
		seen  = map[string]int{}
	)
	for _, v := range items {
		seen[path.Value(v).String()]++
	}
	for _, v := range items {
		n := item(path, path.Value(v), fieldmanager.Key{}, present(v), owners{of.Value(v), of.whole})
		n.Duplicate = seen[n.Path] > 1
		nodes = append(nodes, n)
	}
	for _, v := range of.Values() {
		if below := path.Value(v); seen[below.String()] == 0 {
			nodes = append(nodes, item(path, below, fieldmanager.Key{}, found{}, owners{of.Value(v), of.whole}))
		}
	}
	return nodes
}

// elementsOf returns the elements of a list that has neither keys nor values of its own.
func elementsOf(path fieldmanager.Path, at found, of owners) []*Node {
	items, _ := at.value.([]any)
	var nodes []*Node
	for i, v := range items {
		nodes = append(nodes, item(path, path.Index(i), fieldmanager.Key{}, present(v), owners{whole: of.whole}))
	}
	return nodes
}
