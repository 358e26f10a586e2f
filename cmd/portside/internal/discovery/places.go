package discovery

import (
	"slices"
	"sync"
)

const (
	// maxQuestions is how many questions are under way at once, over all
	// targets. A question takes up to about 1 MiB while it is under way:
	// certificates, the head and the body of an answer, and their buffers.
	maxQuestions = 32
	// maxOfNamespace is how many of them may be of one namespace, so that a
	// namespace whose pods are slow does not hold up the others.
	maxOfNamespace = maxQuestions / 2
	// maxOfTarget is how many of them may be of one target, so that a target
	// whose pods are slow does not hold up the others of its namespace.
	maxOfTarget = maxOfNamespace / 2
)

// places runs functions in goroutines, and bounds how many run at once. A free
// place goes to the namespaces in turn, and within a namespace to the function
// that has waited longest. A function that waits has no goroutine.
type places struct {
	mu    sync.Mutex
	taken int
	of    map[string]int // the places taken, by namespace
	// waiting has the functions without a place, by namespace; turns has the
	// namespaces of these, the next one first.
	waiting map[string][]func()
	turns   []string
	running sync.WaitGroup
}

func newPlaces() *places {
	return &places{of: map[string]int{}, waiting: map[string][]func(){}}
}

// run runs a function as soon as there is a place for its namespace. It does not
// wait for that.
func (p *places) run(namespace string, f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.waiting[namespace]) == 0 {
		p.turns = append(p.turns, namespace)
	}
	p.waiting[namespace] = append(p.waiting[namespace], f)
	p.fill()
}

// fill gives the free places to functions that wait.
func (p *places) fill() {
	for p.taken < maxQuestions {
		turn := slices.IndexFunc(p.turns, func(namespace string) bool { return p.of[namespace] < maxOfNamespace })
		if turn < 0 {
			return
		}
		namespace := p.turns[turn]
		f := p.waiting[namespace][0]
		p.turns = slices.Delete(p.turns, turn, turn+1)
		if p.waiting[namespace] = p.waiting[namespace][1:]; len(p.waiting[namespace]) > 0 {
			p.turns = append(p.turns, namespace)
		} else {
			delete(p.waiting, namespace)
		}
		p.taken++
		p.of[namespace]++
		p.running.Go(func() {
			defer p.release(namespace)
			f()
		})
	}
}

func (p *places) release(namespace string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.taken--
	if p.of[namespace]--; p.of[namespace] == 0 {
		delete(p.of, namespace)
	}
	p.fill()
}

// wait waits until no function runs or waits for a place.
func (p *places) wait() { p.running.Wait() }
