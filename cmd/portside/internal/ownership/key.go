package ownership

import (
	"slices"

	"github.com/portside-dev/portside/fieldmanager"
)

// keyOf returns the key of an item of a list whose owned items have the keys that are
// named; the zero Key where the item lacks a key field.
//
// Normally all keys have the same fields. After a change of the list's key fields there
// are keys of both kinds; the one that managers know is taken. A key field that the item
// lacks is one with a default, which only managedFields have: the item is the one whose
// other key fields are the same, if there is one such.
func keyOf(item any, named []fieldmanager.Key) fieldmanager.Key {
	fields, _ := item.(map[string]any)
	var first fieldmanager.Key
	var defaulted []fieldmanager.Key
	for _, known := range named {
		key, complete := keyWith(fields, known.Fields())
		switch {
		case complete && key == known:
			return key
		case complete && first == (fieldmanager.Key{}):
			first = key
		case !complete && agrees(fields, known):
			defaulted = append(defaulted, known)
		}
	}
	if first == (fieldmanager.Key{}) && len(defaulted) == 1 {
		return defaulted[0]
	}
	return first
}

// keyWith returns the key of an item by these fields, and whether it has all of them.
func keyWith(item map[string]any, fields []string) (fieldmanager.Key, bool) {
	var pairs []any
	for _, name := range fields {
		switch v := item[name].(type) {
		case string, int64, float64, bool:
			pairs = append(pairs, name, v)
		default:
			return fieldmanager.Key{}, false
		}
	}
	if len(pairs) == 0 {
		return fieldmanager.Key{}, false
	}
	return fieldmanager.KeyOf(pairs...), true
}

// agrees reports whether the item has at least one of the key's fields, and each that it
// has with the key's value.
func agrees(item map[string]any, key fieldmanager.Key) bool {
	has := slices.DeleteFunc(key.Fields(), func(name string) bool { return item[name] == nil })
	mine, complete := keyWith(item, has)
	if !complete {
		return false
	}
	for _, name := range has {
		if mine.Value(name) != key.Value(name) {
			return false
		}
	}
	return true
}
