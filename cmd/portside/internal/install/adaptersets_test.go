package install_test

import (
	"context"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/portside"
)

func adapterSet(name string) string {
	return `{apiVersion: portside.dev/v1alpha1, kind: AdapterSet, metadata: {name: ` + name + `}, spec: {
	  targetRef: {apiVersion: apps/v1, kind: StatefulSet, name: dittofs}, adapters: []}}`
}

// setPatch is a patch of an AdapterSet, or of its status if a subresource is named.
type setPatch struct {
	patch       types.PatchType
	data        string
	subresource []string
}

func merge(data string) setPatch { return setPatch{patch: types.MergePatchType, data: data} }

func ofStatus(p setPatch) setPatch {
	p.subresource = []string{"status"}
	return p
}

// triesSet sends the patch as portside.
func (i *installation) triesSet(ctx context.Context, p setPatch) error {
	options := metav1.PatchOptions{FieldManager: i.manager}
	if p.patch == types.ApplyPatchType && len(p.subresource) > 0 {
		options.Force = new(true) // as portside applies the status
	}
	_, err := i.sets().Patch(ctx, dittofs, p.patch, []byte(strings.ReplaceAll(p.data, "{us}", i.manager)), options, p.subresource...)
	return err
}

// robbedSet returns an installation whose token an attacker has, with an AdapterSet
// of Git's that portside has written to, and the guard of AdapterSets in force.
func robbedSet(t *testing.T) *installation {
	t.Helper()
	i := robbed(t)
	i.mustApply(i.argo(), adapterSet(dittofs))
	testenv.Eventually(t, "the guard of AdapterSets to be in force", func(ctx context.Context) error {
		return portside.RefusedBy(i.triesSet(ctx, merge(`{"metadata":{"labels":{"evil":"1"}}}`)), i.manager+"-guard-adaptersets'")
	})
	for _, p := range []setPatch{finalizes, reports} {
		if err := i.triesSet(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	return i
}

// The writes of portside itself.
var (
	finalizes = setPatch{patch: types.ApplyPatchType, data: `{apiVersion: portside.dev/v1alpha1, kind: AdapterSet, metadata: {name: dittofs, finalizers: [portside.dev/ports]}}`}
	reports   = ofStatus(setPatch{patch: types.ApplyPatchType, data: `{apiVersion: portside.dev/v1alpha1, kind: AdapterSet, metadata: {name: dittofs}, status: {readyPorts: 1}}`})
	drops     = setPatch{patch: types.JSONPatchType, data: `[{"op":"test","path":"/metadata/finalizers/0","value":"portside.dev/ports"},{"op":"remove","path":"/metadata/finalizers/0"}]`}
)

// TestGuardRefusesAdapterSetWrites expects that portside can write only one
// finalizer and the status. Where managedFields are empty, the server records no
// manager of an update, so that no rule about managedFields refuses it.
func TestGuardRefusesAdapterSetWrites(t *testing.T) {
	t.Parallel()
	i := robbedSet(t)
	policy := i.manager + "-guard-adaptersets'"
	for _, owned := range []string{"owned", "without owners"} {
		if owned != "owned" {
			i.argo().MustPatch(t, "AdapterSet", "", dittofs, types.MergePatchType, []byte(`{"metadata":{"managedFields":[{}]}}`))
		}
		for _, p := range []setPatch{
			merge(`{"spec":{"suspend":true}}`),
			merge(`{"spec":{"adapters":[{"type":"evil","port":1}]}}`),
			merge(`{"metadata":{"annotations":{"evil":"1"}}}`),
			merge(`{"metadata":{"finalizers":["portside.dev/ports","example.com/evil"]}}`),
			merge(`{"metadata":{"finalizers":["portside.dev/evil"]}}`),
			merge(`{"metadata":{"ownerReferences":[{"apiVersion":"v1","kind":"ConfigMap","name":"evil","uid":"evil"}]}}`),
			{patch: types.ApplyPatchType, data: strings.Replace(finalizes.data, "finalizers: [", "finalizers: [portside.dev/evil, ", 1)},
			{patch: types.ApplyPatchType, data: strings.Replace(adapterSet(dittofs), "adapters: []", "suspend: false", 1)},
		} {
			if err := portside.RefusedBy(i.triesSet(t.Context(), p), policy); err != nil {
				t.Errorf("%s: %s: %v", owned, p.data, err)
			}
		}
	}
	for verb, err := range map[string]error{
		"delete": i.sets().Delete(t.Context(), dittofs, metav1.DeleteOptions{}),
		"create": second(i.sets().Create(t.Context(), object(t, adapterSet("another")), metav1.CreateOptions{})),
	} {
		if refusal := portside.RefusedBy(err, policy); refusal != nil || !strings.Contains(err.Error(), "creates and deletes no AdapterSet") {
			t.Errorf("%s: %v", verb, err)
		}
	}
}

// TestGuardKeepsManagedFieldsOfAdapterSets rewrites managedFields as portside: the
// guard refuses it, and the server ignores it at the status.
func TestGuardKeepsManagedFieldsOfAdapterSets(t *testing.T) {
	t.Parallel()
	i := robbedSet(t)
	live := i.argo().MustGet(t, "AdapterSet", "", dittofs)
	for name, edit := range map[string]func(string, []metav1.ManagedFieldsEntry) []metav1.ManagedFieldsEntry{
		"all removed": func(string, []metav1.ManagedFieldsEntry) []metav1.ManagedFieldsEntry {
			return []metav1.ManagedFieldsEntry{{}}
		},
		"another manager's removed":            func(us string, all []metav1.ManagedFieldsEntry) []metav1.ManagedFieldsEntry { return without(all, us) },
		"another manager's under a new name":   ofOthers(func(e *metav1.ManagedFieldsEntry) { e.Manager = "evil" }),
		"another manager's under ours":         ofOthers(func(e *metav1.ManagedFieldsEntry) { e.Manager = i.manager; e.Operation = "Update" }),
		"another manager's without a field":    ofOthers(replaced(`"f:targetRef":{`, `"f:suspend":{},"f:gone":{`)),
		"another manager's with the finalizer": ofOthers(replaced(`"f:spec":{`, `"f:metadata":{"f:finalizers":{"v:\"portside.dev/ports\"":{}}},"f:spec":{`)),
		"a new one": func(_ string, all []metav1.ManagedFieldsEntry) []metav1.ManagedFieldsEntry {
			added := *all[0].DeepCopy()
			added.Manager = "evil"
			return append(all, added)
		},
		"ours with the spec":  ofOurs(replaced(`{"f:metadata":{`, `{"f:spec":{"f:adapters":{}},"f:metadata":{`)),
		"ours with a label":   ofOurs(replaced(`{"f:metadata":{`, `{"f:metadata":{"f:labels":{"f:app":{}},`)),
		"ours with another's": ofOurs(replaced(`"f:finalizers":{`, `"f:finalizers":{"v:\"example.com/other\"":{},`)),
	} {
		edited := edit(i.manager, live.DeepCopy().GetManagedFields())
		if equality.Semantic.DeepEqual(edited, live.GetManagedFields()) {
			t.Fatalf("%s: the test changes nothing in %v", name, edited)
		}
		p := merge(`{"metadata":{"managedFields":` + toJSON(t, edited) + `}}`)
		if err := portside.RefusedBy(i.triesSet(t.Context(), p), i.manager+"-guard-adaptersets'"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := i.triesSet(t.Context(), ofStatus(p)); err != nil {
			t.Errorf("%s, by the status: %v", name, err)
		}
	}
	after, err := i.argo().Get(t.Context(), "AdapterSet", "", dittofs)
	if err != nil || after.GetResourceVersion() != live.GetResourceVersion() {
		t.Errorf("the AdapterSet changed: %v", err)
	}
}

// without returns the entries of one manager.
func without(all []metav1.ManagedFieldsEntry, but string) []metav1.ManagedFieldsEntry {
	var left []metav1.ManagedFieldsEntry
	for _, e := range all {
		if e.Manager == but {
			left = append(left, e)
		}
	}
	return left
}

// TestGuardAllowsAdapterSetWrites expects that portside can remove its finalizer
// whichever manager set it, and apply its status whichever manager edited it, also
// with empty managedFields.
func TestGuardAllowsAdapterSetWrites(t *testing.T) {
	t.Parallel()
	i := robbedSet(t)
	patchAs := func(manager string, p setPatch) {
		t.Helper()
		sets := dynamicClient(t, i.Config()).Resource(adapterSets).Namespace(i.workloads)
		if _, err := sets.Patch(t.Context(), dittofs, p.patch, []byte(p.data), metav1.PatchOptions{FieldManager: manager}, p.subresource...); err != nil {
			t.Fatal(err)
		}
	}
	inGit := strings.Replace(adapterSet(dittofs), "{name: dittofs}", "{name: dittofs, finalizers: [portside.dev/ports]}", 1)
	other := strings.Replace(inGit, "portside.dev/ports]", "portside.dev/ports, example.com/other]", 1)
	for name, test := range map[string]struct {
		before func()
		does   []setPatch
	}{
		"its finalizer":                     {func() {}, []setPatch{finalizes, drops}},
		"its finalizer in Git":              {func() { i.mustApply(i.argo(), inGit) }, []setPatch{drops}},
		"its finalizer in Git with another": {func() { i.mustApply(i.argo(), other) }, []setPatch{drops}},
		"its finalizer by an update":        {func() { patchAs("editor", merge(`{"metadata":{"finalizers":["portside.dev/ports"]}}`)) }, []setPatch{drops}},
		"its finalizer by an update with another": {func() {
			patchAs("editor", merge(`{"metadata":{"finalizers":["portside.dev/ports","example.com/other"]}}`))
		},
			[]setPatch{drops}},
		"a status that was edited":      {func() { patchAs("editor", ofStatus(merge(`{"status":{"readyPorts":9,"observedGeneration":9}}`))) }, []setPatch{reports}},
		"managedFields that are empty":  {func() { patchAs("editor", merge(`{"metadata":{"managedFields":[{}]}}`)) }, []setPatch{finalizes, reports, drops}},
		"a status, managedFields empty": {func() { patchAs("editor", merge(`{"metadata":{"managedFields":[{}]}}`)) }, []setPatch{reports, finalizes, drops}},
	} {
		i.mustApply(i.argo(), adapterSet(dittofs))
		patchAs("editor", merge(`{"metadata":{"finalizers":null}}`))
		test.before()
		for _, p := range test.does {
			if err := i.triesSet(t.Context(), p); err != nil {
				t.Errorf("%s: %s: %v", name, p.data, err)
			}
		}
	}
	patchAs("editor", merge(`{"metadata":{"finalizers":null}}`))
}
