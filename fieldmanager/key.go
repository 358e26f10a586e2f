package fieldmanager

import (
	"cmp"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"

	"sigs.k8s.io/structured-merge-diff/v4/fieldpath"
	"sigs.k8s.io/structured-merge-diff/v4/value"
)

// Key identifies an item of a keyed list by the values of the list's key fields.
// Keys are comparable: two keys of the same fields and values are equal.
type Key struct {
	// fields are the first count ones, in the order of their names.
	fields [maxFields]keyField
	count  int
	// other has a key of more fields, of none, or of a value that is no scalar, as an
	// element of a path is serialized.
	other string
}

// maxFields is how many fields a key has inline. Hardly a list is keyed by more.
const maxFields = 2

// keyField has a string, int64, float64 or bool.
type keyField struct {
	name  string
	value any
}

// KeyOf returns the key of pairs of a field's name and its value, such as
// KeyOf("containerPort", 12049, "protocol", "TCP"). Values may be of named
// types, such as corev1.Protocol. Every key field of the list must be given,
// defaulted ones as well, since the API server keys what it stored. KeyOf panics
// where there is no pair, a name is not a string, a value is missing, or a value
// is no string, number or bool.
func KeyOf(nameValues ...any) Key {
	if len(nameValues) == 0 || len(nameValues)%2 != 0 {
		panic(fmt.Sprintf("fieldmanager: a key of %d names and values", len(nameValues)))
	}
	var inline [maxFields]keyField
	fields := inline[:0]
	for i := 0; i < len(nameValues); i += 2 {
		name, ok := nameValues[i].(string)
		if !ok {
			panic(fmt.Sprintf("fieldmanager: a key has a field named %v of type %T", nameValues[i], nameValues[i]))
		}
		fields = append(fields, keyField{name, plainValue(nameValues[i+1])})
	}
	slices.SortStableFunc(fields, func(a, b keyField) int { return strings.Compare(a.name, b.name) })
	if k, ok := inlineKey(fields); ok {
		return k
	}
	return keyOf(elementOf(fields))
}

// plainValue returns a value as it is read from JSON. Of a value of a named type
// fieldpath would make a key that no item has.
func plainValue(v any) any {
	switch v.(type) {
	case string, int64, bool:
		return v
	}
	switch r := reflect.ValueOf(v); {
	case r.Kind() == reflect.String:
		return r.String()
	case r.Kind() == reflect.Bool:
		return r.Bool()
	case r.CanInt():
		return r.Int()
	case r.CanUint():
		return int64(r.Uint()) //nolint:gosec // G115: no key of a list is that large
	case r.CanFloat():
		return r.Float()
	}
	panic(fmt.Sprintf("fieldmanager: a key has the value %v of type %T", v, v))
}

// keyOf returns the key of a list item that is an element of a path.
func keyOf(item fieldpath.PathElement) Key {
	var inline [maxFields]keyField
	fields := inline[:0]
	for _, f := range *item.Key {
		fields = append(fields, keyField{f.Name, f.Value.Unstructured()})
	}
	if k, ok := inlineKey(fields); ok {
		return k
	}
	text, err := fieldpath.SerializePathElement(item)
	if err != nil {
		panic(fmt.Sprintf("fieldmanager: cannot serialize the key %s: %v", item, err)) // all values are from JSON
	}
	return Key{other: text}
}

func inlineKey(fields []keyField) (k Key, ok bool) {
	if len(fields) == 0 || len(fields) > maxFields {
		return Key{}, false
	}
	for i, f := range fields {
		switch f.value = asRead(f.value); f.value.(type) {
		case string, int64, float64, bool:
		default:
			return Key{}, false
		}
		k.fields[i] = f
	}
	k.count = len(fields)
	return k, true
}

// asRead returns a whole number as int64: as JSON, 1 and 1.0 are one number.
func asRead(v any) any {
	if number, ok := v.(float64); ok && number == math.Trunc(number) && math.Abs(number) < 1<<53 {
		return int64(number)
	}
	return v
}

// elementOf returns fields, sorted, as an element of a path.
func elementOf(fields []keyField) fieldpath.PathElement {
	list := make(value.FieldList, len(fields))
	for i, f := range fields {
		list[i] = value.Field{Name: f.name, Value: value.NewValueInterface(f.value)}
	}
	return fieldpath.PathElement{Key: &list}
}

// element returns the key as an element of a path. It panics for the zero Key.
func (k Key) element() fieldpath.PathElement {
	if k == (Key{}) {
		panic("fieldmanager: a key without fields")
	}
	if k.other != "" {
		item, err := fieldpath.DeserializePathElement(k.other)
		if err != nil {
			panic(fmt.Sprintf("fieldmanager: cannot read the key %q: %v", k.other, err)) // it was serialized by keyOf
		}
		return item
	}
	return elementOf(k.fields[:k.count])
}

// Value returns the value of a key field: a string, int64, float64 or bool. It is
// nil where the key does not have the field.
func (k Key) Value(field string) any {
	for _, f := range k.fields[:k.count] {
		if f.name == field {
			return f.value
		}
	}
	if k.other != "" {
		for _, f := range *k.element().Key {
			if f.Name == field {
				return asRead(f.Value.Unstructured())
			}
		}
	}
	return nil
}

// Fields returns the names of the key fields, sorted.
func (k Key) Fields() []string {
	if k.other != "" {
		return fieldNames(k.element())
	}
	names := make([]string, k.count)
	for i, f := range k.fields[:k.count] {
		names[i] = f.name
	}
	return names
}

func fieldNames(item fieldpath.PathElement) []string {
	var names []string
	if item.Key != nil {
		for _, f := range *item.Key {
			names = append(names, f.Name)
		}
	}
	return names
}

// compare orders keys by their fields' names and values.
func (k Key) compare(o Key) int {
	if k == o {
		return 0
	}
	return cmp.Or(k.element().Compare(o.element()), cmp.Compare(k.other, o.other))
}

// String returns the key as the API server prints it, such as
// [containerPort=12049,protocol="TCP"].
func (k Key) String() string {
	if k == (Key{}) {
		return "[]"
	}
	return k.element().String()
}

func isKeyField(item fieldpath.PathElement, field string) bool {
	return slices.Contains(fieldNames(item), field)
}
