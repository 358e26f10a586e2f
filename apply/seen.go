package apply

import (
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/structured-merge-diff/v4/fieldpath"

	"github.com/portside-dev/portside/fieldmanager"
)

// seen are the fields of managedFields entries as they were read before. The
// same come again and again: with the answer to a write and with its watch, with
// every change of others, and with all workloads of one template.
type seen struct {
	sets    map[string]*fieldpath.Set
	reduced map[string]string
}

// mostSeen is of how many it is known: a few KiB each.
const mostSeen = 64

// allSeen lets go of what nobody asks for, like any pool. Each is used by one at
// a time.
var allSeen = sync.Pool{New: func() any {
	return &seen{sets: map[string]*fieldpath.Set{}, reduced: map[string]string{}}
}}

func borrowSeen() *seen {
	s, _ := allSeen.Get().(*seen)
	return s
}

// giveBack lets another have it.
func (s *seen) giveBack() { allSeen.Put(s) }

// decode is fieldmanager.Decode. The sets must not be changed.
func (s *seen) decode(managed []metav1.ManagedFieldsEntry) (fieldmanager.Entries, error) {
	entries := make(fieldmanager.Entries, 0, len(managed))
	for i := range managed {
		e := &managed[i]
		fields, err := s.set(e)
		if err != nil {
			return fieldmanager.Decode(managed) // which says where
		}
		entries = append(entries, fieldmanager.Entry{
			Manager:    fieldmanager.Manager{Name: e.Manager, Operation: e.Operation, Subresource: e.Subresource},
			APIVersion: e.APIVersion, Time: e.Time, Fields: fields,
		})
	}
	return entries, nil
}

func (s *seen) set(e *metav1.ManagedFieldsEntry) (*fieldpath.Set, error) {
	raw := e.FieldsV1.GetRawBytes()
	if set, known := s.sets[string(raw)]; known {
		return set, nil
	}
	entries, err := fieldmanager.Decode([]metav1.ManagedFieldsEntry{*e})
	if err != nil {
		return nil, err
	}
	if len(s.sets) == mostSeen {
		clear(s.sets)
	}
	s.sets[string(raw)] = entries[0].Fields
	return entries[0].Fields, nil
}

// reduce returns what reducedFields leaves of an entry's fields, as JSON; it is
// empty where nothing is left.
func (s *seen) reduce(e *metav1.ManagedFieldsEntry) (string, error) {
	raw := e.FieldsV1.GetRawBytes()
	if reduced, known := s.reduced[string(raw)]; known {
		return reduced, nil
	}
	set, err := s.set(e)
	if err != nil {
		return "", err
	}
	var text []byte
	if fields := reducedFields(set); !fields.Empty() {
		if text, err = fields.ToJSON(); err != nil {
			return "", err
		}
	}
	if len(s.reduced) == mostSeen {
		clear(s.reduced)
	}
	s.reduced[string(raw)] = string(text)
	return string(text), nil
}
