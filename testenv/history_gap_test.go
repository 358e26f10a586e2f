package testenv

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
)

// version is a version of an object.
type version struct {
	uid        types.UID
	generation int64
}

func TestHistory_gaps(t *testing.T) {
	t.Parallel()
	deleted, unseen := any(&unstructured.Unstructured{}), any(cache.DeletedFinalStateUnknown{})
	for name, test := range map[string]struct {
		before []any // existing objects
		events []any // versions and deletions
		gap    string
	}{
		"none, from the creation":                 {events: []any{version{"a", 1}, version{"a", 1}, version{"a", 2}}},
		"none, from an existing object":           {before: []any{version{"a", 7}}, events: []any{version{"a", 8}}},
		"none, over a deletion":                   {events: []any{version{"a", 1}, deleted, version{"b", 1}}},
		"a generation":                            {events: []any{version{"a", 1}, version{"a", 3}}, gap: "generation 3 of the object a was seen, want 2"},
		"the first generation":                    {events: []any{version{"a", 2}}, gap: "generation 2 of the object a was seen, want 1"},
		"the first generation of the next object": {events: []any{version{"a", 1}, deleted, version{"b", 2}}, gap: "generation 2 of the object b"},
		"a deletion":                              {events: []any{version{"a", 1}, version{"b", 1}}, gap: "the deletion of the object a was not seen"},
		"a deletion seen by a list":               {events: []any{version{"a", 1}, unseen}, gap: "the deletion of the object and its last version"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := &History{}
			send := func(events []any) {
				for _, event := range events {
					v, ok := event.(version)
					if !ok {
						h.end(event)
						continue
					}
					object := &unstructured.Unstructured{}
					object.SetUID(v.uid)
					object.SetGeneration(v.generation)
					object.SetResourceVersion("1")
					h.see(object)
				}
			}
			send(test.before)
			h.begun = true
			send(test.events)
			switch {
			case test.gap == "" && len(h.gaps) > 0:
				t.Errorf("gaps %v, want none", h.gaps)
			case test.gap != "" && (len(h.gaps) != 1 || !strings.Contains(h.gaps[0].Error(), test.gap)):
				t.Errorf("gaps %v, want one: %s", h.gaps, test.gap)
			}
		})
	}
}
