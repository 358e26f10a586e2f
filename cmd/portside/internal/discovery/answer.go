package discovery

import (
	"slices"

	"github.com/portside-dev/portside/apply"
)

// Condition is the condition Discovered, which reports how the latest poll went.
type Condition struct {
	// Met reports whether the condition is true, which takes complete answers
	// that agree.
	Met     bool
	Reason  Reason
	Message string
	// Stalled reports whether polls keep failing for a reason that needs action.
	Stalled bool
}

// Answer is the latest answer of a target's source.
type Answer struct {
	// Active are the adapters of the last good answer, nil before the first.
	Active []apply.Adapter
	// Complete reports whether the latest poll was complete, and the workload
	// has been steady since it began. Only then may a port be removed or
	// renumbered.
	Complete bool
	// Disagreed are the types, sorted, for which pods gave different numbers.
	Disagreed []string
	// Condition is zero before the first poll, and for a source that is not
	// polled.
	Condition
	// Failures is the number of polls in a row that failed for a reason that
	// needs action, up to [MaxFailures].
	Failures int
	// Requested reports whether a poll that [Poller.PollNow] requested has not ended.
	Requested bool
}

// MaxFailures is how many polls in a row must fail for a reason that needs action
// before the target counts as stalled: a server that starts may answer anything.
const MaxFailures = 3

// equal reports whether two answers have the same consequences.
func (a Answer) equal(b Answer) bool {
	return a.Condition == b.Condition && a.Complete == b.Complete && a.Requested == b.Requested && slices.Equal(a.Disagreed, b.Disagreed) &&
		(a.Active == nil) == (b.Active == nil) && slices.Equal(a.Active, b.Active)
}
