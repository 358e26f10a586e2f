package mirror

import (
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/testenv"
)

func TestTheOldestAdapterSetComesFirst(t *testing.T) {
	t.Parallel()
	m := New(nil, Options{})
	first := metav1.Date(2000, time.January, 1, 0, 0, 0, 0, time.UTC)
	later := metav1.NewTime(first.Add(time.Second))
	for _, set := range []*v1alpha1.AdapterSet{
		setOf("a", "files", later), setOf("z", "files", first), setOf("y", "files", first), setOf("other", "photos", first),
	} {
		if err := m.sets.Add(set); err != nil {
			t.Fatal(err)
		}
	}
	if names := namesOf(m.AdapterSets(targetIn("storage", "files"))); !slices.Equal(names, []string{"y", "z", "a"}) {
		t.Errorf("they are %q: the oldest first, and by name where two are of one second", names)
	}
	if sets := m.AdapterSets(targetIn("elsewhere", "files")); len(sets) > 0 {
		t.Errorf("a target of another namespace has %q", namesOf(sets))
	}
}

// TestTheSelectorChoosesAdapterSetsAlone: their workloads, and the pods, need no
// such label.
func TestTheSelectorChoosesAdapterSetsAlone(t *testing.T) {
	t.Parallel()
	cp := testenv.Shared(t)
	installCRD(t, cp)
	ns := cp.Namespace(t)
	git := cp.Manager("git").In(ns)
	for _, kind := range workload.Kinds() {
		mustApply(t, git, strings.NewReplacer("kind: StatefulSet", "kind: "+kind.Kind, "  serviceName: files\n", "").Replace(statefulSet("files")))
	}
	mustApply(t, git, `
apiVersion: v1
kind: Pod
metadata: {name: files-0}
spec: {containers: [{name: server, image: "example.com/files:1"}]}
`)
	m, _, _ := start(t, newClient(t, cp.Config()), Options{Namespace: ns, Selector: labels.SelectorFromSet(labels.Set{"team": "files"})})
	if err := m.WaitForSync(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, kind := range workload.Kinds() {
		if m.Workload(workload.Target{Kind: kind, Namespace: ns, Name: "files"}) == nil {
			t.Errorf("the %s is not there", kind)
		}
	}
	m.WatchPods()
	<-m.PodsSynced()
	if m.pods.get(keyOf(ns, "files-0")) == nil {
		t.Error("the pod is not there")
	}
}

// TestAnIndexThatIsBehind: what was found by it is looked at again, since it may
// be for another target by then, or gone.
func TestAnIndexThatIsBehind(t *testing.T) {
	t.Parallel()
	m := New(nil, Options{})
	if err := m.sets.Add(setOf("moved", "photos", metav1.Time{})); err != nil {
		t.Fatal(err)
	}
	if err := m.pods.Add(podOf("moved", "StatefulSet", "photos", nil)); err != nil {
		t.Fatal(err)
	}
	behind := []types.NamespacedName{keyOf("storage", "moved"), keyOf("storage", "gone")}
	m.setsOf[targetIn("storage", "files")] = behind
	files := controllerNamed("StatefulSet", "files")
	for _, pod := range behind {
		m.podsOf.add(pod, files)
	}
	if sets := m.AdapterSets(targetIn("storage", "files")); len(sets) > 0 {
		t.Errorf("files has %q", namesOf(sets))
	}
	if pods := m.PodsOf("storage", files); len(pods) > 0 {
		t.Errorf("files has the pods %q", podNames(pods))
	}
}

func TestOnlyTheNamespaceAndTheSelectorAreWatched(t *testing.T) {
	t.Parallel()
	cp := testenv.Shared(t)
	installCRD(t, cp)
	ns, other := cp.Namespace(t), cp.Namespace(t)
	git := cp.Manager("git")
	for _, in := range []string{ns, other} {
		mustApply(t, git.In(in), statefulSet("files"))
		mustApply(t, git.In(in), adapterSet("files", "files"))
	}
	mustApply(t, git.In(ns), adapterSet("theirs", "photos"))
	mustPatch(t, git, "AdapterSet", ns, "theirs", `{"metadata":{"labels":{"team":"photos"}}}`)

	m, told, _ := start(t, newClient(t, cp.Config()), Options{Namespace: ns, Selector: labels.SelectorFromSet(labels.Set{"team": "files"})})
	if err := m.WaitForSync(t.Context()); err != nil {
		t.Fatal(err)
	}
	if targets := m.Targets(); !slices.Equal(targets, []workload.Target{targetIn(ns, "files")}) {
		t.Errorf("the targets are %v", targets)
	}
	if m.Workload(targetIn(other, "files")) != nil {
		t.Error("a workload of another namespace is there")
	}
	told.take()
	mustPatch(t, git, "AdapterSet", ns, "files", `{"metadata":{"labels":{"team":"photos"}}}`)
	told.expect(t, "files: AdapterSet")
	if !m.Left(targetIn(ns, "files")) {
		t.Error("a target whose AdapterSet is chosen no more is not left")
	}
}

func TestAChangeOfAnAdapterSetIsToldUnlessItIsOfStatus(t *testing.T) {
	t.Parallel()
	m, told, git, ns := watching(t)
	mustApply(t, git, adapterSet("files", "files"))
	told.expect(t, "files: AdapterSet")

	status := func(generation string) {
		t.Helper()
		if _, err := git.Patch(t.Context(), "AdapterSet", ns, "files", "application/merge-patch+json",
			[]byte(`{"metadata":{"labels":{"observed":"`+generation+`"}}}`)); err != nil {
			t.Fatal(err)
		}
	}
	version := m.AdapterSets(targetIn(ns, "files"))[0].ResourceVersion
	status("1")
	until(t, "the newer AdapterSet", func() bool { return m.AdapterSets(targetIn(ns, "files"))[0].ResourceVersion != version })
	if told := told.take(); len(told) > 0 {
		t.Errorf("a change of what nobody reads was told: %q", told)
	}

	mustPatch(t, git, "AdapterSet", ns, "files", `{"spec":{"suspend":true}}`)
	told.expect(t, "files: AdapterSet")
	mustPatch(t, git, "AdapterSet", ns, "files", `{"metadata":{"finalizers":["example.com/hold"]}}`)
	told.expect(t, "files: AdapterSet")
	mustDelete(t, git, "AdapterSet", ns, "files") // it is still there, but on its way out
	told.expect(t, "files: AdapterSet")
	mustPatch(t, git, "AdapterSet", ns, "files", `{"metadata":{"finalizers":null}}`)
	told.expect(t, "files: AdapterSet")
	if sets := m.AdapterSets(targetIn(ns, "files")); len(sets) > 0 {
		t.Errorf("there is still %q", namesOf(sets))
	}
}

// TestAnotherAdapterSetOfThatNameIsTold: a list has one in the place of one that
// was deleted and made anew meanwhile. Both are of the first generation.
func TestAnotherAdapterSetOfThatNameIsTold(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*v1alpha1.AdapterSet)
		told   []string
	}{
		"the same":     {func(*v1alpha1.AdapterSet) {}, nil},
		"of its name":  {func(set *v1alpha1.AdapterSet) { set.UID = "another" }, []string{"files: AdapterSet"}},
		"for another":  {func(set *v1alpha1.AdapterSet) { set.UID, set.Spec.TargetRef.Name = "another", "photos" }, []string{"files: AdapterSet", "photos: AdapterSet"}},
		"told already": {func(set *v1alpha1.AdapterSet) { set.Status.ReadyPorts = 1 }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, told := New(nil, Options{}), &tells{}
			if err := m.sets.Replace([]any{setOf("a", "files", metav1.Time{})}, "1"); err != nil {
				t.Fatal(err)
			}
			m.Tell(told.add)
			again := setOf("a", "files", metav1.Time{})
			c.change(again)
			if err := m.sets.Replace([]any{again}, "2"); err != nil {
				t.Fatal(err)
			}
			if told := told.take(); !slices.Equal(told, c.told) {
				t.Errorf("told was %q, not %q", told, c.told)
			}
		})
	}
}

