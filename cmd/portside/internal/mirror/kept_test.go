package mirror

import (
	"reflect"
	"slices"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/testenv"
)

func TestOnlyWhatIsNeededOfAnAdapterSetIsKept(t *testing.T) {
	t.Parallel()
	cp := testenv.Shared(t)
	installCRD(t, cp)
	ns := cp.Namespace(t)
	mustApply(t, cp.Manager("git").In(ns), adapterSet("files", "files"))
	c := newClient(t, cp.Config())
	m, _, _ := start(t, c, Options{Namespace: ns})
	if err := m.WaitForSync(t.Context()); err != nil {
		t.Fatal(err)
	}
	stored := &v1alpha1.AdapterSet{}
	if err := c.Get(t.Context(), keyOf(ns, "files"), stored); err != nil {
		t.Fatal(err)
	}
	if len(stored.Annotations) == 0 || len(stored.Labels) == 0 || len(stored.ManagedFields) == 0 {
		t.Fatalf("the server has not stored what is to be dropped: %v", stored)
	}
	want := &v1alpha1.AdapterSet{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: ns, Name: "files", UID: stored.UID, ResourceVersion: stored.ResourceVersion,
			Generation: stored.Generation, CreationTimestamp: stored.CreationTimestamp,
		},
		Spec: stored.Spec,
	}
	if kept := m.AdapterSets(targetIn(ns, "files"))[0]; !reflect.DeepEqual(kept, want) {
		t.Errorf("kept is\n%+v\nnot\n%+v", kept, want)
	}
}

func TestOfEveryKindTheReducedWorkloadIsKept(t *testing.T) {
	t.Parallel()
	m, _, git, ns := watching(t)
	mustApply(t, git, statefulSet("files"))
	for _, kind := range []string{"Deployment", "DaemonSet"} {
		mustApply(t, git, `
apiVersion: apps/v1
kind: `+kind+`
metadata: {name: files}
spec:
  selector: {matchLabels: {app: files}}
  template:
    metadata: {labels: {app: files}}
    spec: {containers: [{name: server, image: "example.com/files:1", ports: [{name: api, containerPort: 8080}]}]}
`)
	}
	for _, kind := range workload.Kinds() {
		target := workload.Target{Kind: kind, Namespace: ns, Name: "files"}
		until(t, kind.Kind+" files", func() bool { return m.Workload(target) != nil })
		w := m.Workload(target)
		if !reflect.DeepEqual(w, w.Trimmed(apply.DefaultFieldManager)) {
			t.Errorf("%s: kept is more than what is needed: %+v", kind, w)
		}
		if w.Kind != kind || w.Name != "files" || len(w.Containers) != 1 || w.Containers[0].Ports[0].ContainerPort != 8080 {
			t.Errorf("%s: kept is %+v", kind, w)
		}
	}
	if m.Workload(workload.Target{Kind: workload.KindOf("batch/v1", "CronJob"), Namespace: ns, Name: "files"}) != nil {
		t.Error("there is a workload of a kind that has none")
	}
}

func TestAChangeOfAWorkloadIsToldIfItIsATargetAndTheChangeMatters(t *testing.T) {
	t.Parallel()
	m, told, git, ns := watching(t)
	mustApply(t, git, adapterSet("files", "files"))
	told.expect(t, "files: AdapterSet")
	mustApply(t, git, statefulSet("nobodys"))
	mustApply(t, git, statefulSet("files"))
	told.expect(t, "files: workload")

	seen := func(patch string) {
		t.Helper()
		version := m.Workload(targetIn(ns, "files")).ResourceVersion
		mustPatch(t, git, "StatefulSet", ns, "files", patch)
		until(t, "the newer workload", func() bool { return m.Workload(targetIn(ns, "files")).ResourceVersion != version })
	}
	for _, patch := range []string{
		`{"metadata":{"labels":{"round":"1"},"annotations":{"example.com/more":"notes"}}}`,
		`{"spec":{"template":{"metadata":{"annotations":{"example.com/restarted":"now"}}}}}`,
		`{"spec":{"minReadySeconds":5}}`,
	} {
		seen(patch)
		if told := told.take(); len(told) > 0 {
			t.Errorf("%s was told: %q", patch, told)
		}
	}
	seen(`{"metadata":{"annotations":{"portside.dev/paused":"true"}}}`)
	told.expect(t, "files: workload")
	mustApply(t, git.In(ns), adapterSet("other", "nobodys"))
	told.expect(t, "nobodys: AdapterSet")
	mustDelete(t, git, "StatefulSet", ns, "files")
	told.expect(t, "files: workload")
	if m.Workload(targetIn(ns, "files")) != nil {
		t.Error("the workload is still there")
	}
}

// A workload that was left while it was paused is told of: it can be given up
// once it no longer is.
func TestAChangeOfAWorkloadThatWasLeftIsTold(t *testing.T) {
	t.Parallel()
	m, told, git, ns := watching(t)
	mustApply(t, git, statefulSet("files"))
	mustApply(t, git, adapterSet("files", "files"))
	until(t, "the workload", func() bool { return m.Workload(targetIn(ns, "files")) != nil && len(m.Targets()) == 1 })
	mustDelete(t, git, "AdapterSet", ns, "files")
	until(t, "the target to be left", func() bool { return m.Left(targetIn(ns, "files")) })
	told.take()
	mustPatch(t, git, "StatefulSet", ns, "files", `{"metadata":{"annotations":{"portside.dev/paused":"true"}}}`)
	told.expect(t, "files: workload")
	m.GaveUp(targetIn(ns, "files"))
	mustPatch(t, git, "StatefulSet", ns, "files", `{"metadata":{"annotations":{"portside.dev/paused":null}}}`)
	until(t, "the end of the pause", func() bool { return !m.Workload(targetIn(ns, "files")).Paused })
	if told := told.take(); len(told) > 0 {
		t.Errorf("a change of a workload that was given up was told: %q", slices.Compact(told))
	}
}
