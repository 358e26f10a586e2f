package rollout

import (
	"time"

	"github.com/portside-dev/portside/apply/port"
	"github.com/portside-dev/portside/apply/workload"
)

// Target is what is remembered of a target from one look to the next. The zero
// value is that of a process that has just started.
type Target struct {
	Removals Removals
	Settling Settling
	Retry    Retry
	Fight    Fight
	Rollout  Rollout
}

// Change is what is about to go out.
type Change struct {
	Now    time.Time
	ID     ChangeID
	Settle time.Duration
	// Rollout is the target's, as last seen.
	Rollout workload.Rollout
	// Awaited tells that the rollout under way waits for a port that this
	// change adds.
	Awaited bool
}

// Reason is why a change does not go out yet.
type Reason string

// The reasons, in the order in which they are looked at.
const (
	// Go: nothing holds it.
	Go Reason = ""
	// Unsettled: it has not been the same for long enough.
	Unsettled Reason = "Unsettled"
	// BackingOff: the server did not take it, and it is tried again later.
	BackingOff Reason = "BackingOff"
	// RolloutUnderWay: it would restart pods on top of a restart.
	RolloutUnderWay Reason = "RolloutUnderWay"
	// RolloutStuck: the same, and the rollout does not get on.
	RolloutStuck Reason = "RolloutStuck"
	// RolloutLimit: as many targets as are allowed are in a rollout that we
	// caused.
	RolloutLimit Reason = "RolloutLimit"
)

// Hold tells whether a change has to wait, and until when; where that is zero,
// an event of the cluster will tell. The limit is not asked here, since asking
// it takes a place.
func (t *Target) Hold(c Change) (Reason, time.Time) {
	t.Settling.Changed(c.Now, c.ID)
	if until := t.Settling.Until(c.Settle); c.Now.Before(until) {
		return Unsettled, until
	}
	if until := t.Retry.Until(c.ID); c.Now.Before(until) {
		return BackingOff, until
	}
	if c.Rollout.UnderWay && !c.Awaited {
		if t.Rollout.Stuck(c.Now, c.Rollout) {
			return RolloutStuck, time.Time{}
		}
		return RolloutUnderWay, t.Rollout.StuckAt()
	}
	return Go, time.Time{}
}

// Stands notes that there is nothing to change.
func (t *Target) Stands(now time.Time) {
	t.Settling.Changed(now, NoChange)
	t.Retry = Retry{}
}

// Awaited tells whether a container waits for one of the ports that are added:
// its probes or hooks name it, and it is not there yet.
func Awaited(c *workload.Container, emit []port.Port) bool {
	live, awaited := map[string]bool{}, map[string]bool{}
	for _, p := range c.Ports {
		live[p.Name] = true
	}
	for _, name := range c.ProbePorts {
		awaited[name] = !live[name]
	}
	for _, p := range emit {
		if p.Name != "" && awaited[p.Name] {
			return true
		}
	}
	return false
}
