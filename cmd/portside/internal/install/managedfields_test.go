package install_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/testenv/portside"
)

// entries edits managedFields, and may change the template in the same patch.
type entries struct {
	edit      func(us string, all []metav1.ManagedFieldsEntry) []metav1.ManagedFieldsEntry
	operation string // a further operation of the patch
}

// TestGuardKeepsManagedFields rewrites managedFields as portside, which the guard
// refuses.
func TestGuardKeepsManagedFields(t *testing.T) {
	t.Parallel()
	i := robbed(t, workload.StatefulSet)
	before := i.live(workload.StatefulSet)
	for name, e := range map[string]entries{
		"all removed": {edit: func(string, []metav1.ManagedFieldsEntry) []metav1.ManagedFieldsEntry {
			return []metav1.ManagedFieldsEntry{{}}
		}},
		"another's removed": {edit: func(us string, all []metav1.ManagedFieldsEntry) []metav1.ManagedFieldsEntry {
			return slices.DeleteFunc(all, func(e metav1.ManagedFieldsEntry) bool { return e.Manager != us })
		}},
		"another's under a new name":    {edit: ofOthers(func(e *metav1.ManagedFieldsEntry) { e.Manager = "evil" })},
		"another's under our name":      {edit: ofOthers(func(e *metav1.ManagedFieldsEntry) { e.Manager = i.manager; e.Operation = "Update" })},
		"another's without a container": {edit: ofOthers(replaced(`"k:{\"name\":\"sidecar\"}"`, `"k:{\"name\":\"gone\"}"`))},
		"another's without a port":      {edit: ofOthers(replaced(`"k:{\"containerPort\":8080,`, `"k:{\"containerPort\":8081,`))},
		"another's with our port":       {edit: ofOthers(replaced(`"k:{\"containerPort\":8080,`, `"k:{\"containerPort\":12049,\"protocol\":\"TCP\"}":{".":{}},"k:{\"containerPort\":8080,`))},
		"another's without a label":     {edit: ofOthers(replaced(`"f:app":{}`, ``))},
		"another's without its port, as ours is removed": {operation: `{"op":"remove","path":"/spec/template/spec/containers/0/ports/2"}`,
			edit: ofOthers(replaced(`"k:{\"containerPort\":8080,`, `"k:{\"containerPort\":8081,`))},
		"a new one": {edit: func(_ string, all []metav1.ManagedFieldsEntry) []metav1.ManagedFieldsEntry {
			added := *all[0].DeepCopy()
			added.Manager = "evil"
			return append(all, added)
		}},
		"ours with replicas": {edit: ofOurs(replaced(`"f:spec":{`, `"f:spec":{"f:replicas":{},`))},
		"ours with an image": {edit: ofOurs(replaced(`"f:ports":{`, `"f:image":{},"f:ports":{`))},
		"ours with a label":  {edit: ofOurs(replaced(`"f:spec":{`, `"f:metadata":{"f:labels":{"f:app":{}}},"f:spec":{`))},
	} {
		all := before.DeepCopy().GetManagedFields()
		edited := e.edit(i.manager, all)
		if equality.Semantic.DeepEqual(edited, before.GetManagedFields()) {
			t.Fatalf("%s: the test changes nothing in %v", name, edited)
		}
		operations := []string{`{"op":"replace","path":"/metadata/managedFields","value":` + toJSON(t, edited) + `}`}
		if e.operation != "" {
			operations = append(operations, e.operation)
		}
		err := i.tries(t.Context(), workload.StatefulSet, jsonPatch("["+strings.Join(operations, ",")+"]"))
		if err := portside.RefusedBy(err, i.manager+"-guard'"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if i.live(workload.StatefulSet).GetResourceVersion() != before.GetResourceVersion() {
		t.Error("the workload changed")
	}
}

func toJSON(t *testing.T, managed []metav1.ManagedFieldsEntry) string {
	t.Helper()
	data, err := json.Marshal(managed)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func ofOthers(edit func(*metav1.ManagedFieldsEntry)) func(string, []metav1.ManagedFieldsEntry) []metav1.ManagedFieldsEntry {
	return func(us string, all []metav1.ManagedFieldsEntry) []metav1.ManagedFieldsEntry {
		for i := range all {
			if all[i].Manager != us {
				edit(&all[i])
			}
		}
		return all
	}
}

func ofOurs(edit func(*metav1.ManagedFieldsEntry)) func(string, []metav1.ManagedFieldsEntry) []metav1.ManagedFieldsEntry {
	return func(us string, all []metav1.ManagedFieldsEntry) []metav1.ManagedFieldsEntry {
		for i := range all {
			if all[i].Manager == us {
				edit(&all[i])
			}
		}
		return all
	}
}

func replaced(old, with string) func(*metav1.ManagedFieldsEntry) {
	return func(e *metav1.ManagedFieldsEntry) {
		e.FieldsV1.SetRawString(strings.Replace(e.FieldsV1.GetRawString(), old, with, 1))
	}
}
