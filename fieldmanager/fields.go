package fieldmanager

import (
	"bytes"
	"errors"
	"slices"
	"unicode/utf8"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/structured-merge-diff/v4/fieldpath"
)

// Fields is a set of fields of an object, such as those that a manager owns. The
// zero value is the empty set. A Fields does not change.
type Fields struct {
	set *fieldpath.Set
}

// Has reports whether the field, item or list at the path is in the set itself.
func (f Fields) Has(p Path) bool { return f.read().Has(p.path) }

// Empty reports whether the set has no fields.
func (f Fields) Empty() bool { return f.read().Empty() }

// Equals reports whether both sets have the same fields.
func (f Fields) Equals(g Fields) bool { return f.read().Equals(g.read()) }

// Union returns the fields that are in one of the sets or in both.
func (f Fields) Union(g Fields) Fields { return Fields{f.read().Union(g.read())} }

// Difference returns the fields that are not in g.
func (f Fields) Difference(g Fields) Fields { return Fields{f.read().Difference(g.read())} }

// Items returns the part of the set that is about the items of a list: the items,
// their key fields, and what is below the fields that are named.
func (f Fields) Items(list List, below ...string) Fields {
	items, depth := fieldpath.NewSet(), len(list.path)
	f.read().Iterate(func(p fieldpath.Path) {
		if len(p) <= depth || !p[:depth].Equals(list.path) {
			return
		}
		switch rest := p[depth+1:]; {
		case len(rest) == 0:
			items.Insert(p.Copy())
		case rest[0].FieldName == nil:
		case len(rest) == 1 && isKeyField(p[depth], *rest[0].FieldName),
			len(rest) > 1 && slices.Contains(below, *rest[0].FieldName):
			items.Insert(p.Copy())
		}
	})
	return Fields{items}
}

// Of returns the part of the set that is the list itself and what is below it.
func (f Fields) Of(list List) Fields {
	part, depth := fieldpath.NewSet(), len(list.path)
	if f.Has(list.Path()) || !list.in(f.read()).Empty() {
		f.read().Iterate(func(p fieldpath.Path) {
			if len(p) >= depth && p[:depth].Equals(list.path) {
				part.Insert(p.Copy())
			}
		})
	}
	return Fields{part}
}

// FieldsV1 returns the set in the format of metadata.managedFields.
func (f Fields) FieldsV1() (*metav1.FieldsV1, error) {
	raw, err := f.read().ToJSON()
	if err != nil {
		return nil, err
	}
	return metav1.NewFieldsV1(string(raw)), nil
}

// Paths returns the paths of the fields as the API server prints them, such as
// .spec.template.spec.containers[name="web"].image, in its order.
func (f Fields) Paths() []string {
	var paths []string
	f.read().Iterate(func(p fieldpath.Path) { paths = append(paths, p.String()) })
	return paths
}

// String returns the paths of the fields, one a line.
func (f Fields) String() string { return f.read().String() }

// nothing is the set of a zero Fields. It is only read.
var nothing = fieldpath.NewSet()

func (f Fields) read() *fieldpath.Set {
	if f.set == nil {
		return nothing
	}
	return f.set
}

func decodeFields(fields *metav1.FieldsV1) (Fields, error) {
	set, raw := fieldpath.NewSet(), fields.GetRawBytes()
	if len(raw) == 0 {
		return Fields{set}, nil
	}
	if !utf8.Valid(raw) {
		// Written again, keys that differ in such bytes alone would be one.
		return Fields{}, errors.New("not UTF-8")
	}
	return Fields{set}, set.FromJSON(bytes.NewReader(raw))
}
