package rollout

import (
	"time"

	"github.com/portside-dev/portside/apply/workload"
)

// StuckAfter is how long a rollout may make no progress before it is called
// stuck. It is the default of a Deployment's progressDeadlineSeconds; the other
// kinds have no such field.
const StuckAfter = 10 * time.Minute

// Rollout watches the progress of a rollout that is under way. The zero value
// has seen none.
type Rollout struct {
	progress workload.Progress // the most that was reached
	since    time.Time         // of the last progress; zero while none is under way
}

// Saw notes how far the rollout is.
func (r *Rollout) Saw(now time.Time, seen workload.Rollout) {
	switch {
	case !seen.UnderWay:
		*r = Rollout{}
	case r.since.IsZero():
		r.progress, r.since = seen.Progress, now
	case r.advance(seen.Progress):
		r.since = now
	}
}

// Remember takes up a rollout that was stuck before this process began.
func (r *Rollout) Remember(now time.Time, seen workload.Rollout) {
	*r = Rollout{progress: seen.Progress, since: now.Add(-StuckAfter)}
}

// advance reports whether there is progress beyond what was reached before:
// another generation, a further pod that was replaced, or more pods that are
// ready. The pods that are ready count from the last replacement on. A pod that
// crashes, and is ready now and then, makes no progress.
func (r *Rollout) advance(seen workload.Progress) bool {
	reached := &r.progress
	outdated := seen.Replicas - seen.Updated
	switch least := reached.Replicas - reached.Updated; {
	case seen.ObservedGeneration != reached.ObservedGeneration:
		*reached = seen
	case seen.Updated > reached.Updated || outdated < least:
		reached.Updated = max(seen.Updated, reached.Updated)
		reached.Replicas = min(outdated, least) + reached.Updated
		reached.Ready, reached.Available = seen.Ready, seen.Available
	case seen.Ready > reached.Ready || seen.Available > reached.Available:
		reached.Ready, reached.Available = max(seen.Ready, reached.Ready), max(seen.Available, reached.Available)
	default:
		return false
	}
	return true
}

// StuckAt returns when the rollout will be stuck if it makes no progress, zero
// while none is under way.
func (r *Rollout) StuckAt() time.Time {
	if r.since.IsZero() {
		return time.Time{}
	}
	return r.since.Add(StuckAfter)
}

// Stuck reports whether the rollout has made no progress for [StuckAfter], or
// its controller has given it up.
func (r *Rollout) Stuck(now time.Time, seen workload.Rollout) bool {
	return seen.UnderWay && (seen.Failed || !r.since.IsZero() && !now.Before(r.StuckAt()))
}
