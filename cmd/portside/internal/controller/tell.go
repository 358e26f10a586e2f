package controller

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	applymetav1 "k8s.io/client-go/applyconfigurations/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/portside-dev/portside/apply/v1alpha1"
	applyv1alpha1 "github.com/portside-dev/portside/apply/v1alpha1/applyconfiguration/apply/v1alpha1"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/adapterset"
	"github.com/portside-dev/portside/cmd/portside/internal/remedy"
	"github.com/portside-dev/portside/cmd/portside/internal/status"
)

// teller writes events. It is controller-runtime's recorder.
type teller interface {
	Eventf(regarding, related runtime.Object, kind, reason, action, note string, args ...any)
}

// tell stores the status of an AdapterSet, if it is another than the one stored,
// and then sends the events that follow. It reports whether that is done. If not,
// the target is looked at again for it: when writes are no longer paced, or a few
// seconds after one that failed. Such a failure is not an error of the
// reconciliation, for which the queue would back off to minutes.
func (w *work) tell(ctx context.Context, set *v1alpha1.AdapterSet, f status.Facts) (done bool) {
	advice := remedy.For{Target: adapterset.Target(set), Container: set.Spec.Container, FieldManager: w.manager}
	f.Ports, f.Warnings = advice.Ports(f.Ports), advice.Warnings(f.Warnings)
	if set.Spec.Suspend && f.Why != status.Removing {
		f.Stopped = status.Suspended
	}
	before := w.statusOf(set)
	known := *set
	known.Status = before
	after := status.Of(&known, f, w.now)
	if !status.Same(before, after) {
		prompt := status.Prompt(before, after)
		if until := w.writes.Until(); !prompt && w.now.Before(until) {
			w.wake(until)
			return false
		}
		stored, err := w.store(ctx, w.memory, set, after)
		switch {
		case err != nil:
			w.notStored(ctx, err)
			return false
		case !stored:
			return true
		case !prompt:
			w.writes.Spend(w.now)
		}
		if failures := w.writes.Stored(); failures > 0 {
			logr.FromContextOrDiscard(ctx).Info("stored the status again", "failures", failures)
		}
	}
	if len(f.Changes) > 0 {
		w.unrecorded = unrecorded{}
	}
	w.announce(ctx, set, status.Events(before, after, f))
	return true
}

// notStored has a status that the API server did not take tried again. Only the
// first failure in a row is an error in the log, so that an outage does not fill
// it.
func (w *work) notStored(ctx context.Context, err error) {
	retry, first := w.writes.Failed()
	w.retry = max(w.retry, jittered(retry))
	if errors.Is(err, context.Canceled) {
		return // the process ends
	}
	w.metrics.statusFailures.Inc()
	log := logr.FromContextOrDiscard(ctx)
	if first {
		log.Error(err, "cannot store the status; it is tried again every few seconds")
		return
	}
	log.V(1).Info("cannot store the status", "error", err.Error(), "retryAfter", retry)
}

// store applies a status. It is false for an AdapterSet that is gone.
func (r *reconciler) store(ctx context.Context, m *memory, set *v1alpha1.AdapterSet, after v1alpha1.AdapterSetStatus) (bool, error) {
	config := applyv1alpha1.AdapterSet(set.Name, set.Namespace).WithStatus(statusConfiguration(after))
	// Status has one writer. Somebody who edited it by hand must not be in the
	// way of its being true for ever, so this, and this alone, is forced.
	err := r.client.Status().Apply(ctx, config, client.FieldOwner(r.manager), client.ForceOwnership)
	if err != nil {
		if isGone(err) {
			return false, nil // its deletion is on its way to us
		}
		return false, fmt.Errorf("storing the status of AdapterSet %s/%s: %w", set.Namespace, set.Name, err)
	}
	if m.statusSent == nil {
		m.statusSent = map[string]sentStatus{}
	}
	if config.ResourceVersion != nil {
		m.statusSent[set.Name] = sentStatus{*config.ResourceVersion, after}
	}
	return true, nil
}

// isGone tells that an object is not there, or is another of that name.
func isGone(err error) bool {
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		return true
	}
	var answer apierrors.APIStatus
	return errors.As(err, &answer) && answer.Status().Details != nil &&
		slices.ContainsFunc(answer.Status().Details.Causes, func(c metav1.StatusCause) bool { return c.Field == "metadata.uid" })
}

