package fieldmanager

import (
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/structured-merge-diff/v4/fieldpath"
)

// Entry is one entry of managedFields, with its fields decoded.
type Entry struct {
	Manager
	APIVersion string
	Time       *metav1.Time
	Fields     Fields
}

// Entries are the entries of one object, in its order.
type Entries []Entry

// Decode decodes the managedFields of an object. An entry that cannot be read is
// an error that names its manager: what that manager owns cannot be known, so
// nothing may be decided.
func Decode(managed []metav1.ManagedFieldsEntry) (Entries, error) {
	entries := make(Entries, 0, len(managed))
	for i := range managed {
		fields, err := decodeFields(managed[i].FieldsV1)
		if err != nil {
			return nil, fmt.Errorf("managedFields[%d] of %q cannot be read: %w", i, managed[i].Manager, err)
		}
		entries = append(entries, Entry{
			Manager:    ManagerOf(&managed[i]),
			APIVersion: managed[i].APIVersion,
			Time:       managed[i].Time,
			Fields:     fields,
		})
	}
	return entries, nil
}

// Of returns the entry of m, if it has one. Where a manager has several, for
// several API versions, it is the first.
func (es Entries) Of(m Manager) (Entry, bool) {
	i := slices.IndexFunc(es, func(e Entry) bool { return e.Manager == m })
	if i < 0 {
		return Entry{}, false
	}
	return es[i], true
}

// Keys returns the items of the list that the entry owns itself, sorted. Items of
// which it owns leaves alone are not among them.
func (e Entry) Keys(list List) []Key {
	var keys []Key
	list.in(e.Fields.read()).Members.Iterate(func(item fieldpath.PathElement) {
		if item.Key != nil {
			keys = append(keys, keyOf(item))
		}
	})
	return keys
}

// Outside returns how many fields the entry owns outside the lists, and the first
// of them, such as .spec.replicas. What is at or below a list counts as inside, and
// so do the items above it with their key fields. Of a field that has parts, only
// the parts are counted.
func (e Entry) Outside(lists ...List) (first string, count int) {
	outside := e.Fields.read()
	for _, list := range lists {
		outside = outside.RecursiveDifference(fieldpath.NewSet(list.path)).Difference(list.Claim(nil).read())
	}
	outside.Leaves().Iterate(func(p fieldpath.Path) {
		if count == 0 {
			first = p.String()
		}
		count++
	})
	return first, count
}
