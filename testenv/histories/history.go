package histories

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// History is what managers and portside do to one object.
type History struct {
	Seed    uint64
	Kind    Kind
	Variant string
	Events  []Event
}

// Draw returns the history of a seed, which is always the same.
func Draw(seed uint64, k Kind) History {
	r := rand.New(rand.NewPCG(seed, uint64(len(k.Name())))) //nolint:gosec // G404: histories are to be repeated
	h := History{Seed: seed, Kind: k, Variant: Pick(r, k.Variants()...)}
	h.Events = append(h.Events, Write{First(r, k)})
	for range 1 + r.IntN(8) {
		h.Events = append(h.Events, drawChange(r, k, h.Variant), drawReconcile(r))
	}
	return h
}

// drawChange draws what a manager writes, or what is desired.
func drawChange(r *rand.Rand, k Kind, variant string) Event {
	switch r.IntN(24) {
	case 0, 1, 2, 3, 4, 5, 6:
		return drawDesired(r, k, variant)
	case 7:
		return LeaveList{}
	case 8, 9:
		return Pick[Event](r, Adopt{"dittofs-operator"}, Adopt{"kubectl-edit"}, Adopt{"before-first-apply"}, Release{false}, Release{true})
	}
	return Write{k.Step(r)}
}

// drawReconcile draws a reconcile, or an observation for a later one.
func drawReconcile(r *rand.Rand) Event {
	switch r.IntN(8) {
	case 0:
		return Observe{}
	case 1, 2:
		return StaleReconcile{Observation: r.IntN(8), Trimmed: r.IntN(2) == 0}
	}
	return Pick[Event](r, Reconcile{}, Reconcile{From: Whole}, Reconcile{From: Trimmed}, DryRun{})
}

// String returns the history as a numbered list of its events.
func (h History) String() string {
	var s strings.Builder
	fmt.Fprintf(&s, "seed %d, a %s%s", h.Seed, h.Kind.Name(), h.Variant)
	for i, e := range h.Events {
		fmt.Fprintf(&s, "\n%3d  %s", i+1, e)
	}
	return s.String()
}

// ViolationError is what a history violates.
type ViolationError struct {
	Event int // counted from 1
	Err   error
}

// Error returns the event and the violation.
func (e *ViolationError) Error() string { return fmt.Sprintf("event %d: %v", e.Event, e.Err) }

// Play plays the history. Its error is a [ViolationError]. After each event, it calls seen, if
// there is one, with the answer. It ends once another manager's write has removed the
// container, which happens where an apply as portside gives up the last claim of it.
func (h History) Play(ctx context.Context, p *Player, seen func(event int, answer string)) error {
	for i, e := range h.Events {
		answer, err := e.run(ctx, p)
		if err != nil {
			return &ViolationError{i + 1, err}
		}
		if seen != nil {
			seen(i, answer)
		}
		if _, isOthers := e.(Write); isOthers && p.lacksContainer(ctx) {
			return nil
		}
	}
	return nil
}

// Shrink returns the history without the events that it does not need to fail, which fails
// reports, and how it then fails.
func (h History) Shrink(fails func(History) error) (History, error) {
	last := fails(h)
	for size := len(h.Events) / 2; size > 0; size /= 2 {
		for i := len(h.Events) - size; i >= 1; {
			shorter := h
			shorter.Events = slices.Delete(slices.Clone(h.Events), i, i+size)
			if err := fails(shorter); err != nil {
				h, last = shorter, err
			}
			i = min(i-1, len(h.Events)-size)
		}
	}
	return h, last
}
