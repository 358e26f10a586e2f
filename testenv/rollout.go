package testenv

import (
	"context"
	"fmt"
	"slices"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// WaitRolledOut is [ControlPlane.RolledOut] in a test, which fails if there is an
// error.
func (cp *ControlPlane) WaitRolledOut(t testing.TB, kind, namespace, name string) *unstructured.Unstructured {
	t.Helper()
	live, err := cp.RolledOut(t.Context(), kind, namespace, name)
	if err != nil {
		t.Fatal(err)
	}
	return live
}

// RolledOut waits until the workload's status reports that its rollout is complete,
// and returns the workload. The controllers do not write it after that, so its
// resourceVersion stays the same. The error, after a generous deadline or when ctx
// ends, says what is missing.
func (cp *ControlPlane) RolledOut(ctx context.Context, kind, namespace, name string) (*unstructured.Unstructured, error) {
	var live *unstructured.Unstructured
	err := eventually(ctx, fmt.Sprintf("the rollout of %s/%s", kind, name), func(ctx context.Context) (err error) {
		live, err = cp.Manager("testenv").Get(ctx, kind, namespace, name)
		if err != nil {
			return err
		}
		return rolledOut(live)
	})
	return live, err
}

// rolledOut returns what is missing for a complete rollout: a field of status.
// StatefulSets with a partition or OnDelete and paused Deployments are rolled out
// as far as these allow.
func rolledOut(live *unstructured.Unstructured) error {
	status := func(field string) int64 {
		n, _, _ := unstructured.NestedInt64(live.Object, "status", field)
		return n
	}
	if got, want := status("observedGeneration"), live.GetGeneration(); got < want {
		return fmt.Errorf("generation %d is observed, want %d", got, want)
	}
	want, updated, counts := expectedCounts(live, status)
	for _, field := range counts {
		if got := status(field); got != want {
			return fmt.Errorf("status.%s is %d, want %d", field, got, want)
		}
	}
	if got := status(updated.field); got < updated.atLeast {
		return fmt.Errorf("status.%s is %d, want %d", updated.field, got, updated.atLeast)
	}
	if live.GetKind() == "StatefulSet" && updated.atLeast == want {
		return sameRevision(live)
	}
	return nil
}

// sameRevision returns an error until the status of a StatefulSet has one revision,
// which is when every pod has the newest template and the controller is done.
func sameRevision(live *unstructured.Unstructured) error {
	current, _, _ := unstructured.NestedString(live.Object, "status", "currentRevision")
	update, _, _ := unstructured.NestedString(live.Object, "status", "updateRevision")
	if current != update {
		return fmt.Errorf("status.currentRevision is %s, want %s", current, update)
	}
	return nil
}

type minimum struct {
	field   string
	atLeast int64
}

// expectedCounts returns the desired number of pods, the number of them that must
// have the newest template, and the fields of status that count pods.
func expectedCounts(live *unstructured.Unstructured, status func(string) int64) (want int64, updated minimum, counts []string) {
	if live.GetKind() == "DaemonSet" {
		want = status("desiredNumberScheduled")
		updated = minimum{"updatedNumberScheduled", want}
		counts = []string{"currentNumberScheduled", "numberReady", "numberAvailable"}
	} else {
		want = 1
		if replicas, set, _ := unstructured.NestedInt64(live.Object, "spec", "replicas"); set {
			want = replicas
		}
		updated = minimum{"updatedReplicas", want}
		counts = []string{"replicas", "readyReplicas", "availableReplicas"}
	}
	partition, _, _ := unstructured.NestedInt64(live.Object, "spec", "updateStrategy", "rollingUpdate", "partition")
	strategy, _, _ := unstructured.NestedString(live.Object, "spec", "updateStrategy", "type")
	paused, _, _ := unstructured.NestedBool(live.Object, "spec", "paused")
	if updated.atLeast = max(0, updated.atLeast-partition); strategy == "OnDelete" || paused {
		updated.atLeast = 0
	}
	return want, updated, counts
}

// Revisions returns the names of the revisions of a workload's template, the oldest
// first: ControllerRevisions of a StatefulSet or DaemonSet, ReplicaSets of a
// Deployment. Another revision means that a change caused a rollout.
func (cp *ControlPlane) Revisions(t testing.TB, kind, namespace, name string) []string {
	t.Helper()
	owner, err := cp.Manager("testenv").Get(t.Context(), kind, namespace, name)
	if err != nil {
		t.Fatalf("cannot get the owner of the revisions: %v", err)
	}
	recordKind := "ControllerRevision"
	if kind == "Deployment" {
		recordKind = "ReplicaSet"
	}
	resource, err := cp.Manager("testenv").resource(recordKind, namespace)
	if err != nil {
		t.Fatal(err)
	}
	list, err := resource.List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatalf("cannot list the %ss: %v", recordKind, err)
	}
	owned := slices.DeleteFunc(list.Items, func(record unstructured.Unstructured) bool {
		return !metav1.IsControlledBy(&record, owner)
	})
	slices.SortStableFunc(owned, func(a, b unstructured.Unstructured) int {
		return a.GetCreationTimestamp().Compare(b.GetCreationTimestamp().Time)
	})
	names := make([]string, 0, len(owned))
	for _, record := range owned {
		names = append(names, record.GetName())
	}
	return names
}
