package testenv

import (
	"context"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/util/retry"
)

// nodeName is the node of every pod except those of DaemonSets on nodes that tests
// add.
const nodeName = "testenv"

// AddNode adds a node until the test ends, with a taint (NoSchedule) whose key is
// the node's name: a DaemonSet that tolerates it gets another pod, and those of
// other tests do not. The name must be unique to the test.
//
// It panics without Options.Controllers, since no pod runs then.
func (cp *ControlPlane) AddNode(t testing.TB, name string) {
	t.Helper()
	cp.mustRunPods("AddNode")
	taint := corev1.Taint{Key: name, Effect: corev1.TaintEffectNoSchedule}
	if err := createNode(t.Context(), cp.client, name, taint); err != nil {
		t.Fatalf("cannot add the node %s: %v", name, err)
	}
	t.Cleanup(func() {
		if err := cp.client.CoreV1().Nodes().Delete(context.Background(), name, metav1.DeleteOptions{}); err != nil { //nolint:usetesting // the context of the test has ended
			t.Errorf("cannot remove the node %s: %v", name, err)
		}
	})
}

// createNode creates a node with these taints and no others.
func createNode(ctx context.Context, client kubernetes.Interface, name string, taints ...corev1.Taint) error {
	room := corev1.ResourceList{
		corev1.ResourceCPU:    resource.MustParse("1000"),
		corev1.ResourceMemory: resource.MustParse("1Ti"),
		corev1.ResourcePods:   resource.MustParse("100k"),
	}
	node, err := client.CoreV1().Nodes().Create(ctx, &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{corev1.LabelHostname: name}},
		Spec:       corev1.NodeSpec{Taints: taints},
	}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	node.Status = corev1.NodeStatus{
		Capacity: room, Allocatable: room,
		Conditions: []corev1.NodeCondition{{
			Type: corev1.NodeReady, Status: corev1.ConditionTrue, Reason: "Testenv",
			LastHeartbeatTime: metav1.Now(), LastTransitionTime: metav1.Now(),
		}},
	}
	if _, err = client.CoreV1().Nodes().UpdateStatus(ctx, node, metav1.UpdateOptions{}); err != nil {
		return err
	}
	// Admission taints each new node as not ready, and the controller that removes
	// the taint does not run.
	return retry.RetryOnConflict(retry.DefaultRetry, func() error {
		live, err := client.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		live.Spec.Taints = taints
		_, err = client.CoreV1().Nodes().Update(ctx, live, metav1.UpdateOptions{})
		return err
	})
}

// nodeOf returns the node of a pod: the one in its affinity, which the DaemonSet
// controller sets, or the first.
func nodeOf(pod *corev1.Pod) string {
	if a := pod.Spec.Affinity; a != nil && a.NodeAffinity != nil && a.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution != nil {
		for _, term := range a.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms {
			for _, field := range term.MatchFields {
				if field.Key == metav1.ObjectNameField && len(field.Values) == 1 {
					return field.Values[0]
				}
			}
		}
	}
	return nodeName
}
