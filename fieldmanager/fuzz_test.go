package fieldmanager_test

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/portside-dev/portside/fieldmanager"
)

// FuzzManagedFields gives arbitrary bytes as the fields of three entries. None
// may cause a panic; what can be read means the same when it is written again;
// and a transfer removes no path of any manager. It starts from the corpus in testdata,
// whose names say what is unusual about each.
func FuzzManagedFields(f *testing.F) {
	f.Fuzz(func(t *testing.T, first, second, third []byte) {
		var managed []metav1.ManagedFieldsEntry
		for i, raw := range [][]byte{first, second, third} {
			e := entry([]fieldmanager.Manager{argocd, operator, portside}[i], string(raw))
			if _, err := fieldmanager.Decode([]metav1.ManagedFieldsEntry{e}); err == nil {
				managed = append(managed, e)
			}
		}
		entries := decode(t, managed...)
		sameWhenWrittenAgain(t, managed, entries)
		for _, list := range []fieldmanager.List{ports, envVars, containers} {
			handsOver(t, list, managed, entries)
		}
	})
}

func sameWhenWrittenAgain(t *testing.T, managed []metav1.ManagedFieldsEntry, entries fieldmanager.Entries) {
	for i, e := range entries {
		written, err := e.Fields.FieldsV1()
		if err != nil {
			t.Fatalf("entry %d was read from %q and cannot be written: %v", i, managed[i].FieldsV1, err)
		}
		again := decode(t, entry(e.Manager, written.GetRawString()))
		if !again[0].Fields.Equals(e.Fields) {
			t.Fatalf("entry %d is %v, read from %q, and %v once written as %s", i, e.Fields, managed[i].FieldsV1, again[0].Fields, written)
		}
	}
}

func handsOver(t *testing.T, list fieldmanager.List, managed []metav1.ManagedFieldsEntry, entries fieldmanager.Entries) {
	owners := entries.In(list)
	items := owners.Keys()
	if len(items) == 0 {
		return
	}
	for _, key := range items {
		owned := of(t, owners, key)
		if len(owned.Item) == 0 && len(owned.Leaves) == 0 {
			continue // named by something that is neither an item nor a field
		}
		for _, e := range entries {
			if got, want := contains(owned.Item, e.Manager), e.Fields.Has(list.Item(key)); got != want {
				t.Fatalf("%s owns %s: Of says %t, its set %t", e.Manager, key, got, want)
			}
		}
	}
	h := fieldmanager.Transfer{
		List: list, Leaves: portLeaves, From: []fieldmanager.Manager{operator},
		To: &fieldmanager.Recipient{Manager: portside, APIVersion: "apps/v1"},
	}
	checkHandOver(t, h, managed, items)
}

// FuzzConflicts: whatever the API server answers to an apply, each of its conflicts is
// reported with its field and its manager, and no other cause is.
func FuzzConflicts(f *testing.F) {
	f.Add(`conflict with "foo" with subresource "scale" using apps/v1`, ".spec.replicas", "FieldManagerConflict")
	f.Add(`conflict with "tab\tand \u200b"`, ".spec.template.spec.containers[name=\"web\"].ports", "FieldManagerConflict")
	f.Add(`conflict with "foo`, "", "FieldManagerConflict")
	f.Add("", ".metadata.uid", "FieldValueInvalid")
	f.Fuzz(func(t *testing.T, message, field, cause string) {
		status := refused(message)
		status.ErrStatus.Details.Causes[0].Field, status.ErrStatus.Details.Causes[0].Type = field, metav1.CauseType(cause)
		got := fieldmanager.Conflicts(status)
		if (got != nil) != (cause == string(metav1.CauseTypeFieldManagerConflict)) {
			t.Fatalf("%s %q: %v", cause, message, got)
		}
		if got == nil {
			return
		}
		if len(got.Conflicts) != 1 || got.Conflicts[0].Path != field || message != "" && got.Conflicts[0].Manager == (fieldmanager.Manager{}) && message != `conflict with ""` {
			t.Fatalf("%q at %q: %+v", message, field, got.Conflicts)
		}
		_ = got.Conflicts[0].Within(ports.Path())
	})
}
