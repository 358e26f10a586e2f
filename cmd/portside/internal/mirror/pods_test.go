package mirror

import (
	"reflect"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// podOf is a pod as a watch brings it, of a controller that is known by its name.
func podOf(name, kind, controller string, change func(*corev1.Pod)) *corev1.Pod {
	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "storage", Name: name, Annotations: map[string]string{"example.com/notes": "a long text"}}}
	if controller != "" {
		p.OwnerReferences = []metav1.OwnerReference{
			{Kind: "Backup", Name: "no-controller", UID: "none"},
			{Kind: kind, Name: controller, UID: types.UID(controller), Controller: new(true)},
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
		p.Status.PodIP = "10.0.0.7"
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
		Name: "files-0", Address: "10.0.0.7", Ready: true, Controller: Controller{Kind: "StatefulSet", Name: "files", UID: "files"},
		Ports: []NamedPort{{"server", "api", 8080}, {"server", "plain", 80}, {"agent", "stats", 8081}},
	}
	for _, test := range []struct {
		name   string
		change func(*corev1.Pod)
		want   func(*Pod)
	}{
		{"a pod that is ready", func(*corev1.Pod) {}, func(*Pod) {}},
		{"one that is not", func(p *corev1.Pod) { p.Status.Conditions[0].Status = corev1.ConditionFalse }, func(p *Pod) { p.Ready = false }},
		{"one that is being deleted", func(p *corev1.Pod) { p.DeletionTimestamp = &metav1.Time{} }, func(p *Pod) { p.Ready = false }},
		{"one that nobody controls", func(p *corev1.Pod) { p.OwnerReferences = p.OwnerReferences[:1] }, func(p *Pod) { p.Controller = Controller{} }},
	} {
		want := all
		test.want(&want)
		kept, ok := keepPod(podOf("files-0", "StatefulSet", "files", func(p *corev1.Pod) { ready(p); test.change(p) }))
		if !ok || !reflect.DeepEqual(kept, want) {
			t.Errorf("%s: kept is %+v, not %+v", test.name, kept, want)
		}
	}
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
	expect := func(controller types.UID, want ...string) {
		t.Helper()
		if names := podNames(m.PodsOf(controller)); !slices.Equal(names, want) {
			t.Errorf("%s has %q, not %q", controller, names, want)
		}
	}
	put(podOf("files-1", "StatefulSet", "files", nil))
	put(podOf("files-0", "StatefulSet", "files", nil))
	put(podOf("stray", "", "", nil))
	expect("files", "files-0", "files-1")
	expect("")
	put(podOf("files-0", "StatefulSet", "adopter", nil))
	expect("files", "files-1")
	expect("adopter", "files-0")
	put(podOf("files-1", "", "", nil))
	expect("files")
	if err := m.pods.Delete(podOf("files-0", "", "", nil)); err != nil {
		t.Fatal(err)
	}
	expect("adopter")
	if len(m.podsOf) > 0 {
		t.Errorf("of controllers that have no pods there is %v", m.podsOf)
	}
}

func TestReplicaSetsAreThoseThatMayBeOfTheDeployment(t *testing.T) {
	t.Parallel()
	m := New(nil, Options{})
	for _, p := range []*corev1.Pod{
		podOf("a", "ReplicaSet", "files-7d4b9", nil), podOf("b", "ReplicaSet", "files-7d4b9", nil), podOf("c", "ReplicaSet", "files-1c2d3", nil),
		podOf("d", "ReplicaSet", "photos-5f6a7", nil), podOf("e", "StatefulSet", "files-sts", nil),
		podOf("f", "ReplicaSet", "files-elsewhere", func(p *corev1.Pod) { p.Namespace = "other" }),
	} {
		if err := m.pods.Add(p); err != nil {
			t.Fatal(err)
		}
	}
	var names []string
	for _, c := range m.ReplicaSets("storage", "files") {
		names = append(names, c.Name)
	}
	slices.Sort(names)
	if !slices.Equal(names, []string{"files-1c2d3", "files-7d4b9"}) {
		t.Errorf("they are %q", names)
	}
}
