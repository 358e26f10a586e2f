package rollout

import (
	"slices"
	"time"
)

const (
	// MaxReadds is how many re-adds there are within ReaddWindow before we take
	// it that somebody takes our ports away again and again.
	MaxReadds = 5
	// ReaddWindow is the time in which MaxReadds are counted.
	ReaddWindow = 10 * time.Minute
	// FightInterval is the time between two re-adds from then on, and how long
	// the ports must stay before the fight is over.
	FightInterval = time.Hour
)

// Fight counts how often ports of ours that somebody took away were added
// again. The zero value has seen none.
type Fight struct {
	// Taker is the manager that last removed a port, nil until that was looked up.
	Taker  *Taker
	readds []time.Time // the last MaxReadds at most; of a fight, the last one
	under  bool
}

// Remember takes up a fight that was under way before this process was. When
// the last re-add was is not known, so it is taken to be now.
func (f *Fight) Remember(now time.Time) {
	*f = Fight{readds: []time.Time{now}, under: true}
}

// Counts reports whether there are re-adds that still count.
func (f *Fight) Counts() bool { return len(f.readds) > 0 }

// Under reports whether it has come to a fight.
func (f *Fight) Under() bool { return f.under }

// Readd reports whether a port that was taken away may be added again now, and
// if not, when.
func (f *Fight) Readd(now time.Time) (until time.Time, may bool) {
	f.forget(now)
	if len(f.readds) >= MaxReadds {
		f.readds, f.under = f.readds[len(f.readds)-1:], true
	}
	if !f.under {
		return now, true
	}
	until = f.Due()
	return until, !now.Before(until)
}

// Readded notes a re-add.
func (f *Fight) Readded(now time.Time) {
	if f.under {
		f.readds = nil
	}
	f.readds = append(f.readds, now)
}

// Stayed notes that none of our ports is gone. When that has lasted for long
// enough the fight is over, and it reports so.
func (f *Fight) Stayed(now time.Time) (over bool) {
	f.forget(now)
	if over = f.under && !now.Before(f.Due()); over {
		*f = Fight{}
	}
	return over
}

// Due is when the next re-add is, or when the fight is over if there is nothing
// to add; zero without a fight.
func (f *Fight) Due() time.Time {
	if !f.under {
		return time.Time{}
	}
	return f.readds[len(f.readds)-1].Add(FightInterval)
}

// forget drops what no longer counts.
func (f *Fight) forget(now time.Time) {
	if f.under {
		return
	}
	f.readds = slices.DeleteFunc(f.readds, func(t time.Time) bool { return !t.After(now.Add(-ReaddWindow)) })
	if len(f.readds) == 0 {
		*f = Fight{}
	}
}
