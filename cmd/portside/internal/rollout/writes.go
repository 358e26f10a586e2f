package rollout

import "time"

const (
	// StatusBurst is how many writes of status that a source can cause at will may
	// follow each other at once.
	StatusBurst = 10
	// StatusInterval is the time between two of them from then on.
	StatusInterval = 30 * time.Second

	firstStatusRetry = time.Second
	lastStatusRetry  = 5 * time.Second
)

// Writes paces the writes of a target's status, so that a source that says
// something else each time does not fill the API server's storage. The zero value
// has seen none.
type Writes struct {
	spent    time.Time // until then the burst is not whole
	failures int       // in a row
}

// Until returns when the next write may go out; now, where that time is over.
func (w *Writes) Until() time.Time { return w.spent.Add(-(StatusBurst - 1) * StatusInterval) }

// Spend notes a write that has to wait for [Writes.Until].
func (w *Writes) Spend(now time.Time) {
	if w.spent.Before(now) {
		w.spent = now
	}
	w.spent = w.spent.Add(StatusInterval)
}

// Failed notes that the API server did not take a write. It returns after what
// time that is tried again: a second, then twice as long each time, up to five; and
// whether it is the first failure in a row.
func (w *Writes) Failed() (wait time.Duration, first bool) {
	wait = lastStatusRetry
	if w.failures < 3 { // 1 s << 3 is beyond five
		wait = firstStatusRetry << w.failures
	}
	w.failures++
	return wait, w.failures == 1
}

// Stored notes that the API server took a write, and returns how many it did not
// take before.
func (w *Writes) Stored() (failures int) {
	failures, w.failures = w.failures, 0
	return failures
}
