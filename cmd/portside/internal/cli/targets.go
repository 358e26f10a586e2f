package cli

import (
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/portside-dev/portside/apply/workload"
)

// Workloads returns the objects as portside reads workloads and Services, and whether all of
// them are such. Its error is an object that cannot be read.
func (o *Objects) Workloads() ([]*workload.Workload, bool, error) {
	all := make([]*workload.Workload, 0, len(o.Items))
	for _, object := range o.Items {
		d := DefinitionOf(object)
		if d == nil {
			return nil, false, nil
		}
		typed := d.New()
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, typed); err != nil {
			return nil, false, fmt.Errorf("%s %s/%s: %w", object.GetKind(), object.GetNamespace(), object.GetName(), err)
		}
		w, err := d.Workload(typed)
		if err != nil {
			return nil, false, err
		}
		all = append(all, w)
	}
	return all, true, nil
}

// DefinitionOf returns the definition of the kind of an object, nil for another kind.
func DefinitionOf(object *unstructured.Unstructured) *workload.Definition {
	for _, d := range workload.TargetDefinitions() {
		if object.GetAPIVersion() == d.APIVersion() && object.GetKind() == d.Kind.Kind {
			return d
		}
	}
	return nil
}
