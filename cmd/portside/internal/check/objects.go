package check

import (
	"context"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// objects checks that the objects of the installation exist, and that the policies
// are those that this version of portside installs. The Deployment has a check of
// its own.
func (c *checker) objects(ctx context.Context) error {
	exist, policies := 0, 0
	for _, want := range c.manifests {
		check := "Install"
		switch {
		case want.GetKind() == "Deployment":
			continue
		case isPolicy(want):
			check = "Policies"
		}
		live, err := c.get(ctx, want)
		switch {
		case isAbsent(err):
			c.add(check, Error, nameOf(want), "not found; run: %s", c.installCommand())
		case apierrors.IsForbidden(err):
			c.add(check, Warning, nameOf(want), "cannot be read: forbidden; ask for the permission to get it")
		case err != nil:
			return fmt.Errorf("cannot read %s: %w", nameOf(want), err)
		case check == "Policies":
			policies++
			c.policy(want, live)
		default:
			exist++
		}
	}
	if !c.found("Install") {
		c.add("Install", OK, "", "%d objects exist", exist)
	}
	if !c.found("Policies") {
		c.add("Policies", OK, "", "%d policies and bindings are those of this version of portside", policies)
	}
	return nil
}

func isPolicy(object *unstructured.Unstructured) bool {
	return strings.HasSuffix(object.GetKind(), "AdmissionPolicy") || isBinding(object)
}

func isBinding(object *unstructured.Unstructured) bool {
	return strings.HasSuffix(object.GetKind(), "AdmissionPolicyBinding")
}

// policy compares a policy or its binding with the manifest.
func (c *checker) policy(want, live *unstructured.Unstructured) {
	if path, differs := difference(live.Object["spec"], want.Object["spec"], "spec"); differs {
		c.add("Policies", Error, nameOf(want), "%s differs from what this version of portside installs; run: %s", path, c.installCommand())
		return
	}
	warnings, _, _ := unstructured.NestedSlice(live.Object, "status", "typeChecking", "expressionWarnings")
	if len(warnings) > 0 {
		c.add("Policies", Warning, nameOf(want), "the server has %d warnings about its expressions; see status.typeChecking", len(warnings))
	}
}

// defaulted are the values that the server fills in, by their fields.
var defaulted = map[string]any{"matchPolicy": "Equivalent", "scope": "*"}

// difference returns the path of the first value that differs from the manifest's.
// A field that the manifest does not have may have the server's default, or be
// empty.
func difference(live, want any, path string) (at string, differs bool) {
	switch want := want.(type) {
	case map[string]any:
		live, is := live.(map[string]any)
		if !is {
			return path, true
		}
		for _, key := range keysOf(live, want) {
			value, wanted := want[key]
			if !wanted {
				if !isEmpty(live[key]) && live[key] != defaulted[key] {
					return path + "." + key, true
				}
				continue
			}
			if at, differs := difference(live[key], value, path+"."+key); differs {
				return at, true
			}
		}
		return "", false
	case []any:
		live, is := live.([]any)
		if !is || len(live) != len(want) {
			return path, true
		}
		for i := range want {
			if at, differs := difference(live[i], want[i], fmt.Sprintf("%s[%d]", path, i)); differs {
				return at, true
			}
		}
		return "", false
	}
	return path, live != want
}

// keysOf returns the keys of all maps, sorted, so that the same difference is
// reported each time.
func keysOf(maps ...map[string]any) []string {
	var keys []string
	for _, m := range maps {
		for key := range m {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

func isEmpty(value any) bool {
	switch value := value.(type) {
	case nil:
		return true
	case map[string]any:
		return len(value) == 0
	case []any:
		return len(value) == 0
	}
	return false
}
