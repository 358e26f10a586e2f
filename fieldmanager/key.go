package fieldmanager

import (
	"fmt"
	"math"
	"reflect"

	"sigs.k8s.io/structured-merge-diff/v4/fieldpath"
	"sigs.k8s.io/structured-merge-diff/v4/value"
)

// Key identifies an item of a keyed list by the values of the list's key fields.
// Keys are comparable: two keys of the same fields and values are equal.
type Key struct {
	// text has the fields as JSON in the order of their names, with which an
	// element of a path is serialized.
	text string
}

// KeyOf returns the key of pairs of a field's name and its value, such as
// KeyOf("containerPort", 12049, "protocol", "TCP"). Values may be of named
// types, such as corev1.Protocol. Every key field of the list must be given,
// defaulted ones as well, since the API server keys what it stored. KeyOf panics
// where there is no pair, a name is not a string, a value is missing, or a value
// is no string, number or bool.
func KeyOf(nameValues ...any) Key {
	plain := make([]any, len(nameValues))
	for i, v := range nameValues {
		plain[i] = plainValue(v)
	}
	if len(plain) == 0 {
		panic("fieldmanager: a key without fields")
	}
	return keyOf(fieldpath.PathElement{Key: fieldpath.KeyByFields(plain...)})
}

// keyOf returns the key of a list item that is an element of a path.
func keyOf(item fieldpath.PathElement) Key {
	text, err := fieldpath.SerializePathElement(item)
	if err != nil {
		panic(fmt.Sprintf("fieldmanager: cannot serialize the key %s: %v", item, err)) // all values are from JSON
	}
	return Key{text}
}

// plainValue returns a value as it is read from JSON. Of a value of a named type
// fieldpath would make a key that no item has.
func plainValue(v any) any {
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

// element returns the key as an element of a path. It panics for the zero Key.
func (k Key) element() fieldpath.PathElement {
	item, err := fieldpath.DeserializePathElement(k.text)
	if err != nil {
		panic(fmt.Sprintf("fieldmanager: the key %q is not made by KeyOf: %v", k.text, err))
	}
	return item
}

// Value returns the value of a key field: a string, int64, float64 or bool. It is
// nil where the key does not have the field.
func (k Key) Value(field string) any {
	for _, f := range k.fields() {
		if f.Name == field {
			if f.Value.IsFloat() && f.Value.AsFloat() == math.Trunc(f.Value.AsFloat()) {
				return int64(f.Value.AsFloat()) // as JSON, 1 and 1.0 are one number
			}
			return f.Value.Unstructured()
		}
	}
	return nil
}

// fields returns the fields in the order of their names.
func (k Key) fields() value.FieldList {
	if k.text == "" {
		return nil
	}
	return *k.element().Key
}

// compare orders keys by their fields' names and values.
func (k Key) compare(o Key) int { return k.fields().Compare(o.fields()) }

// String returns the key as the API server prints it, such as
// [containerPort=12049,protocol="TCP"].
func (k Key) String() string {
	if k.text == "" {
		return "[]"
	}
	return k.element().String()
}

// lacks returns the fields that an item's key has and k has not. It is false where
// k has a field that the item's key has not: then the two are keys of different
// lists.
func (k Key) lacks(item fieldpath.PathElement) (fields []string, same bool) {
	for _, f := range *item.Key {
		if k.Value(f.Name) == nil {
			fields = append(fields, f.Name)
		}
	}
	return fields, len(fields)+len(k.fields()) == len(*item.Key)
}

func isKeyField(item fieldpath.PathElement, field string) bool {
	if item.Key == nil {
		return false
	}
	for _, f := range *item.Key {
		if f.Name == field {
			return true
		}
	}
	return false
}
