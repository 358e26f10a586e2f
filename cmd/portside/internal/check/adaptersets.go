package check

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/adapterset"
	"github.com/portside-dev/portside/cmd/portside/internal/status"
)

// page is how many objects are listed at once.
const page = 500

var adapterSets = schema.GroupVersionResource{Group: v1alpha1.GroupVersion.Group, Version: v1alpha1.GroupVersion.Version, Resource: "adaptersets"}

// setList is the result of listing AdapterSets, which is done once.
type setList struct {
	listed bool
	items  []v1alpha1.AdapterSet
	err    error
}

// adapterSets returns the AdapterSets that the installation watches.
func (c *checker) adapterSets(ctx context.Context) ([]v1alpha1.AdapterSet, error) {
	if !c.sets.listed {
		c.sets.listed = true
		c.sets.items, c.sets.err = c.listAdapterSets(ctx)
	}
	return c.sets.items, c.sets.err
}

func (c *checker) listAdapterSets(ctx context.Context) ([]v1alpha1.AdapterSet, error) {
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

// notChecked is the message of a check that depends on another one.
const notChecked = "not checked, because AdapterSets and workloads are compared; first correct the other of these two checks"

// targets checks the AdapterSets and their targets, and the workloads without an
// AdapterSet.
func (c *checker) targets(ctx context.Context) error {
	sets, err := c.adapterSets(ctx)
	switch {
	case isAbsent(err):
		c.add("AdapterSets", Error, "", "the API server does not serve %s, because their CustomResourceDefinition is missing; run: %s", adapterSets.GroupResource(), c.installCommand())
		c.add("Workloads", Warning, "", notChecked)
		return nil
	case apierrors.IsForbidden(err):
		c.add("AdapterSets", Warning, "", "cannot list them: forbidden; ask for the permission to list %s", adapterSets.GroupResource())
		c.add("Workloads", Warning, "", notChecked)
		return nil
	case err != nil:
		return fmt.Errorf("cannot list AdapterSets: %w", err)
	}
	workloads, err := c.workloads(ctx)
	switch {
	case apierrors.IsForbidden(err):
		c.add("AdapterSets", Warning, "", notChecked)
		c.add("Workloads", Warning, "", "cannot list them: forbidden; ask for the permission to list %s", workload.Resources())
		return nil
	case err != nil:
		return err
	}
	for i := range sets {
		c.adapterSet(&sets[i], workloads)
	}
	if !c.found("AdapterSets") {
		c.add("AdapterSets", OK, "", "%d AdapterSets: all are Ready and have their targets", len(sets))
	}
	c.owned(workloads, sets)
	return nil
}

// adapterSet reports what keeps an AdapterSet from being OK.
func (c *checker) adapterSet(set *v1alpha1.AdapterSet, workloads map[workload.Target]bool) {
	name := setName(set)
	stalled := meta.FindStatusCondition(set.Status.Conditions, status.Stalled)
	ready := meta.FindStatusCondition(set.Status.Conditions, status.Ready)
	_, exists := workloads[adapterset.Target(set)]
	switch {
	case !exists:
		object := fmt.Sprintf("%s for %s %s", name, set.Spec.TargetRef.Kind, set.Spec.TargetRef.Name)
		c.add("AdapterSets", Warning, object, "the target does not exist (yet); create it, or delete the AdapterSet")
	case set.Status.ObservedGeneration != set.Generation || ready == nil:
		c.add("AdapterSets", Warning, name, "not reconciled yet; if this lasts, see the Replicas and Lease checks and the log of portside")
	case stalled != nil && stalled.Status == metav1.ConditionTrue:
		c.add("AdapterSets", Error, name, "Stalled (%s): %s; for details run: kubectl describe adapterset NAME -n NAMESPACE", stalled.Reason, stalled.Message)
	case ready.Status != metav1.ConditionTrue:
		c.add("AdapterSets", Warning, name, "not Ready (%s): %s; if this lasts, run: kubectl describe adapterset NAME -n NAMESPACE", ready.Reason, ready.Message)
	}
}