func (r *reconciler) announce(ctx context.Context, set *v1alpha1.AdapterSet, events []status.Event) {
	if len(events) == 0 {
		return
	}
	t := adapterset.Target(set)
	regarding := &corev1.ObjectReference{
		APIVersion: v1alpha1.GroupVersion.String(), Kind: "AdapterSet", Namespace: set.Namespace, Name: set.Name, UID: set.UID,
	}
	related := &corev1.ObjectReference{Kind: t.Kind.Kind, Namespace: t.Namespace, Name: t.Name}
	if d, err := workload.Define(t.Kind); err == nil {
		related.APIVersion = d.APIVersion()
	}
	if look, err := r.cluster.Workload(ctx, t); err == nil && look != nil {
		related.UID = look.UID
	}
	log := logr.FromContextOrDiscard(ctx)
	for _, e := range events {
		log.Info(e.Note, "reason", e.Reason)
		// The recorder counts an event that differs from an earlier one in its note
		// alone as a repetition of that one, and drops the note.
		action := actionOf(e)
		r.teller.Eventf(regarding, related, e.Type, e.Reason, action, "%s", e.Note)
		if related.UID != "" {
			r.teller.Eventf(related, regarding, e.Type, e.Reason, action, "%s", e.Note)
		}
	}
}

// maxAction is the longest action that the API server accepts, in bytes.
const maxAction = 128

// actionOf returns an action that differs for each set of ports and manager. One
// that is too long ends with a hash of what is cut off.
func actionOf(e status.Event) string {
	words := []string{"SetPort"}
	for _, word := range []string{e.Ports, e.Manager} {
		if word != "" {
			words = append(words, word)
		}
	}
	action := strings.Join(words, " ")
	if len(action) <= maxAction {
		return action
	}
	hash := fmt.Sprintf(" %.4x", sha256.Sum256([]byte(action)))
	return strings.ToValidUTF8(action[:maxAction-len(hash)], "") + hash
}

func statusConfiguration(s v1alpha1.AdapterSetStatus) *applyv1alpha1.AdapterSetStatusApplyConfiguration {
	config := applyv1alpha1.AdapterSetStatus().
		WithObservedGeneration(s.ObservedGeneration).WithFieldManager(s.FieldManager).
		WithDesiredPorts(s.DesiredPorts).WithReadyPorts(s.ReadyPorts)
	if s.Target != nil {
		config.WithTarget(applyv1alpha1.TargetStatus().WithUID(s.Target.UID).WithContainer(s.Target.Container))
	}
	if s.LastHandledReconcileAt != "" {
		config.WithLastHandledReconcileAt(s.LastHandledReconcileAt)
	}
	for i := range s.Ports {
		config.WithPorts(portConfiguration(&s.Ports[i]))
	}
	for i := range s.Changes {
		config.WithChanges(changeConfiguration(&s.Changes[i]))
	}
	for _, c := range s.Conditions {
		config.WithConditions(applymetav1.Condition().WithType(c.Type).WithStatus(c.Status).WithReason(c.Reason).
			WithMessage(c.Message).WithObservedGeneration(c.ObservedGeneration).WithLastTransitionTime(c.LastTransitionTime))
	}
	return config
}

func portConfiguration(p *v1alpha1.PortStatus) *applyv1alpha1.PortStatusApplyConfiguration {
	config := applyv1alpha1.PortStatus().WithType(p.Type).WithName(p.Name).WithPort(p.Port).WithState(p.State)
	if p.Protocol != "" {
		config.WithProtocol(p.Protocol)
	}
	if p.Reason != "" {
		config.WithReason(p.Reason)
	}
	if p.Message != "" {
		config.WithMessage(p.Message)
	}
	if p.InactiveSince != nil {
		config.WithInactiveSince(*p.InactiveSince)
	}
	if p.LastChangeTime != nil {
		config.WithLastChangeTime(*p.LastChangeTime)
	}
	for _, w := range p.Warnings {
		config.WithWarnings(applyv1alpha1.PortWarning().WithReason(w.Reason).WithManager(w.Manager))
	}
	for _, o := range p.Owners {
		config.WithOwners(applyv1alpha1.PortOwner().WithManager(o.Manager).WithOperation(o.Operation))
	}
	return config
}

func changeConfiguration(c *v1alpha1.PortsChange) *applyv1alpha1.PortsChangeApplyConfiguration {
	config := applyv1alpha1.PortsChange().WithTime(c.Time).WithManager(c.Manager)
	for _, p := range c.Ports {
		port := applyv1alpha1.ChangedPort().WithContainer(p.Container).WithPort(p.Port).WithProtocol(p.Protocol).WithChange(p.Change)
		if p.Name != "" {
			port.WithName(p.Name)
		}
		config.WithPorts(port)
	}
	return config
}
