package install

import (
	"bytes"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	sigsyaml "sigs.k8s.io/yaml"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/examples/chart"
)

// Manifests returns the objects of an installation in the order in which they are
// to be applied: the namespace and the CRD, and what the Helm chart renders. Its
// error is an option that cannot be used.
func Manifests(o Options) ([]*unstructured.Unstructured, error) {
	o, err := o.complete()
	if err != nil {
		return nil, err
	}
	var objects []*unstructured.Unstructured
	// A namespace with workloads is not part of the manifests: deleting them must not
	// delete the workloads.
	if o.WatchNamespace != o.Namespace {
		objects = append(objects, o.namespace())
	}
	text, err := chart.Files.ReadFile(chart.CRD)
	if err != nil {
		return nil, err
	}
	crd, err := decode(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", chart.CRD, err)
	}
	r, err := o.release()
	if err != nil {
		return nil, err
	}
	rendered, err := render(r)
	if err != nil {
		return nil, err
	}
	return append(append(objects, crd...), rendered...), nil
}

// namespace returns the namespace that portside runs in.
func (o Options) namespace() *unstructured.Unstructured {
	n := &unstructured.Unstructured{}
	n.SetAPIVersion("v1")
	n.SetKind("Namespace")
	n.SetName(o.Namespace)
	n.SetLabels(map[string]string{"app.kubernetes.io/name": apply.DefaultFieldManager, "pod-security.kubernetes.io/enforce": "restricted"})
	return n
}

// release returns the options as Helm would give them to the chart's templates.
func (o Options) release() (release, error) {
	var r release
	text, err := chart.Files.ReadFile(chart.Values)
	if err != nil {
		return r, err
	}
	if err := sigsyaml.Unmarshal(text, &r.Values); err != nil {
		return r, fmt.Errorf("%s: %w", chart.Values, err)
	}
	text, err = chart.Files.ReadFile(chart.Metadata)
	if err != nil {
		return r, err
	}
	if err := sigsyaml.Unmarshal(text, &r.Chart); err != nil {
		return r, fmt.Errorf("%s: %w", chart.Metadata, err)
	}
	r.Values["image"] = o.Image
	r.Values["fieldManager"] = o.FieldManager
	r.Values["watchNamespace"] = o.WatchNamespace
	r.Values["discoveryNamespaces"] = o.DiscoveryNamespaces
	r.Values["excludeNamespaces"] = o.ExcludeNamespaces
	r.Values["services"] = o.Services
	r.Values["policies"] = !o.WithoutPolicies
	r.Values["betaPolicies"] = o.BetaPolicies
	r.Release.Namespace = o.Namespace
	r.Capabilities.KubeVersion.Version = mutatingPolicies.String()
	if o.KubeVersion != nil {
		r.Capabilities.KubeVersion.Version = o.KubeVersion.String()
	}
	return r, nil
}

// DiscoveryRole returns the name of the role, of the installation with a field
// manager, that lets discovery read Secrets where it is bound.
func DiscoveryRole(fieldManager string) string { return fieldManager + "-discovery" }

// YAML writes the objects as documents of one file. The same objects give the
// same bytes.
func YAML(objects []*unstructured.Unstructured) ([]byte, error) {
	var all bytes.Buffer
	for i, object := range objects {
		text, err := sigsyaml.Marshal(object.Object)
		if err != nil {
			return nil, fmt.Errorf("%s %s: %w", object.GetKind(), object.GetName(), err)
		}
		if i > 0 {
			all.WriteString("---\n")
		}
		all.Write(text)
	}
	return all.Bytes(), nil
}
