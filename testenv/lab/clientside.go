package main

import (
	"context"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/strategicpatch"

	"github.com/portside-dev/portside/testenv"
)

// applyClientSide writes an object as kubectl apply without --server-side does: by the
// three-way merge of its last-applied annotation, the manifest and the live object.
func applyClientSide(ctx context.Context, m *testenv.Manager, kind string, manifest *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	manifest = manifest.DeepCopy()
	manifest.SetAnnotations(map[string]string{corev1.LastAppliedConfigAnnotation: string(mustJSON(manifest))})
	live, err := m.Get(ctx, kind, "", manifest.GetName())
	if apierrors.IsNotFound(err) {
		return m.Create(ctx, manifest)
	}
	if err != nil {
		return nil, err
	}
	schema, err := strategicpatch.NewPatchMetaFromStruct(typed[kind])
	if err != nil {
		return nil, err
	}
	// kubectl's way with an object that was not applied before is to merge only.
	lastApplied := []byte(live.GetAnnotations()[corev1.LastAppliedConfigAnnotation])
	if len(lastApplied) == 0 {
		lastApplied = nil
	}
	patch, err := strategicpatch.CreateThreeWayMergePatch(lastApplied, mustJSON(manifest), mustJSON(live), schema, true)
	if err != nil {
		return nil, nil //nolint:nilerr // kubectl fails then: it cannot merge two ports with one number
	}
	return m.Patch(ctx, kind, "", manifest.GetName(), types.StrategicMergePatchType, patch)
}

var typed = map[string]any{"StatefulSet": appsv1.StatefulSet{}, "Deployment": appsv1.Deployment{}, "DaemonSet": appsv1.DaemonSet{}}
