package rollout

import "time"

// Stabilization waits until a change has been the same for the stabilization window.
// The zero value has seen no change.
type Stabilization struct {
	change ChangeID
	since  time.Time
}

// Changed notes which change is pending.
func (s *Stabilization) Changed(now time.Time, change ChangeID) {
	if change == s.change {
		return
	}
	s.change, s.since = change, now
}

// Since returns when the pending change was first seen.
func (s *Stabilization) Since() time.Time { return s.since }

// Until returns when the pending change has been the same for the window.
func (s *Stabilization) Until(window time.Duration) time.Time { return s.since.Add(window) }
