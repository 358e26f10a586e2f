package install

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/portside-dev/portside/apply"
)

// editDeployment sets the image and the flags of the process that the rest of the
// manifests is made for.
func (o Options) editDeployment(object *unstructured.Unstructured) error {
	containers, found, err := unstructured.NestedSlice(object.Object, "spec", "template", "spec", "containers")
	if err != nil || !found || len(containers) != 1 {
		return fmt.Errorf("the Deployment should have one container: %w", err)
	}
	container := containers[0].(map[string]any)
	if o.Image != "" {
		container["image"] = o.Image
	}
	args, _, err := unstructured.NestedStringSlice(container, "args")
	if err != nil {
		return err
	}
	args = slices.DeleteFunc(args, func(arg string) bool { return strings.HasPrefix(arg, excludeFlag) })
	for _, namespace := range o.ExcludeNamespaces {
		args = append(args, excludeFlag+namespace)
	}
	if o.FieldManager != apply.DefaultFieldManager {
		args = append(args, "--field-manager="+o.FieldManager)
	}
	if o.WatchNamespace != "" {
		args = append(args, "--watch-namespace="+o.WatchNamespace)
	}
	if err := unstructured.SetNestedStringSlice(container, args, "args"); err != nil {
		return err
	}
	return unstructured.SetNestedSlice(object.Object, containers, "spec", "template", "spec", "containers")
}

// excludeFlag is the flag of portside run for a namespace that is excluded.
const excludeFlag = "--exclude-namespace="

// DiscoveryRole returns the name of the role, of the installation with a field
// manager, that lets discovery read Secrets where it is bound.
func DiscoveryRole(fieldManager string) string { return fieldManager + "-discovery" }

// discoveryBindings returns the RoleBindings of the namespaces that opt in to
// discovery with credentials.
func (o Options) discoveryBindings() ([]*unstructured.Unstructured, error) {
	var all []*unstructured.Unstructured
	for _, namespace := range o.DiscoveryNamespaces {
		documents, err := read(discoveryBindingFile)
		if err != nil {
			return nil, err
		}
		for _, d := range documents {
			o.rename(d.Unstructured)
			d.SetNamespace(namespace)
			if o.WatchNamespace != "" {
				d.Object["roleRef"].(map[string]any)["kind"] = "Role"
			}
			all = append(all, d.Unstructured)
		}
	}
	return all, nil
}

// editRole takes the rule out that no policy asks for, and makes a role of one
// namespace of a role of all of them.
func (o Options) editRole(object *unstructured.Unstructured) error {
	if !o.validating() {
		if err := withoutUse(object); err != nil {
			return err
		}
	}
	if o.WatchNamespace == "" {
		return nil
	}
	object.SetKind(strings.TrimPrefix(object.GetKind(), "Cluster"))
	object.SetNamespace(o.WatchNamespace)
	if role, found := object.Object["roleRef"].(map[string]any); found {
		role["kind"] = "Role"
	}
	if !isOfInstallation(object) {
		object.SetLabels(nil) // nothing aggregates a Role: it is there to be bound
	}
	return nil
}

// withoutUse takes out the permission that the name policy asks for.
func withoutUse(role *unstructured.Unstructured) error {
	rules, found, err := unstructured.NestedSlice(role.Object, "rules")
	if err != nil || !found {
		return err
	}
	var rest []any
	for _, rule := range rules {
		resources, _, err := unstructured.NestedStringSlice(rule.(map[string]any), "resources")
		if err != nil {
			return err
		}
		if len(resources) != 1 || resources[0] != "fieldmanagers" {
			rest = append(rest, rule)
		}
	}
	return unstructured.SetNestedSlice(role.Object, rest, "rules")
}
