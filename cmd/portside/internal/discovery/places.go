package discovery

import (
	"context"
	"slices"
	"sync"
)

const (
	// maxQuestions is how many pods are asked at once, of all targets. A question
	// takes up to about 1 MiB while it is under way: certificates, the head and
	// the body of an answer, and what they are read into.
	maxQuestions = 32
	// maxOfNamespace is how many of them are of one namespace, so that one
	// namespace whose pods are slow does not hold up the others.
	maxOfNamespace = maxQuestions / 2
	// maxOfTarget is how many of them are of one target, so that a target whose
	// pods are slow does not hold up the others of its namespace.
	maxOfTarget = maxOfNamespace / 2
)

// places bounds the questions that are under way. A place that becomes free goes
// to the namespaces in turn, and within a namespace to the question that has
// waited longest.
type places struct {
	mu    sync.Mutex
	taken int
	of    map[string]int // those taken, by namespace
	// waiting are the questions without a place by namespace, and turns the
	// namespaces that have any, the next one first.
	waiting map[string][]chan struct{}
	turns   []string
}

func newPlaces() *places {
	return &places{of: map[string]int{}, waiting: map[string][]chan struct{}{}}
}

// take waits for a place, which release gives back. Its error is that of a
// question that was given up.
func (p *places) take(ctx context.Context, namespace string) error {
	given := make(chan struct{})
	p.mu.Lock()
	p.wait(namespace, given)
	p.give()
	p.mu.Unlock()
	select {
	case <-given:
		return nil
	case <-ctx.Done():
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-given: // at the same moment
		p.free(namespace)
	default:
		p.leave(namespace, given)
	}
	return givenUp(ctx, ctx.Err())
}

func (p *places) release(namespace string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free(namespace)
}

func (p *places) free(namespace string) {
	p.taken--
	if p.of[namespace]--; p.of[namespace] == 0 {
		delete(p.of, namespace)
	}
	p.give()
}

func (p *places) wait(namespace string, given chan struct{}) {
	if len(p.waiting[namespace]) == 0 {
		p.turns = append(p.turns, namespace)
	}
	p.waiting[namespace] = append(p.waiting[namespace], given)
}

func (p *places) leave(namespace string, given chan struct{}) {
	p.waiting[namespace] = slices.DeleteFunc(p.waiting[namespace], func(c chan struct{}) bool { return c == given })
	if len(p.waiting[namespace]) == 0 {
		delete(p.waiting, namespace)
		p.turns = slices.DeleteFunc(p.turns, func(n string) bool { return n == namespace })
	}
}

// give gives away what is free.
func (p *places) give() {
	for p.taken < maxQuestions {
		i := slices.IndexFunc(p.turns, func(namespace string) bool { return p.of[namespace] < maxOfNamespace })
		if i < 0 {
			return
		}
		namespace := p.turns[i]
		given := p.waiting[namespace][0]
		p.leave(namespace, given)
		if len(p.waiting[namespace]) > 0 { // it is the last one's turn now
			p.turns = append(slices.Delete(p.turns, i, i+1), namespace)
		}
		p.taken++
		p.of[namespace]++
		close(given)
	}
}
