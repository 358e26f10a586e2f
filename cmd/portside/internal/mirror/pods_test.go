package mirror

import (
	"reflect"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"github.com/portside-dev/portside/apply/workload"
)

// podOf returns a pod as a watch delivers it, with a controller of apps/v1 that
// has its name as its UID.
func podOf(name, kind, controller string, change func(*corev1.Pod)) *corev1.Pod {
	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "storage", Name: name, Annotations: map[string]string{"example.com/notes": "a long text"}}}
	if controller != "" {
		p.OwnerReferences = []metav1.OwnerReference{
			{Kind: "Backup", Name: "no-controller", UID: "none"},
			{APIVersion: "apps/v1", Kind: kind, Name: controller, UID: types.UID(controller), Controller: new(true)},
		}
	}
	if change != nil {
		change(p)
	}
	return p
}

func TestOnlyWhatDiscoveryNeedsOfAPodIsKept(t *testing.T) {
	t.Parallel()
	ready := func(p *corev1.Pod) {
		p.Labels = map[string]string{"app": "files", "apps.kubernetes.io/pod-index": "0"}
		p.Status.Phase, p.Status.PodIP = corev1.PodRunning, "10.0.0.7"
		p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
		p.Spec.Containers = []corev1.Container{
			{Name: "server", Ports: []corev1.ContainerPort{
				{Name: "api", ContainerPort: 8080, Protocol: corev1.ProtocolTCP}, {Name: "plain", ContainerPort: 80},
				{Name: "dns", ContainerPort: 53, Protocol: corev1.ProtocolUDP}, {ContainerPort: 9090},
			}},
			{Name: "agent", Ports: []corev1.ContainerPort{{Name: "stats", ContainerPort: 8081}}},
		}
	}
	all := Pod{
		Name: "files-0", Address: "10.0.0.7", Ready: true, Running: true, Controller: controllerNamed("StatefulSet", "files"),
		Labels: "app=files,apps.kubernetes.io/pod-index=0",
		Ports:  []NamedPort{{"server", "api", 8080}, {"server", "plain", 80}, {"agent", "stats", 8081}},
	}
	nameAlone := func(p *Pod) { *p = Pod{Name: p.Name} }
	for _, test := range []struct {
		name   string
		change func(*corev1.Pod)
		want   func(*Pod)
	}{
		{"a pod that is ready", func(*corev1.Pod) {}, func(*Pod) {}},
		{"one that is not", func(p *corev1.Pod) { p.Status.Conditions[0].Status = corev1.ConditionFalse }, func(p *Pod) { p.Ready = false }},
		{"one that is being deleted", func(p *corev1.Pod) { p.DeletionTimestamp = &metav1.Time{} }, func(p *Pod) { p.Ready, p.Running = false, false }},
		{"one that does not run", func(p *corev1.Pod) { p.Status.Phase, p.Status.Conditions = corev1.PodPending, nil }, func(p *Pod) { p.Ready, p.Running = false, false }},
		{"one without a controller", func(p *corev1.Pod) { p.OwnerReferences = p.OwnerReferences[:1] }, nameAlone},
		{"one with an owner that is not its controller", func(p *corev1.Pod) { p.OwnerReferences[1].Controller = nil }, nameAlone},
		{"one of another API group", func(p *corev1.Pod) { p.OwnerReferences[1].APIVersion = "nowhere.example/v1" }, nameAlone},
		{"one of another kind", func(p *corev1.Pod) { p.OwnerReferences[1].Kind = "Deployment" }, nameAlone},
	} {
		want := all
		test.want(&want)
		kept, ok := keepPod(podOf("files-0", "StatefulSet", "files", func(p *corev1.Pod) { ready(p); test.change(p) }))
		if !ok || !reflect.DeepEqual(kept, want) {
			t.Errorf("%s: kept is %+v, not %+v", test.name, kept, want)
		}
	}
}

