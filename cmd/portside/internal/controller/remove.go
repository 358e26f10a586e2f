package controller

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/v1alpha1"
	applyv1alpha1 "github.com/portside-dev/portside/apply/v1alpha1/applyconfiguration/apply/v1alpha1"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/status"
	"github.com/portside-dev/portside/fieldmanager"
)

// finalizer keeps an AdapterSet with deletionPolicy Remove until its ports are
// removed, or it is certain that they may not be.
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

// remove removes the ports before an AdapterSet that is being deleted goes. It is
// done when the AdapterSet may go. It never waits for what may not come: where the
// ports may not be removed they stay, the AdapterSet goes all the same, and an
// event says why.
func (w *work) remove(ctx context.Context) (done bool, err error) {
	w.facts.FieldManager = w.manager
	w.poller.Forget(w.target)
	look, found, err := w.look(ctx)
	if err != nil {
		return false, err
	}
	if !found || w.set.Spec.DeletionPolicy != v1alpha1.DeletionRemove {
		return true, w.dropFinalizer(ctx, w.set)
	}
	w.stopped(look)
	if cause := w.forbids(look); cause != "" {
		return true, w.retain(ctx, look, cause)
	}
	if why := w.defers(look); why != "" {
		w.facts.Why, w.facts.Because = status.Removing, why
		return false, nil
	}
	// The server is asked although the look may say that we own nothing: it may
	// be from before our last write.
	result, err := w.applier.Release(ctx, w.target, false)
	w.metrics.passed(result)
	switch {
	case result.Outcome == apply.Paused:
		w.facts.Stopped = status.Paused
		return true, w.retain(ctx, look, w.forbids(look))
	case err != nil && w.isFinal(err):
		return true, w.retain(ctx, look, words(w.advice().Error(err)))
	case err != nil:
		w.facts.Why, w.facts.Because = status.Removing, "the ports could not be removed: "+words(err)
		w.tell(ctx, w.set, w.facts)
		return false, err
	}
	if result.After != nil {
		w.answer = result.After
	}
	w.removing = w.rolled(ctx, result) || w.removing
	w.gaveUp = true
	return true, w.dropFinalizer(ctx, w.set)
}

// forbids returns why the ports of an AdapterSet that is being deleted may not be
// removed; empty if they may.
func (w *work) forbids(look *workload.Workload) string {
	switch {
	case w.excludes(w.target):
		return excludedText
	case w.facts.Stopped != "":
		return status.WhyStopped(w.facts.Stopped)
	case w.applier.HasClaim(look) && w.facts.Stuck:
		return "a rollout of the workload is under way and makes no progress"
	}
	return ""
}

// defers returns why the ports cannot be removed yet; empty if they can.
func (w *work) defers(look *workload.Workload) string {
	switch {
	case !w.applier.HasClaim(look):
		return ""
	case look.Rollout.UnderWay:
		return "the ports are removed after the rollout that is under way; set deletionPolicy to Retain to leave them there"
	case look.Restarts > 0 && !w.begin():
		return "the ports are removed once fewer workloads are in a rollout that portside caused" + status.HeldBy(w.set.Namespace, w.holders)
	}
	return ""
}

// retain lets the AdapterSet go without its ports, and reports that once.
func (w *work) retain(ctx context.Context, look *workload.Workload, cause string) error {
	if err := w.dropFinalizer(ctx, w.set); err != nil {
		return err
	}
	if w.applier.HasClaim(look) && !w.retained {
		w.retained = true
		w.announce(ctx, w.set, []status.Event{status.Retained(cause)})
	}
	return nil
}

// finalRefusals is how often in a row the API server must refuse to remove ports
// until that counts as its last word: while a policy or a role is being replaced
// it may refuse what it takes a second later.
const finalRefusals = 3

// isFinal counts a failure to remove the ports, and reports whether there is no
// point in trying again.
func (w *work) isFinal(err error) bool {
	switch {
	case errors.As(err, new(*apply.NotDedicatedError)):
		return true
	case !isForbidden(err):
		w.refusals = 0
		return false
	}
	w.refusals++
	return w.refusals >= finalRefusals
}

// isForbidden reports whether the API server refuses a write for what it is, so
// that it refuses the same write again until the rules change: RBAC, an admission
// policy or a webhook. A conflict is not such a refusal, nor is an object that was
// replaced meanwhile.
func isForbidden(err error) bool {
	return apply.IsRefusal(err) && !isGone(err) && !apierrors.HasStatusCause(err, metav1.CauseTypeUnexpectedServerResponse)
}
