package main

import (
	"context"
	"fmt"
	"slices"
)

// mostAttempts bounds how often a history is replayed to shrink it.
const mostAttempts = 24

// shrunk is the smallest part of a failed history that was found to fail.
type shrunk struct {
	failure
	steps    []int // indices
	calm     bool  // it fails without disturbances
	attempts int
	// reproduced reports that the history failed again alone.
	reproduced bool
}

// shrink replays parts of a failed history alone, first without disturbances, and then with
// ever fewer steps (delta debugging), until no smaller part fails or the attempts are used up.
// Each attempt plays several parts at once, in namespaces of their own.
func (w *world) shrink(ctx context.Context, f failure, b batch) (shrunk, error) {
	b.untilViolation = true
	s := &shrinking{world: w, batch: b, found: newShrunk(f)}
	for _, calm := range []bool{true, false} {
		s.batch.calm = calm
		failed, err := s.fails(ctx, [][]int{s.found.steps})
		if err != nil {
			return s.found, err
		}
		if failed >= 0 {
			s.found.reproduced, s.found.calm = true, calm
			break
		}
	}
	if !s.found.reproduced {
		return s.found, nil
	}
	return s.found, s.minimize(ctx)
}

// newShrunk returns a failed history without the rounds after the one that failed.
func newShrunk(f failure) shrunk {
	return shrunk{failure: f, steps: slices.DeleteFunc(f.all(), func(i int) bool { return f.Steps[i].Round > f.round })}
}

type shrinking struct {
	*world
	batch batch
	found shrunk
}

// minimize removes ever smaller chunks of the steps.
func (s *shrinking) minimize(ctx context.Context) error {
	for chunks := 2; len(s.found.steps) > 1 && s.found.attempts < mostAttempts; {
		steps := s.found.steps
		chunks = min(chunks, len(steps))
		var parts [][]int
		for i := range chunks {
			from, to := i*len(steps)/chunks, (i+1)*len(steps)/chunks
			parts = append(parts, slices.Concat(steps[:from], steps[to:]))
		}
		failed, err := s.fails(ctx, parts)
		switch {
		case err != nil:
			return err
		case failed >= 0:
			s.found.steps = parts[failed]
			chunks = max(2, chunks-1)
		case chunks == len(steps):
			return nil
		default:
			chunks *= 2
		}
	}
	return nil
}

// fails plays parts of the history at the same time, and returns the index of one that
// fails, -1 if none does.
func (s *shrinking) fails(ctx context.Context, parts [][]int) (int, error) {
	s.found.attempts++
	var histories []*history
	for _, part := range parts {
		h := *s.found.history
		h.Steps = nil
		for _, i := range part {
			h.Steps = append(h.Steps, s.found.Steps[i])
		}
		histories = append(histories, &h)
	}
	s.log("replaying history %d: attempt %d of %d, %d parts of up to %d steps", s.found.Index, s.found.attempts, mostAttempts, len(parts), len(parts[0]))
	failures, err := s.play(ctx, s.batch, histories)
	if err != nil {
		return -1, err
	}
	for _, f := range failures {
		i := slices.Index(histories, f.history)
		s.found.err, s.found.round = f.err, f.round
		return i, nil
	}
	return -1, nil
}

// String returns the shrunken history as a scenario, with the command that replays it.
func (s shrunk) String() string {
	text := fmt.Sprintf("history %d violates in round %d:\n%v\n%s\n", s.Index, s.round, s.err, s.describe(s.steps))
	switch {
	case s.attempts == 0:
	case !s.reproduced:
		text += "  It did not fail again when it was played alone.\n"
	case s.calm:
		text += fmt.Sprintf("  It also fails without disturbances. %d replays.\n", s.attempts)
	default:
		text += fmt.Sprintf("  It fails with disturbances only. %d replays.\n", s.attempts)
	}
	return text + fmt.Sprintf("  replay: --seed %d --history %d --of-steps %s", s.Seed, s.Index, joined(s.steps))
}
