package apply_test

import (
	"slices"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/workload"
)

const ownsAPI = `{"f:metadata":{"f:labels":{"f:a":{}}},"f:spec":{"f:template":{"f:spec":{"f:containers":{"k:{\"name\":\"dittofs\"}":{".":{},"f:ports":{"k:{\"containerPort\":8080,\"protocol\":\"TCP\"}":{".":{}}}}}}}}}`

// ownerOfAPI owns the port api.
func ownerOfAPI(manager string, operation metav1.ManagedFieldsOperationType) metav1.ManagedFieldsEntry {
	return metav1.ManagedFieldsEntry{Manager: manager, Operation: operation, APIVersion: "apps/v1", FieldsV1: metav1.NewFieldsV1(ownsAPI)}
}

func declaresAPI(entries ...metav1.ManagedFieldsEntry) *workload.Workload {
	return withPorts(entries, corev1.ContainerPort{Name: "api", ContainerPort: 8080, Protocol: corev1.ProtocolTCP})
}

// withPorts returns a workload with managedFields and one container.
func withPorts(entries []metav1.ManagedFieldsEntry, ports ...corev1.ContainerPort) *workload.Workload {
	s := &appsv1.StatefulSet{ObjectMeta: metav1.ObjectMeta{ManagedFields: entries}}
	s.Spec.Template.Spec.Containers = []corev1.Container{{Name: dittofs, Ports: ports}}
	return read(s)
}

// TestEntries decodes the managedFields of each workload, and observes its containers.
func TestEntries(t *testing.T) {
	t.Parallel()
	for _, owner := range []string{alice, "bob", alice} {
		w := declaresAPI(ownerOfAPI(owner, metav1.ManagedFieldsOperationApply))
		for range 2 {
			owned, err := apply.Owners(w)
			if err != nil || len(owned[0].Owners.Item) != 1 || owned[0].Owners.Item[0].Name != owner {
				t.Errorf("the owner is %v, %v, not %s", owned, err, owner)
			}
		}
	}
	if owned, err := apply.Owners(declaresAPI()); err != nil || len(owned[0].Owners.Item) > 0 {
		t.Errorf("it has no owner, but got %v, %v", owned, err)
	}
	w := declaresAPI(ownerOfAPI("portside", metav1.ManagedFieldsOperationApply))
	applier, err := apply.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, number := range []int32{8080, 8081} {
		if number != 8080 {
			w.Containers = []workload.Container{{Name: dittofs, Ports: []corev1.ContainerPort{{ContainerPort: number, Protocol: corev1.ProtocolTCP}}}}
		}
		if ours, err := ownPorts(applier, w, dittofs); err != nil || (len(ours) == 1) != (number == 8080) {
			t.Errorf("of %d ours are %v, %v", number, ours, err)
		}
	}
}

// TestTrimByManager: our own Apply entry stays whole.
func TestTrimByManager(t *testing.T) {
	t.Parallel()
	for _, order := range [][]metav1.ManagedFieldsOperationType{
		{metav1.ManagedFieldsOperationApply, metav1.ManagedFieldsOperationUpdate},
		{metav1.ManagedFieldsOperationUpdate, metav1.ManagedFieldsOperationApply},
	} {
		var lengths []int
		for _, operation := range order {
			reduced := trimmed(declaresAPI(ownerOfAPI(alice, operation)), alice)
			lengths = append(lengths, len(reduced.Managed()[0].FieldsV1.GetRawBytes()))
		}
		if order[0] == metav1.ManagedFieldsOperationUpdate {
			slices.Reverse(lengths)
		}
		if lengths[0] <= lengths[1] {
			t.Errorf("%v: of an apply %d bytes are kept, of an update %d", order, lengths[0], lengths[1])
		}
	}
}
