package holding

import "sync"

// Limit bounds how many targets are in a rollout that we caused. Those that
// have to wait are told when one may be tried again. It may be used by many at
// once.
type Limit[Target comparable] struct {
	most int
	wake func(Target)

	mu      sync.Mutex
	rolling map[Target]bool
	waiting []Target // in the order in which they came
}

// NewLimit makes a limit. Wake is called, without a lock held, for a target
// that had to wait and may be tried again.
func NewLimit[Target comparable](most int, wake func(Target)) *Limit[Target] {
	return &Limit[Target]{most: most, wake: wake, rolling: map[Target]bool{}}
}

// Begin reports whether the target may cause a rollout now; it counts until
// [Limit.End]. A target that counts already may.
func (l *Limit[T]) Begin(target T) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.leave(target)
	if !l.rolling[target] && len(l.rolling) >= l.most {
		l.waiting = append(l.waiting, target)
		return false
	}
	l.rolling[target] = true
	return true
}

// Resume counts a target whose rollout began before this process did. It may
// go beyond the limit, which then holds back all others.
func (l *Limit[T]) Resume(target T) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rolling[target] = true
}

// End counts the target no more, and no longer lets it wait. The one that
// waited longest is woken if there is room.
func (l *Limit[T]) End(target T) {
	l.mu.Lock()
	l.leave(target)
	delete(l.rolling, target)
	var next T
	free := len(l.rolling) < l.most && len(l.waiting) > 0
	if free {
		next, l.waiting = l.waiting[0], l.waiting[1:]
	}
	l.mu.Unlock()
	if free {
		l.wake(next)
	}
}

// leave takes the target out of those that wait.
func (l *Limit[T]) leave(target T) {
	for i, t := range l.waiting {
		if t == target {
			l.waiting = append(l.waiting[:i:i], l.waiting[i+1:]...)
			return
		}
	}
}
