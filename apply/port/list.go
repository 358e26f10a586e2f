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
	// Of is what has the list, for messages: "container" or "Service".
	Of string
	// Fields are further fields of an item that an apply may set, such as the targetPort
	// of a Service's port; at most [MaxFields]. Their values are strings or numbers.
	Fields []string
	// Allocated is the one of Fields with a number that the server allocates to an item
	// that gives none, and that no two items may share that differ in the first key
	// field alone: the nodePort of a Service's port. Empty means none.
	Allocated string
	// Named reports that the server refuses an item without a name next to others.
	Named bool
	// NotEmpty reports that the server refuses the list without items.
	NotEmpty bool
}

// MaxFields is how many fields an item can have besides its key and name.
const MaxFields = 3

// Item is one item of a list. Without a name it stands for an apply that leaves the name
// to other managers and only keeps the item.
type Item struct {
	Key  fieldmanager.Key
	Name string
	// Values are those of [List.Fields], in their order: strings or int64. Nil leaves the
	// field to the server or to other managers.
	Values [MaxFields]any
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

// Value returns the value of a field of an item, nil where it has none.
func (l List) Value(i Item, field string) any {
	switch at := l.fieldAt(field); {
	case at >= 0:
		return i.Values[at]
	case field == l.Name && i.Name != "":
		return i.Name
	}
	return i.Key.Value(field)
}

// Claim returns the fields that an apply of these items and no others comes to own.
func (l List) Claim(items []Item) fieldmanager.Fields {
	type shape struct {
		named bool
		sets  [MaxFields]bool
	}
	keys := map[shape][]fieldmanager.Key{}
	for _, i := range items {
		s := shape{named: i.Name != ""}
		for at, value := range i.Values {
			s.sets[at] = value != nil
		}
		keys[s] = append(keys[s], i.Key)
	}
	claim := l.At.Claim(nil)
	for s, of := range keys {
		claim = claim.Union(l.At.Claim(l.leaves(s.named, s.sets), of...))
	}
	return claim
}

// Leaves returns the fields of an item that an apply may set.
func (l List) Leaves() []string { return l.leaves(true, [MaxFields]bool{true, true, true}) }

// leaves returns the fields of an item that an apply sets which gives it a name or not,
// and these of the further fields.
func (l List) leaves(named bool, sets [MaxFields]bool) []string {
	leaves := slices.Clone(l.Key)
	if named && !slices.Contains(l.Key, l.Name) {
		leaves = append(leaves, l.Name)
	}
	for i, field := range l.Fields {
		if sets[i] {
			leaves = append(leaves, field)
		}
	}
	return leaves
}

// fieldAt returns the index of one of [List.Fields], -1 for another field.
func (l List) fieldAt(field string) int { return slices.Index(l.Fields, field) }

// allocated returns the value of the field that the server allocates, nil where the item
// has none.
func (l List) allocated(i Item) any {
	if l.Allocated == "" {
		return nil
	}
	return i.Values[l.fieldAt(l.Allocated)]
}

// shares reports whether two items may not both have an allocated value: they differ in
// the first key field at most.
func (l List) shares(a, b Item) bool {
	value := l.allocated(a)
	return value != nil && value == l.allocated(b) && !slices.ContainsFunc(l.Key[1:], func(field string) bool {
		return a.Key.Value(field) != b.Key.Value(field)
	})
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
func (l List) Item(p Port) Item {
	i := Item{Key: l.KeyOf(int64(p.Number), string(p.Protocol)), Name: p.Name}
	for at, field := range l.Fields {
		i.Values[at] = p.value(field)
	}
	return i
}

// Ports returns items of such a list as ports, nil where there are none.
func (l List) Ports(items []Item) []Port {
	var ports []Port
	for _, i := range items {
		ports = append(ports, l.Port(i))
	}
	return ports
}

// Port returns an item of such a list as a port.
func (l List) Port(i Item) Port {
	number, _ := i.Key.Value(l.Key[0]).(int64)
	protocol, _ := i.Key.Value(l.Key[1]).(string)
	p := Port{Name: i.Name, Number: int32(number), Protocol: corev1.Protocol(protocol)} //nolint:gosec // G115: a desired or live port's number
	for at, field := range l.Fields {
		p.set(field, i.Values[at])
	}
	return p
}
