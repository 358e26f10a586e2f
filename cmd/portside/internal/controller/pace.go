package controller

import "time"

const (
	// statusBurst is how many writes of status that a source can cause may follow each
	// other at once.
	statusBurst = 10
	// statusInterval is the time between two of them from then on.
	statusInterval = 30 * time.Second
)

// pace bounds the writes of a target's status, so that a source whose answers keep
// changing does not fill the API server's storage. The zero value allows a whole burst.
type pace struct {
	spent time.Time // until then the burst is not complete
}

// until returns when the next write may be sent. A time that has passed means now.
func (p *pace) until() time.Time { return p.spent.Add(-(statusBurst - 1) * statusInterval) }

// spend notes a write that the pace bounds.
func (p *pace) spend(now time.Time) {
	if p.spent.Before(now) {
		p.spent = now
	}
	p.spent = p.spent.Add(statusInterval)
}
