package rollout

import "time"

const (
	firstRetry = time.Second
	lastRetry  = 5 * time.Minute
)

// Retry is the back-off of a change that the server did not take: one second,
// then twice as long each time, up to five minutes. A change that is another
// one waits for nothing. The zero value has no failure.
type Retry struct {
	change   ChangeID
	failures int
	until    time.Time
}

// Failed notes that the server did not take a change.
func (r *Retry) Failed(now time.Time, change ChangeID) {
	if change != r.change {
		*r = Retry{change: change}
	}
	wait := lastRetry
	if shift := r.failures; shift < 9 { // 1 s << 9 is beyond five minutes
		wait = min(lastRetry, firstRetry<<shift)
	}
	r.failures++
	r.until = now.Add(wait)
}

// Until is when the change may be tried again, zero where it has not failed.
func (r *Retry) Until(change ChangeID) time.Time {
	if r.failures == 0 || change != r.change {
		return time.Time{}
	}
	return r.until
}
