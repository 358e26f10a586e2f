package controller

import (
	"context"
	"errors"
	"time"

	"github.com/go-logr/logr"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/rollout"
	"github.com/portside-dev/portside/cmd/portside/internal/status"
)

// plan is the decision about the ports.
type plan struct {
	*apply.Plan // nil if nothing can be decided
	// undecided is why there are no states of ports to report, nil if there are.
	undecided *undecided
	// change is what an apply of the plan changes.
	change rollout.ChangeID
	// retryAt is when to decide again although no event follows.
	retryAt time.Time
}

// decide returns the plan for the desired ports.
func (r *reconciler) decide(ctx context.Context, s *state, in *input, d desired) plan {
	if in.observed == nil || in.ignored || in.lacksContainer() && in.stopped != "" {
		return plan{undecided: in.undecided}
	}
	decided, err := in.observed.Decide(d.Desired)
	upToDate := false
	if in.stopped == "" && (err == nil || workload.IsContainerNotFound(err)) {
		upToDate, err = decided.UpToDate()
	}
	switch notDedicated, retryAt := r.notDedicated(ctx, s, in, err); {
	case upToDate && in.lacksContainer(): // we own nothing in a container that does not exist
		return plan{undecided: in.undecided}
	case notDedicated != nil:
		return plan{undecided: notDedicated, retryAt: retryAt}
	case err != nil && !workload.IsContainerNotFound(err):
		return plan{undecided: &undecided{message: err.Error()}}
	}
	p := plan{Plan: decided, undecided: in.undecided}
	switch {
	case in.lacksContainer():
		p.change = rollout.ReleaseContainer
	case !upToDate:
		p.change = rollout.ApplyPorts(decided.Items)
	}
	r.scheduleResync(s, in.now)
	return p
}

// notDedicated returns why nothing may be written, if err is that our field manager owns
// fields other than ports. An event follows when that ends. In case none does, the
// workload is read again with back-off.
func (r *reconciler) notDedicated(ctx context.Context, s *state, in *input, err error) (*undecided, time.Time) {
	if _, owns := errors.AsType[*apply.NotDedicatedError](err); !owns {
		return nil, time.Time{}
	}
	if !in.now.Before(s.RetryAt(rollout.ReleaseFields)) {
		r.gate.Failed(&s.State, s.uid, rollout.ReleaseFields, in.now)
		if live, err := r.applier.Get(ctx, in.target); err == nil {
			s.answer = live
		} else {
			logr.FromContextOrDiscard(ctx).V(1).Info("cannot read the workload again", "error", err.Error())
		}
	}
	message := r.remedy(in.target, in.set).Error(err).Error()
	return &undecided{status.FieldManagerNotDedicated, message}, s.RetryAt(rollout.ReleaseFields)
}

// ask returns whether the plan may be applied now. The verdict is empty if nothing may be
// applied at all.
func (r *reconciler) ask(s *state, in *input, p plan) rollout.Verdict {
	if p.Plan == nil || in.stopped != "" {
		return rollout.Verdict{}
	}
	change := rollout.Change{
		Now: in.now, Workload: in.workload, ID: p.change, Resync: !in.now.Before(s.resyncAt),
		Window:      seconds(in.set.Spec.Rollout.StabilizationWindowSeconds),
		NextRollout: in.waitsForRollout(), Began: in.began,
	}
	if in.container != nil {
		change.Awaited = rollout.Awaited(in.container, p.Items)
	}
	verdict := r.gate.Ask(&s.State, change)
	if verdict.Action == rollout.UpToDate {
		r.accepted(s, in.now)
		s.Contention.NoneMissing(in.now)
	}
	return verdict
}

// accepted notes that the ports are as desired.
func (r *reconciler) accepted(s *state, now time.Time) {
	r.gate.Accepted(&s.State, s.uid, now)
	s.failed = nil
}
