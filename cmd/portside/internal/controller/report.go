package controller

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/port"
	"github.com/portside-dev/portside/apply/v1alpha1"
	applyv1alpha1 "github.com/portside-dev/portside/apply/v1alpha1/applyconfiguration/apply/v1alpha1"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/adapterset"
	"github.com/portside-dev/portside/cmd/portside/internal/remedy"
	"github.com/portside-dev/portside/cmd/portside/internal/rollout"
	"github.com/portside-dev/portside/cmd/portside/internal/status"
	"github.com/portside-dev/portside/fieldmanager"
)

// facts returns what a reconcile reports.
func (in *input) facts(s *state, d desired, p plan, verdict rollout.Verdict, o outcome) status.Facts {
	f := status.Facts{
		FieldManager: in.manager, Discovery: in.discovery, Stopped: cmp.Or(o.stopped, in.stopped),
		Failure: o.failure, Refusal: o.refusal, Holders: verdict.Holders, Polling: in.polling,
		Contended: len(d.withheld) > 0, Contender: ptr.Deref(s.Contention.Contender, rollout.Contender{}),
	}
	if in.workload != nil {
		f.UID, f.Changes = in.workload.UID, s.changes
		f.RollingOut, f.Stuck, f.GaveUpPlace = s.rolling, in.stuck, s.gaveUpPlace
		f.Restarts, f.Surge = in.workload.Restarts, in.workload.Surge
	}
	if in.container != nil {
		f.Container = in.container.Name
	}
	if verdict.Reason != rollout.BackingOff { // which Failure reports
		f.Deferred = verdict.Reason
	}
	for _, id := range s.ports.lost {
		f.Lost = append(f.Lost, id.name)
	}
	for _, removal := range d.removals {
		if !removal.Due {
			f.Removals = append(f.Removals, removal)
		}
	}
	switch u := cmp.Or(o.undecided, p.undecided); {
	case u != nil && u.reason == "":
		f.Failure = u.message
	case u != nil:
		f.Why, f.Because = u.reason, u.message
	case !in.ignored:
		in.addPorts(&f, d, p, o)
	}
	f.Ports = slices.Concat(f.Ports, d.withheld)
	if s.Contention.UnderWay() {
		s.ports.mark(f.Ports)
	}
	return f
}

// addPorts adds the states of the ports. Ports that are planned and not live are Pending.
// Ports that will be removed keep their state until then.
func (in *input) addPorts(f *status.Facts, d desired, p plan, o outcome) {
	if o.answered {
		f.Ports, f.Warnings = o.ports, o.warnings
		if !o.refusal {
			return
		}
	} else {
		f.Ports, f.Warnings = p.Ports, p.Warnings
		for _, planned := range p.Ports {
			if planned.State.Applied() && !in.owns(idOfStatus(planned)) {
				f.Pending = append(f.Pending, planned.Name)
			}
		}
	}
	f.Ports = slices.Clone(f.Ports)
	for _, removal := range d.removals {
		id := idOf(removal.Adapter)
		id.name = removal.Name
		if !removal.Due || id.isApplied(p.Items) {
			continue
		}
		f.Removals = append(f.Removals, removal)
		f.Ports = append(f.Ports, apply.PortStatus{
			Type: removal.Adapter.Type, Name: id.name, Port: id.number, Protocol: corev1.Protocol(id.protocol),
			State: port.Owned, Owners: []fieldmanager.Manager{fieldmanager.Applier(in.manager)},
		})
	}
}

// owns reports whether a port is live and ours.
func (in *input) owns(id portID) bool {
	return slices.ContainsFunc(in.own, func(p port.Port) bool { return idOfPort(p) == id })
}

// remedy returns the advice about a target.
func (r *reconciler) remedy(t workload.Target, set *v1alpha1.AdapterSet) remedy.For {
	if t.Kind == workload.Service {
		return remedy.For{Target: t, FieldManager: r.manager}
	}
	return remedy.For{Target: t, Container: set.Spec.Container, FieldManager: r.manager}
}

