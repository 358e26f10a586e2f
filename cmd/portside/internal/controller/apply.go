package controller

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/go-logr/logr"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/advice"
	"github.com/portside-dev/portside/apply/port"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/changes"
	"github.com/portside-dev/portside/cmd/portside/internal/rollout"
	"github.com/portside-dev/portside/cmd/portside/internal/status"
)

// outcome is what an apply came to. It is empty if there was none.
type outcome struct {
	// answered reports that the API server took the plan, or refused it. Then ports are
	// the states after that, and warnings are about them.
	answered bool
	ports    []apply.PortStatus
	warnings []advice.Warning
	// undecided and stopped are why nothing was written, if the apply found that.
	undecided *undecided
	stopped   status.ConditionReason
	// failure is why the apply failed, empty if it did not; refusal reports that the
	// API server refused it.
	failure string
	refusal bool
	// changed reports that the apply changed the workload, and rolling that its pods
	// restart for it.
	changed, rolling bool
	// accepted reports that the API server took all of the plan.
	accepted bool
	// retryAt is when to apply again.
	retryAt time.Time
}

// apply applies the plan if the verdict allows it.
func (r *reconciler) apply(ctx context.Context, s *state, in *input, p plan, verdict rollout.Verdict) outcome {
	switch {
	case verdict.Reason == rollout.BackingOff:
		return *s.failed
	case in.ignored:
		return r.ignore(ctx, s, in)
	case verdict.Action != rollout.Apply:
		return outcome{}
	}
	result, err := r.applier.ApplyFrom(ctx, p.Plan)
	r.metrics.Reconciled(result)
	if result.Outcome == apply.Applied && p.change != rollout.NoChange && p.change != rollout.ReleaseContainer {
		r.metrics.Stored(r.clock.Since(s.Stabilization.Since()))
	}
	s.resyncAt = in.now.Add(wait.Jitter(r.resync, resyncJitter))
	if result.After != nil {
		s.answer = result.After
		r.begin(s, result.After.UID)
		s.Templates.Observe(result.After.Template)
	}
	if notDedicated, retryAt := r.notDedicated(ctx, s, in, err); notDedicated != nil {
		return outcome{undecided: notDedicated, retryAt: retryAt}
	}
	r.record(s, in, result)
	o := r.judge(in, p, result, err)
	if o.accepted {
		r.accepted(s, in.now)
	} else {
		r.gate.Failed(&s.State, s.uid, p.change, in.now)
		o.retryAt = s.RetryAt(p.change)
		s.failed = new(o)
	}
	o.changed = result.Outcome == apply.Applied
	o.rolling = !verdict.Joins && r.restarted(ctx, s, result)
	return o
}

// ignore gives up the ports of containers that are no longer to be managed. They stay, so
// that no pod restarts.
func (r *reconciler) ignore(ctx context.Context, s *state, in *input) outcome {
	retryAt := s.RetryAt(rollout.ReleaseContainer)
	if in.stopped != "" || !r.applier.HasClaim(in.workload) || in.now.Before(retryAt) {
		return outcome{retryAt: retryAt}
	}
	result, err := r.applier.Release(ctx, in.target, true)
	r.metrics.Reconciled(result)
	if err != nil {
		r.gate.Failed(&s.State, s.uid, rollout.ReleaseContainer, in.now)
		return outcome{failure: reported(r.remedy(in.target, in.set).Error(err)), refusal: apply.IsRefusal(err), retryAt: s.RetryAt(rollout.ReleaseContainer)}
	}
	if result.After != nil {
		s.answer = result.After
	}
	return outcome{changed: result.Outcome == apply.Applied}
}

// judge returns what the API server answered. It is not accepted if the server did not
// take all of the plan, which is then tried again with back-off.
func (r *reconciler) judge(in *input, p plan, result apply.Result, err error) outcome {
	switch result.Outcome {
	case apply.TargetNotFound:
		return outcome{accepted: true, undecided: notFound(in.target)} // an event follows
	case apply.ContainerNotFound:
		return outcome{undecided: &undecided{status.ContainerNotFound, err.Error()}}
	case apply.Paused:
		return outcome{accepted: true, stopped: status.Paused}
	case apply.Applied, apply.Unchanged, apply.Failed:
	}
	o := outcome{accepted: err == nil && result.UpToDate}
	switch {
	case err != nil && p.change == rollout.NoChange: // a resync; the ports are up to date anyway
		return outcome{accepted: true}
	case err != nil:
		o.refusal = apply.IsRefusal(err)
		o.failure = reported(r.remedy(in.target, in.set).Error(err))
	}
	if err == nil || o.refusal {
		o.answered, o.ports, o.warnings = true, result.Ports, result.Warnings
	}
	return o
}

// reported returns an error as status has it. The error of a connection differs each
// time, and is left to the log.
func reported(err error) string {
	if _, isConnection := errors.AsType[*url.Error](err); isConnection {
		return "the API server could not be asked; it is tried again"
	}
	return err.Error()
}

// record notes what an apply changed.
func (r *reconciler) record(s *state, in *input, result apply.Result) {
	if s.ports.applied(result, in.own, r.ownAfter(in, result)) {
		s.Contention.Readded(in.now)
		r.metrics.Readds.Inc()
	}
	change, changed := changes.Of(result, r.manager)
	if !changed {
		return
	}
	if change.Time.IsZero() {
		change.Time = metav1.NewTime(r.clock.Now().Truncate(time.Second))
	}
	s.changes = changes.Append(s.changes, change)
}

// ownAfter returns the ports that we own in the container after an apply.
func (r *reconciler) ownAfter(in *input, result apply.Result) []port.Port {
	if result.After == nil || in.lacksContainer() {
		return in.own
	}
	after, err := r.applier.Observe(result.After)
	if err != nil {
		return in.own
	}
	own, err := after.OwnPorts(in.containerName())
	if err != nil {
		return in.own
	}
	return own
}

// restarted reports whether pods restart because of a write, and notes the rollout.
func (r *reconciler) restarted(ctx context.Context, s *state, result apply.Result) bool {
	if !result.TemplateChanged() || result.After.Restarts == 0 {
		return false
	}
	s.rolling, s.Progress = true, rollout.Progress{} // that of the rollout before
	r.metrics.Rollouts.Inc()
	logr.FromContextOrDiscard(ctx).Info("the ports changed; the pods restart", "ports", portsOf(result.After, result.Container), "pods", result.After.Restarts)
	return true
}

func portsOf(w *workload.Workload, container string) []string {
	c, err := w.Container(container)
	if err != nil {
		return nil
	}
	ports := make([]string, 0, len(c.Ports))
	for _, p := range c.Ports {
		ports = append(ports, fmt.Sprintf("%s:%d/%s", p.Name, p.ContainerPort, p.Protocol))
	}
	return ports
}
