package discovery

import (
	"context"

	"github.com/portside-dev/portside/apply/workload"
)

// Places bounds questions; see places.
type Places struct{ *places }

// NewPlaces returns places that are all free.
func NewPlaces() Places { return Places{newPlaces()} }

// Ask asks questions of a namespace and waits for the result.
func (p Places) Ask(ctx context.Context, namespace string, questions []Question) Result {
	result := make(chan Result, 1)
	p.ask(ctx, namespace, questions, func(r Result) { result <- r })
	return <-result
}

// Latest returns the latest answer of a target, false if there is none.
func (p *Poller) Latest(t workload.Target) (Answer, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	one, known := p.targets[t]
	if !known {
		return Answer{}, false
	}
	return one.answer, one.answer.Reason != ""
}
