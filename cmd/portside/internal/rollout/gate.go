package rollout

import (
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/flowcontrol"
	"k8s.io/utils/clock"

	"github.com/portside-dev/portside/apply/workload"
)

// Action is what a [Gate] lets a reconcile do.
type Action string

// The actions.
const (
	// UpToDate: there is nothing to apply.
	UpToDate Action = "UpToDate"
	// Defer: the plan must not be applied yet.
	Defer Action = "Defer"
	// Apply: the plan may be applied now.
	Apply Action = "Apply"
)

// Reason is why a plan is deferred.
type Reason string

// The reasons, in the order in which they are checked.
const (
	// NotDeferred: the plan is not deferred.
	NotDeferred Reason = ""
	// Stabilizing: the plan has not been the same for the stabilization window.
	Stabilizing Reason = "Stabilizing"
	// NextRollout: the plan waits for a rollout that another manager causes.
	NextRollout Reason = "NextRollout"
	// BackingOff: the API server did not take the plan, and it is tried again later.
	BackingOff Reason = "BackingOff"
	// UnderWay: a rollout is under way.
	UnderWay Reason = "RolloutUnderWay"
	// Stuck: the same, and the rollout makes no progress.
	Stuck Reason = "RolloutStuck"
	// LimitReached: as many workloads as allowed are in a rollout that we caused.
	LimitReached Reason = "RolloutLimit"
)

// Verdict is the answer of a [Gate].
type Verdict struct {
	Action Action
	// Reason is why the plan is deferred, and Until when to ask again. Until is zero
	// where an event of the cluster follows.
	Reason Reason
	Until  time.Time
	// Joins reports that the plan is applied with a rollout that another manager has
	// just begun, so that it causes none.
	Joins bool
	// Holders are the targets that hold a place, where the reason is LimitReached.
	Holders []workload.Target
}

// State is what is remembered of a workload from one reconcile to the next. The zero
// value is that of a process that has just started.
type State struct {
	Removals      Removals
	Stabilization Stabilization
	Contention    Contention
	Progress      Progress
	Templates     Templates

	// failed is the change that the API server did not take, which is tried again at
	// retryAt.
	failed  ChangeID
	retryAt time.Time
	// holders are the targets that held a place when this one began to wait. They are
	// looked up again at holdersUntil, and not at each reconcile, so that status does
	// not change with each of them.
	holders      []workload.Target
	holdersUntil time.Time
}

const (
	firstRetry = time.Second
	lastRetry  = 5 * time.Minute
)

// Gate decides whether a plan may be applied now, by the rules of the package comment. It is
// safe for concurrent use for different workloads.
type Gate struct {
	*Limit[workload.Target]
	backoff *flowcontrol.Backoff // by the UID of the workload
}

// NewGate returns a gate with this limit.
func NewGate(limit *Limit[workload.Target], c clock.Clock) *Gate {
	g := &Gate{Limit: limit, backoff: flowcontrol.NewBackOff(firstRetry, lastRetry)}
	g.backoff.Clock = c
	return g
}

// Ask returns whether a change may be applied now. A change that restarts pods and may
// be applied takes a place of the limit.
func (g *Gate) Ask(s *State, c Change) Verdict {
	now, rollout := c.Now, c.Workload.Rollout
	if c.ID == NoChange {
		if c.Resync {
			return Verdict{Action: Apply}
		}
		return Verdict{Action: UpToDate}
	}
	if c.ID != ReleaseContainer {
		s.Stabilization.Changed(now, c.ID)
		if until := s.Stabilization.Until(c.Window); now.Before(until) && !c.joins() {
			return Verdict{Action: Defer, Reason: Stabilizing, Until: until}
		}
		if c.NextRollout && !c.joins() && !c.Awaited && c.Workload.Restarts > 0 {
			return Verdict{Action: Defer, Reason: NextRollout}
		}
	}
	if until := s.RetryAt(c.ID); now.Before(until) {
		return Verdict{Action: Defer, Reason: BackingOff, Until: until}
	}
	switch {
	case c.ID == ReleaseContainer:
		return Verdict{Action: Apply}
	case c.joins():
		return Verdict{Action: Apply, Joins: true}
	case rollout.UnderWay && !c.Awaited && s.Progress.Stuck(now, rollout):
		return Verdict{Action: Defer, Reason: Stuck}
	case rollout.UnderWay && !c.Awaited:
		return Verdict{Action: Defer, Reason: UnderWay, Until: s.Progress.StuckAt()}
	}
	return g.Place(s, c.Workload, now)
}

// joins reports whether a change that waited for the next rollout is applied with the
// one that another manager has just begun. It restarts no pods by itself, and every
// second that it waits may be a pod that starts twice.
func (c Change) joins() bool { return c.NextRollout && c.Began }

// Place takes a place of the limit for a change that restarts pods.
func (g *Gate) Place(s *State, w *workload.Workload, now time.Time) Verdict {
	if w.Restarts == 0 || g.Begin(w.Target) {
		return Verdict{Action: Apply}
	}
	if len(s.holders) == 0 || !now.Before(s.holdersUntil) {
		s.holders, s.holdersUntil = g.Holders(), now.Add(StuckAfter)
	}
	return Verdict{Action: Defer, Reason: LimitReached, Until: s.holdersUntil, Holders: s.holders}
}

// Leave gives back the place that a target has no use for: it does not wait for one,
// and no rollout that we caused proceeds.
func (g *Gate) Leave(s *State, t workload.Target, waits, proceeds bool) {
	if waits {
		return
	}
	s.holders = nil
	if !proceeds {
		g.End(t)
	}
}

// Failed notes that the API server did not take a change. It is tried again after one
// second, then after twice as long each time, up to five minutes. Another change does
// not wait.
func (g *Gate) Failed(s *State, uid types.UID, change ChangeID, now time.Time) {
	if change != s.failed {
		g.backoff.DeleteEntry(string(uid))
	}
	g.backoff.Next(string(uid), now)
	s.failed, s.retryAt = change, now.Add(g.backoff.Get(string(uid)))
}

// Accepted notes that there is nothing to change.
func (g *Gate) Accepted(s *State, uid types.UID, now time.Time) {
	s.Stabilization.Changed(now, NoChange)
	g.Retry(s, uid)
}

// Retry ends the back-off.
func (g *Gate) Retry(s *State, uid types.UID) {
	g.backoff.DeleteEntry(string(uid))
	s.failed, s.retryAt = NoChange, time.Time{}
}

// RetryAt returns when a change may be tried again, zero if it has not failed.
func (s *State) RetryAt(change ChangeID) time.Time {
	if change != s.failed {
		return time.Time{}
	}
	return s.retryAt
}
