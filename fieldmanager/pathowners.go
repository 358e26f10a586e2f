package fieldmanager

import (
	"sigs.k8s.io/structured-merge-diff/v4/fieldpath"
	"sigs.k8s.io/structured-merge-diff/v4/value"
)

// PathOwners are the owners of one path of an object and of all that is below it.
// [Entries.Root] returns those of the whole object; [PathOwners.Field],
// [PathOwners.Item] and [PathOwners.Value] descend from there. A caller that follows
// an object in this way needs no schema: whether a list is keyed, and by which fields, is in
// the paths that managers own.
type PathOwners struct {
	owners []Manager
	below  ListOwners
}

// Root returns the owners of the object and of all that is in it. No manager owns the
// root itself.
func (es Entries) Root() PathOwners { return PathOwners{below: es.In(List{})} }

// Owners returns the managers that own the path itself, sorted. What is below it
// belongs to them as well only where [PathOwners.Leaf] is true.
func (o PathOwners) Owners() []Manager { return o.owners }

// Below returns the managers that own something below the path, sorted.
func (o PathOwners) Below() []Manager { return o.below.Managers() }

// Leaf reports whether no manager owns anything below the path. A list or map that is
// owned and is a leaf is atomic: its owner owns each part of it.
func (o PathOwners) Leaf() bool { return len(o.below.sets) == 0 }

// Field returns the owners of a field of this path.
func (o PathOwners) Field(name string) PathOwners {
	return o.child(fieldpath.PathElement{FieldName: &name})
}

// Item returns the owners of an item of this path, which is a keyed list.
func (o PathOwners) Item(key Key) PathOwners { return o.child(key.element()) }

// Value returns the owners of a value of this path, which is a set, such as
// metadata.finalizers. The value is as decoded from JSON.
func (o PathOwners) Value(v any) PathOwners {
	of := value.NewValueInterface(v)
	return o.child(fieldpath.PathElement{Value: &of})
}

// Fields returns the fields that some manager names below this path, sorted.
func (o PathOwners) Fields() []string {
	var names []string
	o.elements().Iterate(func(pe fieldpath.PathElement) {
		if pe.FieldName != nil {
			names = append(names, *pe.FieldName)
		}
	})
	return names
}

// Keys returns the items that some manager names below this path, by the item or by a
// leaf of it, sorted. There are none unless the path is a keyed list.
func (o PathOwners) Keys() []Key { return o.below.Keys() }

// Values returns the values that some manager names below this path, sorted, as decoded
// from JSON. There are none unless the path is a set.
func (o PathOwners) Values() []any {
	var values []any
	o.elements().Iterate(func(pe fieldpath.PathElement) {
		if pe.Value != nil {
			values = append(values, (*pe.Value).Unstructured())
		}
	})
	return values
}

// child returns the owners of an element of this path.
func (o PathOwners) child(pe fieldpath.PathElement) PathOwners {
	var c PathOwners
	for i, set := range o.below.sets {
		m := o.below.managers[i]
		if set.Members.Has(pe) {
			c.owners = insert(c.owners, m)
		}
		if below, has := set.Children.Get(pe); has && !below.Empty() {
			c.below.managers, c.below.sets = append(c.below.managers, m), append(c.below.sets, below)
		}
	}
	return c
}

// elements returns the elements below this path, each once, sorted.
func (o PathOwners) elements() *fieldpath.PathElementSet {
	all := &fieldpath.PathElementSet{}
	for _, set := range o.below.sets {
		set.Members.Iterate(all.Insert)
		set.Children.Iterate(all.Insert)
	}
	return all
}
