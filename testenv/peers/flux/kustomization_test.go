package flux_test

import (
	"context"
	"fmt"

	kustomizev1 "github.com/fluxcd/kustomize-controller/api/v1"
	"github.com/fluxcd/pkg/ssa"
	"github.com/fluxcd/pkg/ssa/jsondiff"
	"github.com/fluxcd/pkg/ssa/normalize"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/peers/compat"
)

// reconciler does with manifests what kustomize-controller does after it has built
// them.
type reconciler struct {
	manager *ssa.ResourceManager
	object  *kustomizev1.Kustomization
	// overridden are the managers of the controller's flag --override-manager.
	overridden []string
}

func newReconciler(cp *testenv.ControlPlane, object *kustomizev1.Kustomization) (*reconciler, error) {
	c, err := client.New(cp.Config(), client.Options{})
	if err != nil {
		return nil, err
	}
	owner := ssa.Owner{Field: testenv.Flux, Group: kustomizev1.GroupVersion.Group}
	return &reconciler{manager: ssa.NewResourceManager(c, nil, owner), object: object}, nil
}

// prepare sets the fields that the controller sets before it applies.
func (r *reconciler) prepare(objects []*unstructured.Unstructured, namespace string) error {
	for _, object := range objects {
		object.SetNamespace(namespace)
	}
	r.manager.SetOwnerLabels(objects, r.object.Name, r.object.Namespace)
	return normalize.UnstructuredList(objects)
}

// apply applies the objects with the options that the controller derives from
// the Kustomization. See "Controlling the apply behavior of resources" in
// https://fluxcd.io/flux/components/kustomize/kustomizations/
func (r *reconciler) apply(ctx context.Context, objects []*unstructured.Unstructured) (*ssa.ChangeSet, error) {
	group := kustomizev1.GroupVersion.Group
	options := ssa.DefaultApplyOptions()
	options.Force = r.object.Spec.Force
	options.ExclusionSelector = map[string]string{
		group + "/reconcile": kustomizev1.DisabledValue,
		group + "/ssa":       kustomizev1.IgnoreValue,
	}
	options.IfNotPresentSelector = map[string]string{group + "/ssa": kustomizev1.IfNotPresentValue}
	options.ForceSelector = map[string]string{group + "/force": kustomizev1.EnabledValue}
	options.DriftIgnoreRules = ignoreRules(r.object)
	options.Cleanup = ssa.ApplyCleanupOptions{
		Annotations: []string{corev1.LastAppliedConfigAnnotation},
		FieldManagers: []ssa.FieldManager{
			{Name: "kubectl", OperationType: metav1.ManagedFieldsOperationApply},
			{Name: "kubectl", OperationType: metav1.ManagedFieldsOperationUpdate},
			{Name: testenv.BeforeFirstApply, OperationType: metav1.ManagedFieldsOperationUpdate},
			{Name: testenv.Flux, OperationType: metav1.ManagedFieldsOperationUpdate},
		},
		Exclusions: map[string]string{group + "/ssa": kustomizev1.MergeValue},
	}
	for _, name := range r.overridden {
		options.Cleanup.FieldManagers = append(options.Cleanup.FieldManagers,
			ssa.FieldManager{Name: name, OperationType: metav1.ManagedFieldsOperationApply},
			ssa.FieldManager{Name: name, OperationType: metav1.ManagedFieldsOperationUpdate})
	}
	return r.manager.ApplyAllStaged(ctx, objects, options)
}

// ignoreRules returns the rules of spec.ignore.
func ignoreRules(object *kustomizev1.Kustomization) []jsondiff.IgnoreRule {
	var rules []jsondiff.IgnoreRule
	for _, rule := range object.Spec.Ignore {
		ignored := jsondiff.IgnoreRule{Paths: rule.Paths}
		if target := rule.Target; target != nil {
			ignored.Selector = &jsondiff.Selector{
				Group: target.Group, Version: target.Version, Kind: target.Kind, Name: target.Name, Namespace: target.Namespace,
				AnnotationSelector: target.AnnotationSelector, LabelSelector: target.LabelSelector,
			}
		}
		rules = append(rules, ignored)
	}
	return rules
}

// inSync reports whether Flux's drift detection, a dry run, finds no change.
func (r *reconciler) inSync(ctx context.Context, object *unstructured.Unstructured) (bool, error) {
	options := ssa.DefaultDiffOptions()
	options.DriftIgnoreRules = ignoreRules(r.object)
	entry, _, _, err := r.manager.Diff(ctx, object, options)
	if err != nil {
		return false, err
	}
	return entry.Action == ssa.UnchangedAction, nil
}

// at returns a reconciler and the objects of a commit.
func at(s *compat.Site, c compat.Commit, object *kustomizev1.Kustomization) (*reconciler, []*unstructured.Unstructured, error) {
	r, err := newReconciler(s.ControlPlane, object)
	if err != nil {
		return nil, nil, err
	}
	workload, err := testenv.Object(c.Manifest())
	if err != nil {
		return nil, nil, err
	}
	objects := []*unstructured.Unstructured{workload}
	return r, objects, r.prepare(objects, s.Namespace)
}

// syncs returns the sync of a commit by a Kustomization, with the managers of
// --override-manager.
func syncs(object *kustomizev1.Kustomization, overridden ...string) func(*compat.Site, compat.Commit) error {
	return func(s *compat.Site, c compat.Commit) error {
		r, objects, err := at(s, c, object)
		if err != nil {
			return err
		}
		r.overridden = overridden
		if _, err := r.apply(s.Context(), objects); err != nil {
			return fmt.Errorf("Kustomization %s: %w", object.Name, err)
		}
		return nil
	}
}

// compares returns the comparison of a commit by a Kustomization.
func compares(object *kustomizev1.Kustomization) func(*compat.Site, compat.Commit) (bool, error) {
	return func(s *compat.Site, c compat.Commit) (bool, error) {
		r, objects, err := at(s, c, object)
		if err != nil {
			return false, err
		}
		return r.inSync(s.Context(), objects[0])
	}
}
