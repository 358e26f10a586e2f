package rollout

import "time"

// Settling waits until a change has been the same for a while. The zero value
// waits for nothing.
type Settling struct {
	change ChangeID
	since  time.Time
}

// Changed notes which change is about to go out.
func (s *Settling) Changed(now time.Time, change ChangeID) {
	if change == s.change {
		return
	}
	s.change, s.since = change, now
}

// Since is when the change that waits was first seen.
func (s *Settling) Since() time.Time { return s.since }

// Until is when the change has settled.
func (s *Settling) Until(settle time.Duration) time.Time { return s.since.Add(settle) }
