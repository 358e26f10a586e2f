package helmrelease_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	v2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/ssa"
	"github.com/fluxcd/pkg/ssa/jsondiff"
	"github.com/fluxcd/pkg/ssa/normalize"
	"github.com/fluxcd/pkg/ssa/utils"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/portside-dev/portside/testenv/peers/compat"
	"github.com/portside-dev/portside/testenv/peers/helm"
)

const examples = "../../../../examples"

// example returns the example's HelmRelease, decoded strictly.
func example(t *testing.T) *v2.HelmRelease {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(examples, "flux/helmrelease.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	object := &v2.HelmRelease{}
	if err := yaml.UnmarshalStrict(text, object); err != nil {
		t.Fatal(err)
	}
	return object
}

// options returns the options of Helm that the controller derives from the
// HelmRelease.
func options(object *v2.HelmRelease) helm.Helm4 {
	serverSide := object.GetUpgrade().ServerSideApply != v2.ServerSideApplyDisabled
	return helm.Helm4{
		Chart:          filepath.Join(examples, object.Spec.Chart.Spec.Chart),
		ClientSide:     !serverSide,
		ForceConflicts: serverSide,
		ForceReplace:   object.GetUpgrade().Force && !serverSide,
	}
}

// syncs returns an installation or upgrade by a HelmRelease.
func syncs(object *v2.HelmRelease) func(*compat.Site, compat.Commit) error {
	return func(s *compat.Site, c compat.Commit) error {
		if err := options(object).Sync(s, c); err != nil {
			return fmt.Errorf("HelmRelease %s: %w", object.Name, err)
		}
		return nil
	}
}

// drift returns the differences that the controller finds between the cluster and
// the manifest of the last deployed release, with the managers of its flag
// --override-manager.
func drift(s *compat.Site, object *v2.HelmRelease, overridden ...string) (jsondiff.DiffSet, error) {
	release, err := helm.Last(s)
	if err != nil {
		return nil, err
	}
	dryRun := true
	c, err := client.New(s.Config(), client.Options{DryRun: &dryRun})
	if err != nil {
		return nil, err
	}
	objects, err := utils.ReadObjects(strings.NewReader(release.Manifest))
	if err != nil {
		return nil, err
	}
	if err := normalize.UnstructuredListWithScheme(objects, c.Scheme()); err != nil {
		return nil, err
	}
	// The metadata that Helm adds to each object.
	utils.SetCommonMetadata(objects, map[string]string{"app.kubernetes.io/managed-by": "Helm"},
		map[string]string{"meta.helm.sh/release-name": release.Name, "meta.helm.sh/release-namespace": release.Namespace})
	for _, o := range objects {
		o.SetNamespace(s.Namespace)
		if err := override(s, o, overridden); err != nil {
			return nil, err
		}
	}
	list := []jsondiff.ListOption{
		jsondiff.FieldOwner(manager), jsondiff.Rationalize(true), jsondiff.Graceful(true),
		jsondiff.ExclusionSelector{v2.DriftDetectionMetadataKey: v2.DriftDetectionDisabledValue},
	}
	for _, rule := range object.GetDriftDetection().Ignore {
		list = append(list, jsondiff.IgnoreRules{{Paths: rule.Paths}})
	}
	return jsondiff.UnstructuredList(s.Context(), c, objects, list...)
}

// override joins the entries of managers to the controller's own, as its
// replaceDisallowedFieldManagers does before it looks for drift.
func override(s *compat.Site, object *unstructured.Unstructured, managers []string) error {
	if len(managers) == 0 {
		return nil
	}
	c, err := client.New(s.Config(), client.Options{})
	if err != nil {
		return err
	}
	live := &unstructured.Unstructured{}
	live.SetGroupVersionKind(object.GroupVersionKind())
	if err := c.Get(s.Context(), client.ObjectKeyFromObject(object), live); err != nil {
		return client.IgnoreNotFound(err)
	}
	var overridden []ssa.FieldManager
	for _, name := range managers {
		overridden = append(overridden,
			ssa.FieldManager{Name: name, OperationType: metav1.ManagedFieldsOperationApply},
			ssa.FieldManager{Name: name, OperationType: metav1.ManagedFieldsOperationUpdate})
	}
	patches, err := ssa.PatchReplaceFieldsManagers(live, overridden, manager)
	if err != nil || len(patches) == 0 {
		return err
	}
	patch, err := json.Marshal(patches)
	if err != nil {
		return err
	}
	return c.Patch(s.Context(), live, client.RawPatch(types.JSONPatchType, patch), client.FieldOwner(manager))
}

// compares returns a function that reports whether there is no drift.
func compares(object *v2.HelmRelease) func(*compat.Site, compat.Commit) (bool, error) {
	return func(s *compat.Site, _ compat.Commit) (bool, error) {
		found, err := drift(s, object)
		return !found.HasChanges(), err
	}
}

// correct corrects drift as the controller does in the mode enabled: it patches the
// differences, object by object.
func correct(s *compat.Site, object *v2.HelmRelease, overridden ...string) error {
	found, err := drift(s, object, overridden...)
	if err != nil {
		return err
	}
	c, err := client.New(s.Config(), client.Options{})
	if err != nil {
		return err
	}
	for _, d := range found {
		if d.Type != jsondiff.DiffTypeUpdate {
			continue
		}
		patch, err := json.Marshal(d.Patch)
		if err != nil {
			return err
		}
		live := d.DesiredObject.DeepCopyObject().(client.Object)
		if err := c.Patch(s.Context(), live, client.RawPatch(types.JSONPatchType, patch), client.FieldOwner(manager)); err != nil {
			return fmt.Errorf("cannot correct drift: %w", err)
		}
	}
	return nil
}