func TestLabelsAreThoseOfThePod(t *testing.T) {
	t.Parallel()
	kept, _ := keepPod(podOf("files-0", "StatefulSet", "files", func(p *corev1.Pod) {
		p.Labels = map[string]string{"app": "files", "empty": "", "example.com/app": "other"}
	}))
	for selector, want := range map[string]bool{
		"app=files": true, "app=other": false, "example.com/app=other,app=files": true, "empty=": true, "empty": true, "!empty": false,
		"tier": false, "!tier": true, "tier=": false, "app in (files,photos)": true, "app notin (files)": false, "example.com/app!=files": true,
	} {
		parsed, err := labels.Parse(selector)
		if err != nil {
			t.Fatal(err)
		}
		if got := parsed.Matches(kept.Labels); got != want {
			t.Errorf("%q matches: %t", selector, got)
		}
	}
	if Labels("").Has("") {
		t.Error("no labels have a label")
	}
}

func controllerNamed(kind, name string) Controller {
	return Controller{Kind: workload.KindOf("apps/v1", kind), APIVersion: "apps/v1", Name: name, UID: types.UID(name)}
}

func podNames(pods []*Pod) []string {
	names := make([]string, 0, len(pods))
	for _, p := range pods {
		names = append(names, p.Name)
	}
	return names
}

func TestPodsAreFoundByTheirController(t *testing.T) {
	t.Parallel()
	m := New(nil, Options{})
	put := func(p *corev1.Pod) {
		t.Helper()
		if err := m.pods.Update(p); err != nil {
			t.Fatal(err)
		}
	}
	expectIn := func(namespace string, c Controller, want ...string) {
		t.Helper()
		if names := podNames(m.PodsOf(namespace, c)); !slices.Equal(names, want) {
			t.Errorf("%v in %s has %q, not %q", c, namespace, names, want)
		}
	}
	files, adopter := controllerNamed("StatefulSet", "files"), controllerNamed("StatefulSet", "adopter")
	put(podOf("files-1", "StatefulSet", "files", nil))
	put(podOf("files-0", "StatefulSet", "files", nil))
	put(podOf("stray", "", "", nil))
	put(podOf("elsewhere", "StatefulSet", "files", func(p *corev1.Pod) { p.Namespace = "other" }))
	expectIn("storage", files, "files-0", "files-1")
	expectIn("other", files, "elsewhere")
	expectIn("storage", Controller{})
	for _, not := range []Controller{
		{Kind: workload.DaemonSet, Name: "files", UID: "files"}, {Kind: workload.StatefulSet, Name: "photos", UID: "files"}, {Kind: workload.StatefulSet, Name: "files", UID: "recreated"},
	} {
		expectIn("storage", not)
	}
	put(podOf("files-0", "StatefulSet", "adopter", nil))
	expectIn("storage", files, "files-1")
	expectIn("storage", adopter, "files-0")
	put(podOf("files-1", "", "", nil))
	expectIn("storage", files)
	if err := m.pods.Delete(podOf("files-0", "", "", nil)); err != nil {
		t.Fatal(err)
	}
	expectIn("storage", adopter)
	if len(m.podsOf["storage"]) > 0 || len(m.podsOf) != 1 {
		t.Errorf("of controllers that have no pods there is %v", m.podsOf)
	}
}

func TestReplicaSetsAreThoseOfTheNamespace(t *testing.T) {
	t.Parallel()
	m := New(nil, Options{})
	for _, p := range []*corev1.Pod{
		podOf("a", "ReplicaSet", "files-7d4b9", nil), podOf("b", "ReplicaSet", "files-7d4b9", nil), podOf("c", "ReplicaSet", "files-1c2d3", nil),
		podOf("d", "ReplicaSet", "adopted", nil), podOf("e", "StatefulSet", "files-sts", nil),
		podOf("f", "ReplicaSet", "files-elsewhere", func(p *corev1.Pod) { p.Namespace = "other" }),
		podOf("g", "ReplicaSet", "files-foreign", func(p *corev1.Pod) { p.OwnerReferences[1].APIVersion = "nowhere.example/v1" }),
	} {
		if err := m.pods.Add(p); err != nil {
			t.Fatal(err)
		}
	}
	want := []Controller{controllerNamed("ReplicaSet", "adopted"), controllerNamed("ReplicaSet", "files-1c2d3"), controllerNamed("ReplicaSet", "files-7d4b9")}
	if found := m.ReplicaSets("storage"); !slices.Equal(found, want) {
		t.Errorf("they are %v", found)
	}
}
