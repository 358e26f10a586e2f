package install

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// Manifests are the objects of an installation, in the order in which they are
// to be applied. Its error is an option that cannot be used.
func Manifests(o Options) ([]*unstructured.Unstructured, error) {
	o, err := o.complete()
	if err != nil {
		return nil, err
	}
	all, err := base()
	if err != nil {
		return nil, err
	}
	var objects []*unstructured.Unstructured
	for _, d := range slices.DeleteFunc(all, func(d document) bool { return o.leftOut(d.file) }) {
		if isOfInstallation(d.Unstructured) {
			o.rename(d.Unstructured)
		}
		if err := o.edit(d.Unstructured); err != nil {
			return nil, fmt.Errorf("%s: %w", d.file, err)
		}
		objects = append(objects, d.Unstructured)
		if d.file != discoveryFile {
			continue
		}
		bindings, err := o.discoveryBindings()
		if err != nil {
			return nil, err
		}
		objects = append(objects, bindings...)
	}
	return objects, nil
}

// leftOut reports whether an installation does without a file.
func (o Options) leftOut(file string) bool {
	if strings.HasPrefix(file, guards) {
		return !o.validating()
	}
	switch file {
	case nameFile:
		return !o.validating()
	case leftoverFile:
		return !o.mutating()
	case metricsFile, metricsReaderFile:
		return o.WatchNamespace != "" // no Role can grant it
	case discoveryFile:
		return o.WatchNamespace != "" && len(o.DiscoveryNamespaces) == 0
	case namespaceFile:
		// It has the workloads in it: whoever deletes the manifests must not
		// delete those.
		return o.WatchNamespace == o.Namespace
	}
	return false
}

// edit makes of an object what the options ask for, but for names.
func (o Options) edit(object *unstructured.Unstructured) error {
	switch object.GetKind() {
	case "Namespace":
		object.SetName(o.Namespace)
	case "Deployment":
		return o.editDeployment(object)
	case "ClusterRole", "ClusterRoleBinding":
		return o.editRole(object)
	}
	return nil
}

// YAML writes the objects as documents of one file. The same objects give the
// same bytes.
func YAML(objects []*unstructured.Unstructured) ([]byte, error) {
	var all bytes.Buffer
	for i, object := range objects {
		text, err := yaml.Marshal(object.Object)
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
