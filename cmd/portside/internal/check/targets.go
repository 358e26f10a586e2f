package check

import (
	"context"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/v1alpha1"
)

// page is how many objects are asked for at once.
const page = 500

var adapterSets = schema.GroupVersionResource{Group: v1alpha1.GroupVersion.Group, Version: v1alpha1.GroupVersion.Version, Resource: "adaptersets"}

// target is a workload by what an AdapterSet calls it.
type target struct{ kind, namespace, name string }

func (t target) String() string { return t.kind + " " + t.namespace + "/" + t.name }

// targets brings AdapterSets and workloads together.
func (c *checker) targets(ctx context.Context) error {
	sets, err := c.adapterSets(ctx)
	if isAbsent(err) {
		return nil // the CRD is not there, which was told
	}
	if err != nil {
		return fmt.Errorf("the AdapterSets: %w", err)
	}
	workloads, err := c.workloads(ctx)
	if err != nil {
		return err
	}
	named := map[target]bool{}
	without := 0
	for i := range sets {
		set := &sets[i]
		t := target{set.Spec.TargetRef.Kind, set.Namespace, set.Spec.TargetRef.Name}
		named[t] = true
		if _, there := workloads[t]; !there {
			without++
			c.add("AdapterSets", Warning, "AdapterSet "+set.Namespace+"/"+set.Name, "its target, %s, is not there (yet)", t)
		}
	}
	if without == 0 {
		c.add("AdapterSets", OK, "", "%d, each with its workload", len(sets))
	}
	c.entries(workloads, named)
	return nil
}

// entries finds workloads that nobody looks after any more.
func (c *checker) entries(workloads map[target]bool, named map[target]bool) {
	var left []target
	ours := 0
	for t, has := range workloads {
		if has {
			ours++
		}
		if has && !named[t] {
			left = append(left, t)
		}
	}
	slices.SortFunc(left, func(a, b target) int { return strings.Compare(a.String(), b.String()) })
	for _, t := range left {
		c.add("Workloads", Warning, t.String(), "the field manager %s has an entry, and no AdapterSet names it: unless portside apply looks after it, give it up with portside release", c.options.FieldManager)
	}
	if len(left) == 0 {
		c.add("Workloads", OK, "", "%d with an entry of the field manager %s, each named by an AdapterSet", ours, c.options.FieldManager)
	}
}

func (c *checker) adapterSets(ctx context.Context) ([]v1alpha1.AdapterSet, error) {
	var sets []v1alpha1.AdapterSet
	for options := (metav1.ListOptions{Limit: page}); ; {
		list, err := c.dynamic.Resource(adapterSets).Namespace(c.options.WatchNamespace).List(ctx, options)
		if err != nil {
			return nil, err
		}
		for i := range list.Items {
			var set v1alpha1.AdapterSet
			if err := runtime.DefaultUnstructuredConverter.FromUnstructured(list.Items[i].Object, &set); err != nil {
				return nil, fmt.Errorf("%s: %w", nameOf(&list.Items[i]), err)
			}
			sets = append(sets, set)
		}
		if options.Continue = list.GetContinue(); options.Continue == "" {
			return sets, nil
		}
	}
}

// workloads are those that there are, and whether our manager has an entry in
// their managedFields. No more than metadata is asked for.
func (c *checker) workloads(ctx context.Context) (map[target]bool, error) {
	all := map[target]bool{}
	for _, kind := range apply.Kinds {
		resource := resourceOf(schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: string(kind)})
		for options := (metav1.ListOptions{Limit: page}); ; {
			list, err := c.metadata.Resource(resource).Namespace(c.options.WatchNamespace).List(ctx, options)
			if err != nil {
				return nil, fmt.Errorf("the %s: %w", resource.Resource, err)
			}
			for i := range list.Items {
				item := &list.Items[i]
				all[target{string(kind), item.Namespace, item.Name}] = slices.ContainsFunc(item.ManagedFields, func(e metav1.ManagedFieldsEntry) bool {
					return e.Manager == c.options.FieldManager && e.Operation == metav1.ManagedFieldsOperationApply
				})
			}
			if options.Continue = list.Continue; options.Continue == "" {
				break
			}
		}
	}
	return all, nil
}
