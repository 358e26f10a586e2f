package fieldmanager_test

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/portside-dev/portside/fieldmanager"
)

func TestPatch(t *testing.T) {
	t.Parallel()
	const guard = `{"op":"replace","path":"/metadata/resourceVersion","value":"42"}`
	drop := []fieldmanager.PatchOperation{
		{Op: "test", Path: "/spec/template/spec/containers/0/ports/1/name", Value: "adapter-nfs"},
		{Op: "remove", Path: "/spec/template/spec/containers/0/ports/1"},
	}
	for name, test := range map[string]struct {
		managed []metav1.ManagedFieldsEntry
		others  []fieldmanager.PatchOperation
		want    string
	}{
		"the guard first, then managedFields": {
			managed: []metav1.ManagedFieldsEntry{entry(portside, `{"f:spec":{}}`)},
			want: `[` + guard + `,{"op":"replace","path":"/metadata/managedFields","value":[{"manager":"portside","operation":"Apply",` +
				`"apiVersion":"apps/v1","time":"2026-03-04T00:00:00Z","fieldsType":"FieldsV1","fieldsV1":{"f:spec":{}}}]}]`,
		},
		"other operations in between, in their order": {
			managed: []metav1.ManagedFieldsEntry{{Manager: "m"}},
			others:  drop,
			want: `[` + guard + `,{"op":"test","path":"/spec/template/spec/containers/0/ports/1/name","value":"adapter-nfs"},` +
				`{"op":"remove","path":"/spec/template/spec/containers/0/ports/1"},` +
				`{"op":"replace","path":"/metadata/managedFields","value":[{"manager":"m"}]}]`,
		},
		"no entries: one empty entry, which the server takes for none": {
			managed: []metav1.ManagedFieldsEntry{},
			want:    `[` + guard + `,{"op":"replace","path":"/metadata/managedFields","value":[{}]}]`,
		},
		"nil entries": {
			want: `[` + guard + `,{"op":"replace","path":"/metadata/managedFields","value":[{}]}]`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := fieldmanager.Patch("42", test.managed, test.others...)
			if err != nil {
				t.Fatal(err)
			}
			same(t, "patch", string(got), test.want)
		})
	}
}

func TestPatchNeedsAResourceVersion(t *testing.T) {
	t.Parallel()
	patch, err := fieldmanager.Patch("", []metav1.ManagedFieldsEntry{{Manager: "m"}})
	if err == nil || patch != nil {
		t.Errorf("got %s, error %v; without its guard the patch would undo what others did", patch, err)
	}
}
