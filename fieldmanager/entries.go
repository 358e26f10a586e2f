package fieldmanager

import (
	"bytes"
	"errors"
	"fmt"
	"unicode/utf8"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/structured-merge-diff/v4/fieldpath"
)

// Entry is one entry of managedFields, with its set of fields decoded.
type Entry struct {
	Manager
	APIVersion string
	Time       *metav1.Time
	Fields     *fieldpath.Set
}

// Entries are the entries of one object, in its order.
type Entries []Entry

// Decode reads the managedFields of an object. An entry that cannot be read is
// an error that names its manager: what it owns cannot be known, so nothing
// may be decided on.
func Decode(managed []metav1.ManagedFieldsEntry) (Entries, error) {
	entries := make(Entries, 0, len(managed))
	for i := range managed {
		set, err := decodeSet(managed[i].FieldsV1)
		if err != nil {
			return nil, fmt.Errorf("managedFields[%d] of %q cannot be read: %w", i, managed[i].Manager, err)
		}
		entries = append(entries, Entry{
			Manager:    managerOf(&managed[i]),
			APIVersion: managed[i].APIVersion,
			Time:       managed[i].Time,
			Fields:     set,
		})
	}
	return entries, nil
}

func managerOf(e *metav1.ManagedFieldsEntry) Manager {
	return Manager{Name: e.Manager, Operation: e.Operation, Subresource: e.Subresource}
}

func decodeSet(fields *metav1.FieldsV1) (*fieldpath.Set, error) {
	set, raw := fieldpath.NewSet(), fields.GetRawBytes()
	if len(raw) == 0 {
		return set, nil
	}
	if !utf8.Valid(raw) {
		// Written again, keys that differ in such bytes alone would be one.
		return nil, errors.New("not UTF-8")
	}
	return set, set.FromJSON(bytes.NewReader(raw))
}

// Of is the entry of m, if it has one. Where a manager has several, for
// several API versions, it is the first.
func (es Entries) Of(m Manager) (Entry, bool) {
	for _, e := range es {
		if e.Manager == m {
			return e, true
		}
	}
	return Entry{}, false
}
