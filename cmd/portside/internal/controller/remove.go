package controller

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/v1alpha1"
	applyv1alpha1 "github.com/portside-dev/portside/apply/v1alpha1/applyconfiguration/apply/v1alpha1"
	"github.com/portside-dev/portside/cmd/portside/internal/status"
	"github.com/portside-dev/portside/fieldmanager"
)

// finalizer keeps an AdapterSet with deletionPolicy Remove until its ports are
// gone.
const finalizer = "portside.dev/ports"

func hasFinalizer(set *v1alpha1.AdapterSet) bool { return slices.Contains(set.Finalizers, finalizer) }

// finalizer has the AdapterSet carry it or not, as its deletionPolicy says.
func (r *reconciler) finalizer(ctx context.Context, set *v1alpha1.AdapterSet) error {
	switch want := set.Spec.DeletionPolicy == v1alpha1.DeletionRemove; {
	case want == hasFinalizer(set):
		return nil
	case !want:
		return r.dropFinalizer(ctx, set)
	}
	config := applyv1alpha1.AdapterSet(set.Name, set.Namespace).WithUID(set.UID).WithFinalizers(finalizer)
	if err := r.client.Apply(ctx, config, client.FieldOwner(r.manager)); err != nil && !isGone(err) {
		return fmt.Errorf("the finalizer of AdapterSet %s/%s: %w", set.Namespace, set.Name, err)
	}
	return nil
}

// dropFinalizer takes our finalizer out, whoever owns it: a copy of the
// AdapterSet that was applied, or a service that ran under another field
// manager, must not keep it there for ever.
func (r *reconciler) dropFinalizer(ctx context.Context, set *v1alpha1.AdapterSet) error {
	i := slices.Index(set.Finalizers, finalizer)
	if i < 0 {
		return nil
	}
	path := fmt.Sprintf("/metadata/finalizers/%d", i)
	patch, err := json.Marshal([]fieldmanager.PatchOperation{
		{Op: "test", Path: "/metadata/uid", Value: set.UID},
		{Op: "test", Path: path, Value: finalizer},
		{Op: "remove", Path: path},
	})
	if err == nil {
		err = r.client.Patch(ctx, set.DeepCopy(), client.RawPatch(types.JSONPatchType, patch), client.FieldOwner(r.manager))
	}
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("the finalizer of AdapterSet %s/%s: %w", set.Namespace, set.Name, err)
	}
	return nil
}

// remove takes the ports away before an AdapterSet that is being deleted goes.
// It is done when the AdapterSet may go.
func (w *work) remove(ctx context.Context) (done bool, err error) {
	w.facts.FieldManager = w.manager
	w.prober.Forget(w.key())
	look, there := w.look()
	if !there || w.set.Spec.DeletionPolicy != v1alpha1.DeletionRemove || w.excludes(w.target) {
		return true, w.dropFinalizer(ctx, w.set)
	}
	w.stopped(look)
	if why := w.keeps(look); why != "" {
		w.facts.Why, w.facts.Because, w.facts.Stopped = status.Removing, why, ""
		return false, nil
	}
	// The server is asked although the look may say that we own nothing: it may
	// be from before our last write.
	result, err := w.applier.Release(ctx, w.target, false)
	w.metrics.passed(result)
	if err != nil {
		w.facts.Why, w.facts.Because = status.Removing, "the ports could not be removed: "+words(err)
		w.tell(ctx, w.set, w.facts)
		return false, err
	}
	if result.Outcome == apply.Paused {
		w.facts.Why, w.facts.Because = status.Removing, keptBy(status.Paused)
		return false, nil
	}
	if result.After != nil {
		w.mirror.Answered(result.After)
	}
	w.removing = w.rolled(ctx, result) || w.removing
	w.gaveUp = true
	return true, w.dropFinalizer(ctx, w.set)
}

// keeps tells why the ports of an AdapterSet that is being deleted cannot be
// removed yet, empty if they can.
func (w *work) keeps(look *apply.Workload) string {
	switch {
	case w.facts.Stopped != "":
		return keptBy(w.facts.Stopped)
	case !w.applier.Holds(look):
		return ""
	case look.Rollout.UnderWay:
		return "the ports are removed after the rollout that is under way; set deletionPolicy to Retain to leave them there"
	case look.Restarts > 0 && !w.begin():
		return "the ports are removed once fewer workloads are in a rollout that portside caused" + status.HeldBy(w.set.Namespace, w.holders)
	}
	return ""
}

func keptBy(stopped string) string {
	return "the ports cannot be removed: " + stopped + "; end that, or set deletionPolicy to Retain"
}
