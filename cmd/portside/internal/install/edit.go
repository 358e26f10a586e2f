package install

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/portside-dev/portside/apply"
)

// editDeployment sets the image, and says to the process what the rest of the
// manifests was made for.
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
