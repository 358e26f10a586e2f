package check

import (
	"context"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// objects looks for what is installed, and whether the policies are as this
// version of portside prints them.
func (c *checker) objects(ctx context.Context) error {
	policies := 0
	for _, want := range c.manifests {
		check := "Install"
		if isPolicy(want) {
			check = "Policies"
		}
		live, err := c.get(ctx, want)
		switch {
		case isAbsent(err):
			c.add(check, Wrong, nameOf(want), "it is not there: apply what portside install prints")
		case apierrors.IsForbidden(err):
			c.add(check, Warning, nameOf(want), "you may not read it, so nothing is known of it")
		case err != nil:
			return fmt.Errorf("%s: %w", nameOf(want), err)
		case check == "Policies":
			policies++
			c.policy(want, live)
		}
	}
	if policies > 0 && !slices.ContainsFunc(c.findings, func(f Finding) bool { return f.Check == "Policies" }) {
		c.add("Policies", OK, "", "%d policies and bindings are as this version prints them", policies)
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
		c.add("Policies", Wrong, nameOf(want), "%s is not what this version of portside prints: apply what portside install prints", path)
		return
	}
	warnings, _, _ := unstructured.NestedSlice(live.Object, "status", "typeChecking", "expressionWarnings")
	if len(warnings) > 0 {
		c.add("Policies", Warning, nameOf(want), "the server has %d warnings about its expressions: see status.typeChecking", len(warnings))
	}
}

// defaulted are the values that the server fills in, by their keys.
var defaulted = map[string]any{"matchPolicy": "Equivalent", "scope": "*"}

// difference is the path of the first value that is not as wanted. What nobody
// wanted may be there when the server has filled it in, or when it is empty.
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

// keysOf are those of both maps, in order, so that the same difference is told
// each time.
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
