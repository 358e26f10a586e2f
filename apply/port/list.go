package port

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/portside-dev/portside/fieldmanager"
)

const (
	// NamePrefix begins the name of every adapter port.
	NamePrefix = "adapter-"

	// MaxPorts is how many adapter ports a container may have, whichever managers
	// declare them.
	MaxPorts = 64
)

// List describes a list of an object whose items have a key and a name, such as the
// ports of a container. The contract is the same for every such list.
type List struct {
	// At is where the list is.
	At fieldmanager.List
	// Key are the fields that identify an item to the API server, in the order by
	// which new items are sorted. Their values are strings, numbers or bools.
	Key []string
	// Name is the field with an item's name, which is unique in the list. It may be
	// one of the key fields.
	Name string
	// Prefix begins the names of adapter items. An item with another name is
	// static.
	Prefix string
	// Max is how many adapter items the list may have, whichever managers declare
	// them. Zero means any number.
	Max int
}

// Item is one item of a list. Without a name it stands for an apply that leaves the name
// to other managers and only keeps the item.
type Item struct {
	Key  fieldmanager.Key
	Name string
}

// KeyOf returns the key with these values of the key fields, in the order of
// [List.Key]. It panics where their number is another.
func (l List) KeyOf(values ...any) fieldmanager.Key {
	if len(values) != len(l.Key) {
		panic(fmt.Sprintf("port: %d values for the key fields %v", len(values), l.Key))
	}
	fields := make([]any, 0, 2*len(values))
	for i, v := range values {
		fields = append(fields, l.Key[i], v)
	}
	return fieldmanager.KeyOf(fields...)
}

// Text returns the values of a key, as in 12049/TCP.
func (l List) Text(key fieldmanager.Key) string {
	values := make([]string, len(l.Key))
	for i, field := range l.Key {
		values[i] = fmt.Sprint(key.Value(field))
	}
	return strings.Join(values, "/")
}

// Claim returns the fields that an apply of these items and no others comes to own.
func (l List) Claim(items []Item) fieldmanager.Fields {
	var named, unnamed []fieldmanager.Key
	for _, i := range items {
		if i.Name == "" {
			unnamed = append(unnamed, i.Key)
		} else {
			named = append(named, i.Key)
		}
	}
	return l.At.Claim(l.Leaves(), named...).Union(l.At.Claim(l.Key, unnamed...))
}

// Leaves returns the fields of an item that an apply of the item with its name sets.
func (l List) Leaves() []string {
	if slices.Contains(l.Key, l.Name) {
		return l.Key
	}
	return append(slices.Clone(l.Key), l.Name)
}

// isAdapters reports whether a name is an adapter item's.
func (l List) isAdapters(name string) bool { return strings.HasPrefix(name, l.Prefix) }

// compare orders keys by the values of the key fields.
func (l List) compare(a, b fieldmanager.Key) int {
	for _, field := range l.Key {
		if c := compareValues(a.Value(field), b.Value(field)); c != 0 {
			return c
		}
	}
	return 0
}

func compareValues(a, b any) int {
	if x, ok := a.(int64); ok {
		if y, ok := b.(int64); ok {
			return cmp.Compare(x, y)
		}
	}
	return cmp.Compare(fmt.Sprint(a), fmt.Sprint(b))
}

// Item returns a port as an item of the list, whose key fields are a number and a
// protocol.
func (l List) Item(p Port) Item { return Item{Key: l.KeyOf(p.Number, p.Protocol), Name: p.Name} }

// Port returns an item of such a list as a port.
func (l List) Port(i Item) Port {
	number, _ := i.Key.Value(l.Key[0]).(int64)
	protocol, _ := i.Key.Value(l.Key[1]).(string)
	return Port{Name: i.Name, Number: int32(number), Protocol: corev1.Protocol(protocol)} //nolint:gosec // G115: a desired or live port's number
}