// report stores the status of an AdapterSet if it differs from the one stored, and sends
// the events that follow. It reports whether that is done. If not, it returns when to
// report again: when the pace allows it, or a few seconds after a failed write. Such a
// failure is not an error of the reconcile, for which the queue would back off to
// minutes.
func (r *reconciler) report(ctx context.Context, s *state, set *v1alpha1.AdapterSet, f status.Facts) (reported bool, until time.Time) {
	advice := r.remedy(adapterset.Target(set), set)
	f.Ports, f.Warnings = advice.Ports(f.Ports), advice.Warnings(f.Warnings)
	if set.Spec.Suspend && f.Why != status.Removing {
		f.Stopped = status.Suspended
	}
	now := r.clock.Now()
	known := *set
	known.Status = s.statusOf(set)
	after := status.Of(&known, f, now)
	if !status.Same(known.Status, after) {
		prompt := status.Prompt(known.Status, after)
		if until := s.pace.until(); !prompt && now.Before(until) {
			return false, until
		}
		switch stored, err := r.store(ctx, s, set, after); {
		case err != nil:
			return false, now.Add(r.statusFailed(ctx, set, err))
		case !stored:
			return true, time.Time{}
		}
		if !prompt {
			s.pace.spend(now)
		}
	}
	r.announce(ctx, set, status.Events(known.Status, after, f))
	return true, time.Time{}
}

// store applies a status. It reports false for an AdapterSet that is gone.
func (r *reconciler) store(ctx context.Context, s *state, set *v1alpha1.AdapterSet, after v1alpha1.AdapterSetStatus) (bool, error) {
	config := applyv1alpha1.AdapterSet(set.Name, set.Namespace).WithStatus(statusConfiguration(after))
	// Status has one writer. A user who edited it must not keep it from being true, so
	// this apply, and no other, is forced.
	err := r.client.Status().Apply(ctx, config, client.FieldOwner(r.manager), client.ForceOwnership)
	if err != nil && !apierrors.IsNotFound(err) {
		return false, fmt.Errorf("cannot store the status of AdapterSet %s/%s: %w", set.Namespace, set.Name, err)
	}
	if id := adapterset.Target(set).String(); r.statusBackoff.Get(id) > 0 {
		r.statusBackoff.DeleteEntry(id)
		logr.FromContextOrDiscard(ctx).Info("stored the status again")
	}
	if err != nil {
		return false, nil //nolint:nilerr // the event of its deletion follows
	}
	if config.ResourceVersion != nil {
		if s.stored == nil {
			s.stored = map[string]*storedStatus{}
		}
		s.stored[set.Name] = &storedStatus{*config.ResourceVersion, after}
	}
	return true, nil
}

// A status that the API server did not take is tried again after one second, then after
// twice as long each time, up to five, and up to a tenth later.
const (
	firstStatusRetry  = time.Second
	lastStatusRetry   = 5 * time.Second
	statusRetryJitter = 0.1
)

// statusFailed notes that the API server did not take a status, and returns after what
// time to try again. Only the first failure in a row is an error in the log, so that an
// outage does not fill it.
func (r *reconciler) statusFailed(ctx context.Context, set *v1alpha1.AdapterSet, err error) (wait time.Duration) {
	id := adapterset.Target(set).String()
	isFirst := r.statusBackoff.Get(id) == 0
	r.statusBackoff.Next(id, r.clock.Now())
	wait = r.statusBackoff.Get(id)
	if errors.Is(err, context.Canceled) {
		return wait // the process ends
	}
	r.metrics.StatusFailures.Inc()
	log := logr.FromContextOrDiscard(ctx)
	if isFirst {
		log.Error(err, "the status is not stored; it is tried again every few seconds")
	} else {
		log.V(1).Info("the status is not stored", "error", err.Error(), "retryAfter", wait)
	}
	return wait
}

// isGone reports whether an error is that an object does not exist, or is another one of
// that name. A conflict is not certain to be one: the API server also answers 409 when other
// writes kept it from storing ours.
func isGone(err error) bool {
	if apierrors.IsNotFound(err) {
		return true
	}
	var answer apierrors.APIStatus
	return errors.As(err, &answer) && answer.Status().Details != nil &&
		slices.ContainsFunc(answer.Status().Details.Causes, func(c metav1.StatusCause) bool { return c.Field == "metadata.uid" })
}
