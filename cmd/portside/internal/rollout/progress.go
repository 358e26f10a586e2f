package rollout

import (
	"time"

	"github.com/portside-dev/portside/apply/workload"
)

// StuckAfter is how long a rollout may make no progress before it is called
// stuck. It is the default of a Deployment's progressDeadlineSeconds; the other
// kinds have no such field.
const StuckAfter = 10 * time.Minute

// Progress watches a rollout that is under way. The zero value has seen none.
type Progress struct {
	reached workload.Progress // the most that was reached
	since   time.Time         // of the last progress; zero while none is under way
}

// Observe notes how far the rollout is.
func (p *Progress) Observe(now time.Time, seen workload.Rollout) {
	switch {
	case !seen.UnderWay:
		*p = Progress{}
	case p.since.IsZero():
		p.reached, p.since = seen.Progress, now
	case p.advance(seen.Progress):
		p.since = now
	}
}

// ResumeStuck continues a rollout that was stuck before this process began.
func (p *Progress) ResumeStuck(now time.Time, seen workload.Rollout) {
	*p = Progress{reached: seen.Progress, since: now.Add(-StuckAfter)}
}

// advance reports whether there is progress beyond what was reached before:
// another generation, a further pod that was replaced, or more pods that are
// ready. The pods that are ready count from the last replacement on. A pod that
// crashes, and is ready now and then, makes no progress.
func (p *Progress) advance(seen workload.Progress) bool {
	reached := &p.reached
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
func (p *Progress) StuckAt() time.Time {
	if p.since.IsZero() {
		return time.Time{}
	}
	return p.since.Add(StuckAfter)
}

// Stuck reports whether the rollout has made no progress for [StuckAfter], or
// its controller has given up.
func (p *Progress) Stuck(now time.Time, seen workload.Rollout) bool {
	return seen.UnderWay && (seen.Failed || !p.since.IsZero() && !now.Before(p.StuckAt()))
}
