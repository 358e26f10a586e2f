package fieldmanager_test

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/portside-dev/portside/fieldmanager"
)

func TestDecode(t *testing.T) {
	t.Parallel()
	for name, fields := range map[string]*metav1.FieldsV1{
		"no fields":         nil,
		"no bytes":          metav1.NewFieldsV1(""),
		"an empty object":   metav1.NewFieldsV1("{}"),
		"null":              metav1.NewFieldsV1("null"),
		"the root's dot":    metav1.NewFieldsV1(`{".":{}}`),
		"a later version's": metav1.NewFieldsV1(`{"x:unheard-of":{"f:a":{}}}`),
	} {
		t.Run("owns nothing/"+name, func(t *testing.T) {
			t.Parallel()
			entries := decode(t, metav1.ManagedFieldsEntry{Manager: "m", FieldsV1: fields})
			if len(entries) != 1 || !entries[0].Fields.Empty() {
				t.Errorf("got %v, want one entry that owns nothing", entries)
			}
		})
	}
	for name, raw := range map[string]string{
		"not JSON":                      `portside`,
		"HTML":                          `<html>`,
		"an array":                      `[]`,
		"a string":                      `""`,
		"only blanks":                   `   `,
		"truncated":                     `{"f:spec":{"f:repl`,
		"not closed":                    `{"f:spec":{}`,
		"a comma too many":              `{"f:spec":{},}`,
		"a field that is a number":      `{"f:spec":1}`,
		"an element without its letter": `{"spec":{}}`,
		"an element of one letter":      `{"f":{}}`,
		"a key that is no object":       `{"k:5":{}}`,
		"a key that is not closed":      `{"k:{\"name\":\"a\"":{}}`,
		"an index that is no number":    `{"i:x":{}}`,
		"a number out of range":         `{"v:1e999":{}}`,
		"not UTF-8":                     "{\"k:{\\\"name\\\":\\\"\xff\\\"}\":{}}",
		"nested too deep":               strings.Repeat(`{"f:a":`, 10001) + "{}" + strings.Repeat("}", 10001),
	} {
		t.Run("cannot be read/"+name, func(t *testing.T) {
			t.Parallel()
			entries, err := fieldmanager.Decode([]metav1.ManagedFieldsEntry{entry(argocd, `{}`), entry(operator, raw)})
			if err == nil {
				t.Fatalf("read as %v", entries)
			}
			if entries != nil {
				t.Errorf("entries with the error: %v", entries)
			}
			if !strings.HasPrefix(err.Error(), `managedFields[1] of "dittofs-operator" cannot be read: `) {
				t.Errorf("the error does not name the manager and the index: %v", err)
			}
		})
	}
}

func TestDecodeKeepsOrderAndWhatTellsEntriesApart(t *testing.T) {
	t.Parallel()
	scale := fieldmanager.Manager{Name: "hpa", Operation: metav1.ManagedFieldsOperationUpdate, Subresource: "scale"}
	second := entry(argocd, `{"f:spec":{"f:paused":{}}}`)
	second.APIVersion, second.Time = "apps/v1beta2", nil
	entries := decode(t, entry(scale, `{"f:spec":{"f:replicas":{}}}`), entry(argocd, `{"f:spec":{"f:replicas":{}}}`), second)

	var got []string
	for _, e := range entries {
		got = append(got, e.Manager.String()+" "+e.APIVersion+" "+strings.Join(e.Fields.Paths(), " "))
	}
	same(t, "entries", got, []string{
		"hpa (Update of scale) apps/v1 .spec.replicas",
		"argocd-controller (Apply) apps/v1 .spec.replicas",
		"argocd-controller (Apply) apps/v1beta2 .spec.paused",
	})
	same(t, "times", []*metav1.Time{entries[0].Time, entries[2].Time}, []*metav1.Time{then(0), nil})

	if e, found := entries.Of(argocd); !found || e.APIVersion != "apps/v1" {
		t.Errorf("Of(argocd) is %v, %t; want the first of its two entries", e, found)
	}
	for _, other := range []fieldmanager.Manager{
		fieldmanager.Updater("argocd-controller"), fieldmanager.Updater("hpa"), fieldmanager.Applier("argocd"),
	} {
		if e, found := entries.Of(other); found {
			t.Errorf("Of(%s) is %v", other, e)
		}
	}
}

func TestDecodeOfNothing(t *testing.T) {
	t.Parallel()
	if entries := decode(t); len(entries) != 0 || len(entries.In(ports).Keys()) != 0 {
		t.Errorf("got %v", entries)
	}
}
