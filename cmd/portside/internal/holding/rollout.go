package holding

import (
	"time"

	"github.com/portside-dev/portside/apply"
)

// StuckAfter is how long a rollout may go without getting on before it is
// called stuck. It is the default of a Deployment's progressDeadlineSeconds;
// the other kinds have no such field.
const StuckAfter = 10 * time.Minute

// Rollout watches a rollout that is under way. The zero value has seen none.
type Rollout struct {
	progress apply.RolloutProgress
	since    time.Time // when it last got on; zero while none is under way
}

// Saw notes how far the rollout is.
func (r *Rollout) Saw(now time.Time, seen apply.Rollout) {
	switch {
	case !seen.UnderWay:
		*r = Rollout{}
	case r.since.IsZero() || r.progress != seen.Progress:
		r.progress, r.since = seen.Progress, now
	}
}

// StuckAt is when the rollout will be stuck if it does not get on, zero while
// none is under way.
func (r *Rollout) StuckAt() time.Time {
	if r.since.IsZero() {
		return time.Time{}
	}
	return r.since.Add(StuckAfter)
}

// Stuck reports whether the rollout does not get on: it has not for StuckAfter,
// or its controller gave it up.
func (r *Rollout) Stuck(now time.Time, seen apply.Rollout) bool {
	return seen.UnderWay && (seen.Failed || !r.since.IsZero() && !now.Before(r.StuckAt()))
}
