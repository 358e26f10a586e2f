package controller

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-logr/logr"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/v1alpha1"
	applyv1alpha1 "github.com/portside-dev/portside/apply/v1alpha1/applyconfiguration/apply/v1alpha1"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/adapterset"
	"github.com/portside-dev/portside/cmd/portside/internal/cache"
	"github.com/portside-dev/portside/cmd/portside/internal/remedy"
	"github.com/portside-dev/portside/cmd/portside/internal/rollout"
	"github.com/portside-dev/portside/cmd/portside/internal/status"
	"github.com/portside-dev/portside/fieldmanager"
)

// finalizer keeps an AdapterSet with deletionPolicy Remove until its ports are removed,
// or it is certain that they may not be.
const finalizer = "portside.dev/ports"

func hasFinalizer(set *v1alpha1.AdapterSet) bool { return slices.Contains(set.Finalizers, finalizer) }

// syncFinalizer adds the finalizer to an AdapterSet or removes it, as its deletionPolicy
// requires.
func (r *reconciler) syncFinalizer(ctx context.Context, set *v1alpha1.AdapterSet) error {
	switch required := set.Spec.DeletionPolicy == v1alpha1.DeletionRemove; {
	case required == hasFinalizer(set):
		return nil
	case !required:
		return r.dropFinalizer(ctx, set)
	}
	config := applyv1alpha1.AdapterSet(set.Name, set.Namespace).WithUID(set.UID).WithFinalizers(finalizer)
	if err := r.client.Apply(ctx, config, client.FieldOwner(r.manager)); err != nil && !isGone(err) {
		return fmt.Errorf("cannot add the finalizer of AdapterSet %s/%s: %w", set.Namespace, set.Name, err)
	}
	return nil
}

// dropFinalizer removes our finalizer, whichever manager owns it: a copy of the
// AdapterSet that was applied, or a service that ran under another field manager, must
// not keep it there.
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
		return fmt.Errorf("cannot remove the finalizer of AdapterSet %s/%s: %w", set.Namespace, set.Name, err)
	}
	return nil
}

// finalize removes the ports of an AdapterSet that is being deleted, and lets it be
// deleted. It does not wait for a removal that is not allowed: then the ports stay, the
// AdapterSet is deleted anyway, and an event reports why.
func (r *reconciler) finalize(ctx context.Context, s *state, t workload.Target, set *v1alpha1.AdapterSet) (time.Time, error) {
	r.poller.Forget(t)
	in, err := r.observeWorkload(ctx, s, t, set)
	if err != nil {
		return time.Time{}, err
	}
	waits := false
	defer func() { r.gate.Leave(&s.State, t, waits, s.rolling && !in.stuck) }()
	if in.workload == nil || set.Spec.DeletionPolicy != v1alpha1.DeletionRemove {
		return time.Time{}, r.dropFinalizer(ctx, set)
	}
	if cause := r.forbidsRemoval(in); cause != "" {
		return time.Time{}, r.retain(ctx, s, in, cause)
	}
	if why, verdict := r.defersRemoval(s, in); why != "" {
		waits = verdict.Reason == rollout.LimitReached
		until := r.reportRemoving(ctx, s, in, why)
		return earliest(in.now, until, verdict.Until, s.Progress.StuckAt()), nil
	}
	var retained []status.Event
	for _, service := range s.withServices(adapterset.ServiceTargets(set), set.Namespace) { // before the container ports that they lead to
		released, err := r.releaseService(ctx, service, set.UID, false)
		if err != nil {
			r.reportRemoving(ctx, s, in, "the ports could not be removed: "+reported(err))
			return time.Time{}, err
		}
		if !released {
			retained = append(retained, status.Retained("Service "+service.Name, status.WhyStopped("it", status.Paused)))
		}
	}
	// The API server is asked although the cached workload may have nothing of ours: it
	// may be older than our last write.
	result, err := r.applier.Release(ctx, t, false)
	r.metrics.Reconciled(result)
	switch {
	case result.Outcome == apply.Paused:
		return time.Time{}, r.retain(ctx, s, in, status.WhyStopped("the workload", status.Paused))
	case err != nil && s.deletion.isFinal(err):
		return time.Time{}, r.retain(ctx, s, in, reported(r.remedy(t, set).Error(err)))
	case err != nil:
		r.reportRemoving(ctx, s, in, "the ports could not be removed: "+reported(err))
		return time.Time{}, err
	}
	s.answer, s.released = result.After, true
	if r.restarted(ctx, s, result) {
		s.deletion.removing, in.stuck = true, false
	}
	if err := r.dropFinalizer(ctx, set); err != nil {
		return time.Time{}, err
	}
	r.announce(ctx, set, retained)
	return s.Progress.StuckAt(), nil
}