func TestATargetIsLeftWhenItsLastAdapterSetGoes(t *testing.T) {
	t.Parallel()
	files := targetIn("storage", "files")
	for _, test := range []struct {
		name string
		do   func(*Mirror) error
		left bool
	}{
		{"the only one goes", func(m *Mirror) error { return m.sets.Delete(setOf("a", "files", metav1.Time{})) }, true},
		{"one of two goes", func(m *Mirror) error {
			if err := m.sets.Add(setOf("b", "files", metav1.Time{})); err != nil {
				return err
			}
			return m.sets.Delete(setOf("a", "files", metav1.Time{}))
		}, false},
		{"it goes while it is suspended", func(m *Mirror) error {
			suspended := setOf("a", "files", metav1.Time{})
			suspended.Spec.Suspend = true
			if err := m.sets.Update(suspended); err != nil {
				return err
			}
			return m.sets.Delete(suspended)
		}, false},
		{"it comes back", func(m *Mirror) error {
			set := setOf("a", "files", metav1.Time{})
			if err := m.sets.Delete(set); err != nil {
				return err
			}
			return m.sets.Add(set)
		}, false},
		{"one of its name is for another target", func(m *Mirror) error { return m.sets.Update(setOf("a", "photos", metav1.Time{})) }, true},
		{"a list is without it", func(m *Mirror) error { return m.sets.Replace(nil, "2") }, true},
		{"a list has another in its place", func(m *Mirror) error {
			return m.sets.Replace([]any{setOf("b", "files", metav1.Time{})}, "2")
		}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			m := New(nil, Options{})
			if err := m.sets.Add(setOf("a", "files", metav1.Time{})); err != nil {
				t.Fatal(err)
			}
			if err := test.do(m); err != nil {
				t.Fatal(err)
			}
			if m.Left(files) != test.left {
				t.Fatalf("left: %t", m.Left(files))
			}
			if test.left && !slices.Contains(m.Targets(), files) {
				t.Errorf("the targets are %v, without the one that was left", m.Targets())
			}
			m.GaveUp(files)
			if m.Left(files) {
				t.Error("it is left after it was given up")
			}
			if slices.Contains(m.Targets(), files) != (len(m.AdapterSets(files)) > 0) {
				t.Errorf("the targets are %v", m.Targets())
			}
		})
	}
}

func TestEachAdapterSetIsCalledWithOnce(t *testing.T) {
	t.Parallel()
	m := New(nil, Options{})
	if err := m.sets.Replace([]any{setOf("a", "files", metav1.Time{}), setOf("b", "photos", metav1.Time{})}, "1"); err != nil {
		t.Fatal(err)
	}
	var names []string
	m.EachAdapterSet(func(set *v1alpha1.AdapterSet) { names = append(names, set.Name) })
	slices.Sort(names)
	if !slices.Equal(names, []string{"a", "b"}) {
		t.Errorf("they are %q", names)
	}
}
