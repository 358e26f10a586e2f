package mirror

import (
	"reflect"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/apply/workload"
)

func TestOnlyRowsThatNobodyTouchesArePacked(t *testing.T) {
	t.Parallel()
	m := New(nil, Options{})
	for _, name := range []string{"a", "b"} {
		if err := m.sets.Add(setOf(name, "files", metav1.Time{})); err != nil {
			t.Fatal(err)
		}
	}
	packs := func(want int) {
		t.Helper()
		if rows, packed := m.sets.packUntouched(); rows != 2 || packed != want {
			t.Errorf("of %d rows %d were packed, not %d", rows, packed, want)
		}
	}
	packs(0) // both have just come
	m.sets.get(keyOf("storage", "a"))
	packs(1)
	packs(1)
	packs(0) // none is left
	if err := m.sets.Update(setOf("b", "photos", metav1.Time{})); err != nil {
		t.Fatal(err)
	}
	packs(0)
	packs(1)
	if names := namesOf(m.AdapterSets(targetIn("storage", "photos"))); len(names) != 1 || names[0] != "b" {
		t.Errorf("after it was packed and replaced, the AdapterSets are %q", names)
	}
}

func TestNothingIsPackedWhereRowsAreAboutToBeAskedFor(t *testing.T) {
	t.Parallel()
	busy := true
	m := New(nil, Options{Busy: func() bool { return busy }})
	if err := m.sets.Add(setOf("a", "files", metav1.Time{})); err != nil {
		t.Fatal(err)
	}
	isPacked := func() bool {
		m.packUntouched()
		m.packUntouched()
		return m.sets.rows[keyOf("storage", "a")].value == nil
	}
	if isPacked() {
		t.Error("it is packed while it is about to be asked for")
	}
	if busy = false; !isPacked() {
		t.Error("it is not packed although nobody asks for it")
	}
}

func TestWhatWasPackedIsTheSame(t *testing.T) {
	t.Parallel()
	m, told, git, ns := watching(t)
	mustApply(t, git, statefulSet("files"))
	mustApply(t, git, adapterSet("files", "files"))
	mustPatch(t, git, "AdapterSet", ns, "files", `{"spec":{"adapters":[]}}`) // none, which is not the same as not said
	until(t, "both", func() bool {
		sets := m.AdapterSets(targetIn(ns, "files"))
		return len(sets) == 1 && len(sets[0].Spec.Adapters) == 0 && m.Workload(targetIn(ns, "files")) != nil
	})
	set, kept := m.AdapterSets(targetIn(ns, "files"))[0], m.Workload(targetIn(ns, "files"))
	m.packUntouched()
	m.packUntouched()
	if m.sets.rows[keyOf(ns, "files")].value != nil || m.workloads[workload.StatefulSet].rows[keyOf(ns, "files")].value != nil {
		t.Fatal("they are not packed")
	}
	if after := m.AdapterSets(targetIn(ns, "files"))[0]; !reflect.DeepEqual(after, set) {
		t.Errorf("the AdapterSet is\n%+v\nand was\n%+v", after, set)
	}
	if after := m.Workload(targetIn(ns, "files")); !reflect.DeepEqual(after, kept) {
		t.Errorf("the workload is\n%+v\nand was\n%+v", after, kept)
	}
	told.take()
	mustPatch(t, git, "StatefulSet", ns, "files", `{"metadata":{"labels":{"round":"1"}}}`)
	mustPatch(t, git, "AdapterSet", ns, "files", `{"metadata":{"labels":{"round":"1"}}}`)
	until(t, "the newer ones", func() bool {
		return m.Workload(targetIn(ns, "files")).ResourceVersion != kept.ResourceVersion &&
			m.AdapterSets(targetIn(ns, "files"))[0].ResourceVersion != set.ResourceVersion
	})
	if told := told.take(); len(told) > 0 {
		t.Errorf("that they came while it was packed was told: %q", told)
	}
	m.EachAdapterSet(func(each *v1alpha1.AdapterSet) {
		if each.Name != "files" {
			t.Errorf("there is %q", each.Name)
		}
	})
}
