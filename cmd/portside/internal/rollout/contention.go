package rollout

import (
	"slices"
	"time"
)

const (
	// MaxReadds is how many re-adds within ReaddWindow make a contention.
	MaxReadds = 5
	// ReaddWindow is the time in which MaxReadds are counted.
	ReaddWindow = 10 * time.Minute
	// ReaddInterval is the time between two re-adds during a contention, and how long
	// all ports must stay before it is over.
	ReaddInterval = time.Hour
)

// Contender is the manager that removed ports of ours.
type Contender struct {
	// Manager is the field manager's name, empty where managedFields do not show
	// it.
	Manager string
	// Certain reports whether the manager wrote after we did. A manager that only
	// removes fields leaves no time behind.
	Certain bool
}

// Contention counts how often ports of ours that another manager removed were added
// again. The zero value has seen none.
type Contention struct {
	// Contender is the manager that last removed a port, nil before it was looked up.
	Contender *Contender
	readds    []time.Time // the last MaxReadds at most; during a contention the last one
	underWay  bool
}

// Resume continues a contention that was under way before this process began. When
// the last re-add was is not known, so it is taken to be now.
func (c *Contention) Resume(now time.Time) {
	*c = Contention{readds: []time.Time{now}, underWay: true}
}

// Counts reports whether there are re-adds that still count.
func (c *Contention) Counts() bool { return len(c.readds) > 0 }

// UnderWay reports whether there is a contention.
func (c *Contention) UnderWay() bool { return c.underWay }

// MayReadd reports whether a port that another manager removed may be added again
// now, and if not, when.
func (c *Contention) MayReadd(now time.Time) (until time.Time, may bool) {
	c.forget(now)
	if len(c.readds) >= MaxReadds {
		c.readds, c.underWay = c.readds[len(c.readds)-1:], true
	}
	if !c.underWay {
		return now, true
	}
	until = c.Due()
	return until, !now.Before(until)
}

// Readded notes a re-add.
func (c *Contention) Readded(now time.Time) {
	if c.underWay {
		c.readds = nil
	}
	c.readds = append(c.readds, now)
}

// NoneMissing notes that no port of ours is missing. Once that has lasted long enough
// the contention is over.
func (c *Contention) NoneMissing(now time.Time) {
	c.forget(now)
	if c.underWay && !now.Before(c.Due()) {
		*c = Contention{}
	}
}

// Due returns when ports are added again, or, if none are missing, when the contention
// is over. It is zero without a contention.
func (c *Contention) Due() time.Time {
	if !c.underWay {
		return time.Time{}
	}
	return c.readds[len(c.readds)-1].Add(ReaddInterval)
}

// forget drops re-adds that no longer count.
func (c *Contention) forget(now time.Time) {
	if c.underWay {
		return
	}
	c.readds = slices.DeleteFunc(c.readds, func(t time.Time) bool { return !t.After(now.Add(-ReaddWindow)) })
	if len(c.readds) == 0 {
		*c = Contention{}
	}
}
