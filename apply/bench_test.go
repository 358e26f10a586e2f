package apply_test

import (
	"encoding/json"
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/testenv"
)

// BenchmarkLook measures what a look costs who watches many workloads, on one
// that has an owner, a controller's status, a user's edits, and our ports.
func BenchmarkLook(b *testing.B) {
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
	standing := func(look *workload.Workload) func(*testing.B) {
		return func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, stands, err := upToDate(applier, look, want); !stands || err != nil {
					b.Fatalf("stands: %t, %v", stands, err)
				}
			}
		}
	}
	b.Run("Standing", standing(result.After))
	b.Run("StandingReduced", standing(trimmed(result.After, testenv.Portside)))
	b.Run("Reduced", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			trimmed(result.After, testenv.Portside)
		}
		b.ReportMetric(sizeOf(b, trimmed(result.After, testenv.Portside)), "reduced-bytes")
		b.ReportMetric(sizeOf(b, result.After), "whole-bytes")
	})
}

// sizeOf is how large a look is as JSON, in bytes.
func sizeOf(b *testing.B, look *workload.Workload) float64 {
	b.Helper()
	written, err := json.Marshal(look)
	if err != nil {
		b.Fatal(err)
	}
	return float64(len(written))
}