// reportRemoving reports why the ports are not removed yet.
func (r *reconciler) reportRemoving(ctx context.Context, s *state, in *input, why string) (until time.Time) {
	facts := in.facts(s, desired{}, plan{undecided: &undecided{status.Removing, why}}, rollout.Verdict{}, outcome{})
	reported, until := r.report(ctx, s, in.set, facts)
	if reported {
		s.reported()
	}
	return until
}

// forbidsRemoval returns why the ports may not be removed, empty if they may.
func (r *reconciler) forbidsRemoval(in *input) string {
	switch {
	case r.excludes(in.target):
		return excludedText
	case in.stopped != "":
		return status.WhyStopped("the workload", in.stopped)
	case r.applier.HasClaim(in.workload) && in.stuck:
		return "a rollout of the workload is under way and makes no progress"
	}
	return ""
}

// defersRemoval returns why the ports cannot be removed yet, empty if they can.
func (r *reconciler) defersRemoval(s *state, in *input) (why string, verdict rollout.Verdict) {
	switch {
	case !r.applier.HasClaim(in.workload):
		return "", verdict
	case in.workload.Rollout.UnderWay:
		return "the ports are removed after the rollout that is under way; set deletionPolicy to Retain to leave them there", verdict
	}
	if verdict = r.gate.Place(&s.State, in.workload, in.now); verdict.Action == rollout.Defer {
		why = "the ports are removed once fewer workloads are in a rollout that portside caused" + status.HeldBy(in.target.Namespace, verdict.Holders)
	}
	return why, verdict
}

// retain lets the AdapterSet be deleted without its ports, and reports that once.
func (r *reconciler) retain(ctx context.Context, s *state, in *input, cause string) error {
	if err := r.dropFinalizer(ctx, in.set); err != nil {
		return err
	}
	if r.applier.HasClaim(in.workload) && !s.deletion.retained {
		s.deletion.retained = true
		r.announce(ctx, in.set, []status.Event{status.Retained("the workload", cause)})
	}
	return nil
}

// finalRefusals is how often in a row the API server must refuse a removal before that is
// final. While a policy or a role is being replaced, it may refuse a request that it
// accepts a second later.
const finalRefusals = 3

// isFinal counts a failure to remove the ports, and reports whether it is useless to try
// again.
func (d *deletion) isFinal(err error) bool {
	switch {
	case errors.As(err, new(*apply.NotDedicatedError)):
		return true
	case !isForbidden(err):
		d.refusals = 0
		return false
	}
	d.refusals++
	return d.refusals >= finalRefusals
}

// isForbidden reports whether RBAC, an admission policy or a webhook refuses a write, so
// that the API server refuses the same write again until these rules change. A conflict
// is no such refusal, nor is an object that was replaced meanwhile.
func isForbidden(err error) bool {
	return apply.IsRefusal(err) && !isGone(err) && !apierrors.IsConflict(err) && !apierrors.HasStatusCause(err, metav1.CauseTypeUnexpectedServerResponse)
}

