package main

import (
	"context"
	"fmt"

	"github.com/fluxcd/pkg/ssa"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/testenv"
)

// newFlux keeps the ports with the ResourceManager of Flux, used as kustomize-controller
// uses it: ApplyAllStaged with that controller's clean-up of other managers' entries. It
// gets the workload, applies as a dry run, compares the two, and applies if they differ,
// with force.
//
// It applies the same object as portside, as a manager of its own that owns nothing but
// the adapter ports. The object has no uid, which a manifest does not know, and not the
// two labels by which Flux finds objects to prune: both would only add bytes.
func newFlux(config *rest.Config, name string) (reconcile, error) {
	c, err := client.New(config, client.Options{})
	if err != nil {
		return nil, err
	}
	const group = "kustomize.toolkit.fluxcd.io"
	manager := ssa.NewResourceManager(c, nil, ssa.Owner{Field: testenv.Flux, Group: group})
	options := ssa.DefaultApplyOptions()
	options.Cleanup = ssa.ApplyCleanupOptions{
		Annotations: []string{corev1.LastAppliedConfigAnnotation},
		FieldManagers: []ssa.FieldManager{
			{Name: "kubectl", OperationType: metav1.ManagedFieldsOperationApply},
			{Name: "kubectl", OperationType: metav1.ManagedFieldsOperationUpdate},
			{Name: testenv.BeforeFirstApply, OperationType: metav1.ManagedFieldsOperationUpdate},
			{Name: testenv.Flux, OperationType: metav1.ManagedFieldsOperationUpdate},
		},
	}
	return func(ctx context.Context, adapters []apply.Adapter) (bool, error) {
		object := &unstructured.Unstructured{Object: partial(namespace, name, "", adapters)}
		changes, err := manager.ApplyAllStaged(ctx, []*unstructured.Unstructured{object}, options)
		if err != nil {
			return false, err
		}
		if len(changes.Entries) != 1 {
			return false, fmt.Errorf("the ResourceManager reports %d objects, want 1", len(changes.Entries))
		}
		switch action := changes.Entries[0].Action; action {
		case ssa.ConfiguredAction:
			return true, nil
		case ssa.UnchangedAction:
			return false, nil
		default:
			return false, fmt.Errorf("the ResourceManager reports %s", action)
		}
	}, nil
}
