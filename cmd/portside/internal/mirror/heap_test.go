package mirror

import (
	"errors"
	"fmt"
	"runtime"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/adapterset"
)

// TestNothingIsKeptOfTargetsThatCameAndWent is not parallel: it looks at the heap.
func TestNothingIsKeptOfTargetsThatCameAndWent(t *testing.T) {
	m := New(nil, Options{})
	before := heap()
	const targets = 1000
	for i := range targets {
		come(t, m, i)
	}
	m.packUntouched()
	for i := range targets {
		leave(t, m, i)
	}
	m.packUntouched()
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

// objects are the AdapterSet, the workload and the pod of a target.
func objects(i int) (set *v1alpha1.AdapterSet, object *appsv1.StatefulSet, pod *corev1.Pod) {
	name := fmt.Sprintf("files-%d", i)
	object = &appsv1.StatefulSet{ObjectMeta: metav1.ObjectMeta{Namespace: "storage", Name: name, UID: types.UID(name)}}
	object.Spec.Template.Spec.Containers = []corev1.Container{{Name: "server", Ports: []corev1.ContainerPort{{Name: "api", ContainerPort: 8080}}}}
	return setOf(name, name, metav1.Time{}), object, podOf(name+"-0", "StatefulSet", name, nil)
}

func come(t *testing.T, m *Mirror, i int) {
	t.Helper()
	set, object, pod := objects(i)
	if err := errors.Join(m.workloads[workload.StatefulSet].Add(object), m.sets.Add(set), m.pods.Add(pod)); err != nil {
		t.Fatal(err)
	}
}

func leave(t *testing.T, m *Mirror, i int) {
	t.Helper()
	set, object, pod := objects(i)
	if err := errors.Join(m.pods.Delete(pod), m.sets.Delete(set), m.workloads[workload.StatefulSet].Delete(object)); err != nil {
		t.Fatal(err)
	}
	m.GaveUp(adapterset.Target(set))
}
