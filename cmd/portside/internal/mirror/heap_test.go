package mirror

import (
	"fmt"
	"runtime"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// TestNothingIsKeptOfTargetsThatCameAndWent is not parallel: it looks at the heap.
func TestNothingIsKeptOfTargetsThatCameAndWent(t *testing.T) {
	m := New(nil, Options{})
	before := heap()
	for i := range 1000 {
		comeAndGo(t, m, fmt.Sprintf("files-%d", i))
	}
	after := heap()
	if len(m.setsOf)+len(m.podsOf)+len(m.left)+len(m.sets.rows)+len(m.pods.rows) > 0 {
		t.Errorf("of targets that went there is left: %v %v %v %d %d", m.setsOf, m.podsOf, m.left, len(m.sets.rows), len(m.pods.rows))
	}
	if after > before+before/10 {
		t.Errorf("the heap is %d bytes after 1000 targets, and was %d", after, before)
	}
	runtime.KeepAlive(m)
}

func heap() uint64 {
	runtime.GC()
	runtime.GC() // what the first one only let go of
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return s.HeapAlloc
}

// comeAndGo is the life of a target with an AdapterSet, a workload and a pod.
func comeAndGo(t *testing.T, m *Mirror, name string) {
	t.Helper()
	workload := &appsv1.StatefulSet{ObjectMeta: metav1.ObjectMeta{Namespace: "storage", Name: name, UID: types.UID(name)}}
	workload.Spec.Template.Spec.Containers = []corev1.Container{{Name: "server", Ports: []corev1.ContainerPort{{Name: "api", ContainerPort: 8080}}}}
	set := setOf(name, name, metav1.Time{})
	pod := podOf(name+"-0", "StatefulSet", name, nil)
	for _, err := range []error{
		m.workloads["StatefulSet"].Add(workload), m.sets.Add(set), m.pods.Add(pod),
		m.pods.Delete(pod), m.sets.Delete(set), m.workloads["StatefulSet"].Delete(workload),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	m.GaveUp(targetIn("storage", name))
}
