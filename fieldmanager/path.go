package fieldmanager

import (
	"fmt"

	"sigs.k8s.io/structured-merge-diff/v4/fieldpath"
	"sigs.k8s.io/structured-merge-diff/v4/value"
)

// Path is the path of one field, list item or list of an object.
type Path struct {
	path fieldpath.Path
}

// PathTo returns the path with these elements: names of fields (strings) and keys
// of list items ([Key]), from the root of the object on. It panics on anything
// else, so that the first test finds a wrong path.
func PathTo(elements ...any) Path {
	path := make(fieldpath.Path, 0, len(elements))
	for _, e := range elements {
		switch e := e.(type) {
		case string:
			path = append(path, fieldpath.PathElement{FieldName: &e})
		case Key:
			path = append(path, e.element())
		default:
			panic(fmt.Sprintf("fieldmanager: %v (%T) in a path is neither the name of a field nor a Key", e, e))
		}
	}
	return Path{path}
}

// Field returns the path of a field below this one.
func (p Path) Field(name string) Path { return Path{child(p.path, name)} }

// Item returns the path of an item of the keyed list at this path.
func (p Path) Item(key Key) Path { return p.add(key.element()) }

// Value returns the path of a value of the set at this path, such as
// .metadata.finalizers[="example.com/cleanup"]. The value is as decoded from JSON.
func (p Path) Value(v any) Path {
	of := value.NewValueInterface(v)
	return p.add(fieldpath.PathElement{Value: &of})
}

// Index returns the path of an element of the list at this path that has neither a key
// nor a value of its own.
func (p Path) Index(i int) Path { return p.add(fieldpath.PathElement{Index: &i}) }

func (p Path) add(pe fieldpath.PathElement) Path { return Path{append(p.path.Copy(), pe)} }

// List returns the list that is the field of this name below this path.
func (p Path) List(field string) List { return List{child(p.path, field)} }

// String returns the path as the API server prints it, such as
// .spec.template.spec.containers[name="web"].image.
func (p Path) String() string { return p.path.String() }

func child(parent fieldpath.Path, field string) fieldpath.Path {
	return append(parent.Copy(), fieldpath.PathElement{FieldName: &field})
}
