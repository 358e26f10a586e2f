package rollout

import (
	"slices"
	"sync"
)

// Limit bounds how many targets may be in a rollout that portside caused, and shares
// these places out by namespace. A free place is given to the waiting target whose
// namespace holds the fewest, and among those to the one that has waited longest. So one
// namespace takes at most half of the places (rounded up) while a target of another
// namespace waits, and may take all while none does.
//
// A Limit is safe for concurrent use.
type Limit[Target comparable] struct {
	most        int
	namespaceOf func(Target) string
	wake        func(Target)

	mu sync.Mutex
	// places has the targets that hold a place: true from [Limit.Begin] on, false
	// while the place is reserved for a target that was woken for it. As long as
	// a place is free, no target waits.
	places  map[Target]bool
	waiting []Target // in the order in which they asked
}

// NewLimit returns a limit with this many places. Wake is called, without a lock
// held, for a target that had to wait and for which a place is reserved now: it
// must ask again, or [Limit.End] must be called for it.
func NewLimit[Target comparable](most int, namespaceOf func(Target) string, wake func(Target)) *Limit[Target] {
	return &Limit[Target]{most: most, namespaceOf: namespaceOf, wake: wake, places: map[Target]bool{}}
}

// Begin reports whether the target may cause a rollout now. If so it holds a
// place until [Limit.GiveUp] or [Limit.End]; if not, it waits for one. A target
// that holds a place already may.
func (l *Limit[T]) Begin(target T) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, holds := l.places[target]; !holds && len(l.places) >= l.most {
		if !slices.Contains(l.waiting, target) {
			l.waiting = append(l.waiting, target)
		}
		return false
	}
	l.places[target] = true
	return true
}

// Resume gives a place to a target whose rollout began before this process did.
// More targets than the limit allows may hold one then, which holds back all
// others.
func (l *Limit[T]) Resume(target T) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.places[target] = true
}

// GiveUp takes the place from a target whose rollout is stuck, and reports
// whether it held one. A place that is reserved for the target's next rollout
// stays.
func (l *Limit[T]) GiveUp(target T) bool {
	l.mu.Lock()
	held := l.places[target]
	if held {
		delete(l.places, target)
	}
	woken := l.reserve()
	l.mu.Unlock()
	l.wakeAll(woken)
	return held
}

// End takes the place from a target, also a reserved one, and no longer lets it
// wait for one.
func (l *Limit[T]) End(target T) {
	l.mu.Lock()
	delete(l.places, target)
	if at := slices.Index(l.waiting, target); at >= 0 {
		l.waiting = slices.Delete(l.waiting, at, at+1)
	}
	woken := l.reserve()
	l.mu.Unlock()
	l.wakeAll(woken)
}

// Holders returns the targets that hold a place, in no order.
func (l *Limit[T]) Holders() []T {
	l.mu.Lock()
	defer l.mu.Unlock()
	holders := make([]T, 0, len(l.places))
	for target := range l.places {
		holders = append(holders, target)
	}
	return holders
}

// reserve gives the free places to waiting targets, which it returns.
func (l *Limit[T]) reserve() (reserved []T) {
	if len(l.waiting) == 0 || len(l.places) >= l.most {
		return nil
	}
	held := map[string]int{}
	for target := range l.places {
		held[l.namespaceOf(target)]++
	}
	for len(l.waiting) > 0 && len(l.places) < l.most {
		first := 0
		for i, target := range l.waiting {
			if held[l.namespaceOf(target)] < held[l.namespaceOf(l.waiting[first])] {
				first = i
			}
		}
		next := l.waiting[first]
		l.waiting = slices.Delete(l.waiting, first, first+1)
		l.places[next] = false
		held[l.namespaceOf(next)]++
		reserved = append(reserved, next)
	}
	return reserved
}

func (l *Limit[T]) wakeAll(targets []T) {
	for _, target := range targets {
		l.wake(target)
	}
}
