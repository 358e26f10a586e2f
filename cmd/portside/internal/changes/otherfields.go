package changes

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/workload"
)

// FieldChange is a field whose value differs between two versions of an object.
type FieldChange struct {
	// Path is the field, such as spec.replicas or
	// spec.template.spec.containers[name="web"].image.
	Path string
	// Before and After are the values as JSON, empty where there is none.
	Before, After string
}

// OtherFields returns what differs between Before and After of a result apart from the
// ports of containers or of the Service, sorted by path: what admission and defaulting make of an
// apply, which has nothing but ports in it. What the API server keeps for itself is
// left out: managedFields, resourceVersion, generation and status.
//
// What another manager changed in between is among them. After a dry run whose two
// resourceVersions are equal, no manager did. The error is an object that cannot be
// converted.
func OtherFields(r apply.Result) ([]FieldChange, error) {
	if r.Before == nil || r.After == nil || r.Before.Object() == nil || r.After.Object() == nil {
		return nil, nil
	}
	before, err := withoutPorts(r.Before)
	if err != nil {
		return nil, &workload.TargetError{Target: r.Target, Err: err}
	}
	after, err := withoutPorts(r.After)
	if err != nil {
		return nil, &workload.TargetError{Target: r.Target, Err: err}
	}
	return compare(nil, "", before, after), nil
}

// withoutPorts returns an object without what OtherChanges leaves out.
func withoutPorts(w *workload.Workload) (map[string]any, error) {
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(w.Object())
	if err != nil {
		return nil, err
	}
	for _, path := range []string{"status", "metadata.managedFields", "metadata.resourceVersion", "metadata.generation"} {
		unstructured.RemoveNestedField(content, strings.Split(path, ".")...)
	}
	if w.Service != nil {
		unstructured.RemoveNestedField(content, "spec", "ports")
	}
	containers, _, _ := unstructured.NestedFieldNoCopy(content, "spec", "template", "spec", "containers")
	list, _ := containers.([]any)
	for _, c := range list {
		if container, ok := c.(map[string]any); ok {
			delete(container, "ports")
		}
	}
	return content, nil
}

// compare adds the changes between two values at a path, of which either may be
// nil for one that does not exist.
func compare(changes []FieldChange, path string, before, after any) []FieldChange {
	if reflect.DeepEqual(before, after) {
		return changes
	}
	was, wasParts := parts(before)
	is, isParts := parts(after)
	all := maps.Clone(was)
	maps.Copy(all, is)
	known := len(changes)
	if wasParts && isParts {
		for _, part := range slices.Sorted(maps.Keys(all)) {
			changes = compare(changes, path+part, was[part], is[part])
		}
	}
	if len(changes) == known { // no parts, or the same in another order
		changes = append(changes, FieldChange{Path: strings.TrimPrefix(path, "."), Before: text(before), After: text(after)})
	}
	return changes
}

// parts returns what a value consists of, by the next element of a path: the
// fields of an object, and the items of a list by their name or else their index.
// It is false for a value without parts, and true for nil.
func parts(value any) (map[string]any, bool) {
	all := map[string]any{}
	switch v := value.(type) {
	case nil:
	case map[string]any:
		for field, below := range v {
			all["."+field] = below
		}
	case []any:
		for i, item := range v {
			element := fmt.Sprintf("[%d]", i)
			if fields, ok := item.(map[string]any); ok && fields["name"] != nil {
				element = fmt.Sprintf("[name=%q]", fields["name"])
			}
			all[element] = item
		}
	default:
		return all, false
	}
	return all, true
}

func text(value any) string {
	if value == nil {
		return ""
	}
	text, err := json.Marshal(value)
	if err != nil {
		panic(fmt.Sprintf("a value of an object is no JSON: %v", err)) // it was just converted to JSON types
	}
	return string(text)
}
