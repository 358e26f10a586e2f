package apply_test

import (
	"encoding/json"
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/testenv"
)

// BenchmarkObservation measures the cost of an observation, of a workload that has an
// owner, a controller's status, a user's edits, and our ports.
func BenchmarkObservation(b *testing.B) {
	cp := testenv.Shared(b)
	namespace := cp.Namespace(b)
	cp.Manager(testenv.ArgoCD).In(namespace).MustApply(b, declared(workload.StatefulSet, static))
	for manager, patch := range map[string]string{
		testenv.KubectlEdit:       `{"metadata":{"annotations":{"on-call":"storage"}},"spec":{"template":{"spec":{"priorityClassName":"storage"}}}}`,
		testenv.ControllerManager: `{"spec":{"replicas":3}}`,
	} {
		cp.Manager(manager).MustPatch(b, "StatefulSet", namespace, dittofs, types.MergePatchType, []byte(patch))
	}
	applier := newApplier(b, cp)
	want := apply.Desired{Adapters: []apply.Adapter{nfs, smb}}
	result, err := applier.Apply(b.Context(), workload.Target{Kind: workload.StatefulSet, Namespace: namespace, Name: dittofs}, want)
	if err != nil {
		b.Fatal(err)
	}
	expectUpToDate := func(observed *workload.Workload) func(*testing.B) {
		return func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, current, err := upToDate(applier, observed, want); !current || err != nil {
					b.Fatalf("up to date: %t, %v", current, err)
				}
			}
		}
	}
	b.Run("UpToDate", expectUpToDate(result.After))
	b.Run("UpToDateTrimmed", expectUpToDate(trimmed(result.After, testenv.Portside)))
	b.Run("Reduced", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			trimmed(result.After, testenv.Portside)
		}
		b.ReportMetric(sizeOf(b, trimmed(result.After, testenv.Portside)), "reduced-bytes")
		b.ReportMetric(sizeOf(b, result.After), "whole-bytes")
	})
}

// sizeOf returns the size of an observation as JSON, in bytes.
func sizeOf(b *testing.B, observed *workload.Workload) float64 {
	b.Helper()
	written, err := json.Marshal(observed)
	if err != nil {
		b.Fatal(err)
	}
	return float64(len(written))
}