// leave gives up what we own of a workload whose AdapterSet is deleted. The ports stay. Its
// place among the rollouts is given back, except during a rollout by which the deletion
// removes the ports: many AdapterSets that are deleted together must not restart all of
// their workloads at once. An AdapterSet that is being deleted may still name the
// workload.
func (r *reconciler) leave(ctx context.Context, t workload.Target, isNamed bool) (time.Time, error) {
	r.poller.Forget(t)
	left := r.watches.Left(t)
	if left == nil {
		if !isNamed {
			return time.Time{}, nil // the watch is about to notice the deletion, or all was given up
		}
		left = &cache.Leftover{}
	}
	s := r.states.get(t)
	w, err := r.workload(ctx, s, t)
	if err != nil {
		return time.Time{}, err
	}
	if left.Suspended != nil && !s.deletion.retained {
		s.deletion.retained = true
		if err := r.announceClaims(ctx, left.Suspended); err != nil {
			return time.Time{}, err
		}
	}
	if s.rolling = s.deletion.removing && w != nil && s.proceeds(r.clock.Now(), w.Rollout); !s.rolling {
		r.gate.End(t)
	}
	released, err := r.releaseLeft(ctx, s, w, t, left)
	if err != nil {
		return time.Time{}, err
	}
	if !released {
		return time.Time{}, nil // an event follows when what is paused continues
	}
	if s.rolling && (left.Target || isNamed) {
		return s.Progress.StuckAt(), nil
	}
	r.gate.End(t)
	r.gate.Retry(&s.State, s.uid)
	r.statusBackoff.DeleteEntry(t.String())
	r.states.forget(t)
	r.watches.GaveUp(t, left)
	return time.Time{}, nil
}

// releaseLeft gives up the workload, if there is one, and the Services that AdapterSets left
// behind. It reports false if one of them is paused.
func (r *reconciler) releaseLeft(ctx context.Context, s *state, w *workload.Workload, t workload.Target, left *cache.Leftover) (released bool, err error) {
	released = true
	services := left.Services
	if left.Target {
		services = s.withServices(services, t.Namespace)
		if w != nil && !r.excludes(t) {
			if released, err = r.release(ctx, s, t); err != nil {
				return false, err
			}
		}
	}
	for _, service := range services {
		isReleased, err := r.releaseService(ctx, service, "", true)
		if err != nil {
			return false, err
		}
		released = released && isReleased
	}
	return released, nil
}

// announceClaims reports that portside still owns ports of an AdapterSet that was deleted
// while it was suspended, and how to give them up.
func (r *reconciler) announceClaims(ctx context.Context, set *v1alpha1.AdapterSet) error {
	var commands []string
	for _, t := range append([]workload.Target{adapterset.Target(set)}, adapterset.ServiceTargets(set)...) {
		if t.Kind == workload.Service && !r.cluster.CachesServices() {
			continue
		}
		w, err := r.cluster.Workload(ctx, t)
		if err != nil {
			return err
		}
		if w != nil && r.applier.HasClaim(w) {
			commands = append(commands, remedy.For{Target: t, FieldManager: r.manager}.Release())
		}
	}
	if len(commands) > 0 {
		r.announce(ctx, set, []status.Event{status.Retained("the workload", "spec.suspend is true, so portside still owns them; to give them up without removing them, run "+strings.Join(commands, ", and "))})
	}
	return nil
}

// release gives up a workload, and leaves its ports. The API server is asked although the
// cached workload may have nothing of ours: it may be older than our last write. It
// reports false for a paused workload.
func (r *reconciler) release(ctx context.Context, s *state, t workload.Target) (bool, error) {
	if s.released {
		return true, nil
	}
	result, err := r.applier.Release(ctx, t, true)
	r.metrics.Reconciled(result)
	if err != nil || result.Outcome == apply.Paused {
		return false, err
	}
	s.answer, s.released = result.After, true
	logr.FromContextOrDiscard(ctx).V(1).Info("gave up a workload whose AdapterSet was deleted; its ports stay", "outcome", result.Outcome)
	return true, nil
}

// proceeds reports whether the rollout is under way and not stuck.
func (s *state) proceeds(now time.Time, rollout workload.Rollout) bool {
	s.Progress.Observe(now, rollout)
	return rollout.UnderWay && !s.Progress.Stuck(now, rollout)
}
