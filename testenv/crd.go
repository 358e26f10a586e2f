package testenv

import (
	"context"
	"fmt"
	"os"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
)

// InstallCRD installs the CustomResourceDefinition in a YAML file and waits until
// the API server serves its objects and discovery lists them. It succeeds if the
// CRD is installed already, so every test that needs it can call it.
//
// This process reads the file, so that go test runs again when it changes.
func (cp *ControlPlane) InstallCRD(ctx context.Context, path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("cannot install a CRD: %w", err)
	}
	applied, err := cp.applyCRD(ctx, text)
	if err != nil {
		return fmt.Errorf("cannot install the CRD in %s: %w", path, err)
	}
	return eventually(ctx, "the API server to serve "+applied.GetName(), func(ctx context.Context) error {
		return cp.serves(ctx, applied)
	})
}

// applyCRD applies the CRD. Two tests may apply it at the same time and both find
// it missing.
func (cp *ControlPlane) applyCRD(ctx context.Context, text []byte) (*unstructured.Unstructured, error) {
	applied, err := cp.Manager(Kubectl).Apply(ctx, text)
	if apierrors.IsAlreadyExists(err) || apierrors.IsConflict(err) {
		applied, err = cp.Manager(Kubectl).Apply(ctx, text)
	}
	return applied, err
}

// serves returns an error until the API server serves each version of a CRD, which
// is later than the condition Established.
func (cp *ControlPlane) serves(ctx context.Context, crd *unstructured.Unstructured) error {
	group, _, _ := unstructured.NestedString(crd.Object, "spec", "group")
	plural, _, _ := unstructured.NestedString(crd.Object, "spec", "names", "plural")
	versions, _, _ := unstructured.NestedSlice(crd.Object, "spec", "versions")
	client, err := dynamic.NewForConfig(cp.admin)
	if err != nil {
		return err
	}
	for _, version := range versions {
		v, _ := version.(map[string]any)
		name, _ := v["name"].(string)
		if served, _ := v["served"].(bool); !served {
			continue
		}
		resource := schema.GroupVersionResource{Group: group, Version: name, Resource: plural}
		if _, err := client.Resource(resource).List(ctx, metav1.ListOptions{Limit: 1}); err != nil {
			return err
		}
		if err := cp.discovers(resource); err != nil {
			return err
		}
	}
	return nil
}

// discovers returns an error unless discovery lists the resource in the aggregated
// document, which most clients read.
func (cp *ControlPlane) discovers(resource schema.GroupVersionResource) error {
	_, lists, err := cp.client.Discovery().ServerGroupsAndResources()
	if err != nil {
		return err
	}
	for _, list := range lists {
		if list.GroupVersion == resource.GroupVersion().String() &&
			slices.ContainsFunc(list.APIResources, func(r metav1.APIResource) bool { return r.Name == resource.Resource }) {
			return nil
		}
	}
	return fmt.Errorf("discovery does not list %v", resource)
}
