package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"

	"golang.org/x/sync/errgroup"
)

// event is what happens to the whole world during a round.
type event string

const (
	noEvent         event = ""
	leaderKilled    event = "the leader is killed"
	followerKilled  event = "the other replica is killed"
	bothKilled      event = "both replicas are killed"
	watchesCut      event = "all connections of portside are cut"
	serverRestarted event = "the API server restarts"
)

// disturbance is what goes wrong in a round.
type disturbance struct {
	event  event
	faults bool
}

func (d disturbance) String() string {
	text := string(d.event)
	if d.faults {
		if text != "" {
			text += ", "
		}
		text += "requests go wrong"
	}
	return text
}

// disturb draws the disturbances of a batch. Each has one restart of the API server.
func disturb(random *rand.Rand) []disturbance {
	all := make([]disturbance, rounds)
	for i := range all {
		events := []event{noEvent, noEvent, leaderKilled, leaderKilled, followerKilled, bothKilled, watchesCut, watchesCut}
		all[i] = disturbance{events[random.IntN(len(events))], random.IntN(3) > 0}
	}
	all[random.IntN(rounds)].event = serverRestarted
	return all
}

// batch is the histories that are played at the same time.
type batch struct {
	seed   uint64
	number int
	// calm plays without disturbances.
	calm bool
	// untilViolation ends the batch after the first round with one.
	untilViolation bool
}

// writers is how many steps are played at once.
const writers = 8

// play plays histories at the same time and returns those that violate an invariant.
func (w *world) play(ctx context.Context, b batch, histories []*history) (failures []failure, err error) {
	random := rand.New(rand.NewPCG(b.seed, ^uint64(b.number))) //nolint:gosec // G404: a seed that can be replayed
	disturbances := disturb(random)
	if b.calm {
		disturbances = make([]disturbance, rounds)
	}
	for round := range disturbances { // nothing after the last step matters
		if !slices.ContainsFunc(histories, func(h *history) bool {
			return slices.ContainsFunc(h.Steps, func(one step) bool { return one.Round >= round })
		}) {
			disturbances[round] = disturbance{}
		}
	}
	var sites []*site
	for _, h := range histories {
		s, err := w.newSite(ctx, h)
		if err != nil {
			return nil, err
		}
		sites = append(sites, s)
	}
	defer func() {
		for _, s := range sites {
			w.leave(ctx, s)
		}
	}()
	for round := range rounds {
		d := disturbances[round]
		if d == (disturbance{}) && !slices.ContainsFunc(histories, func(h *history) bool { return h.hasRound(round) }) {
			continue // of a part of a history
		}
		w.log("batch %d, round %d of %d: %s", b.number, round+1, rounds, d)
		w.faults.begin(rand.New(rand.NewPCG(b.seed, uint64(b.number*rounds+round))), d.faults) //nolint:gosec // G404: a seed that can be replayed
		w.beginRound(round)
		err := w.playRound(ctx, sites, round, d.event)
		w.faults.end()
		if err != nil {
			return failures, err
		}
		failed, err := w.settle(ctx, sites)
		for s, violation := range failed {
			failures = append(failures, failure{s.history, round, violation})
		}
		if err != nil {
			return failures, fmt.Errorf("round %d: %w", round+1, err)
		}
		if b.untilViolation && len(failures) > 0 {
			return failures, nil
		}
		sites = slices.DeleteFunc(sites, func(s *site) bool { return failed[s] != nil })
		for _, s := range sites {
			s.nextRound()
		}
	}
	return failures, nil
}

// hasRound reports whether a history has steps in a round.
func (h *history) hasRound(round int) bool {
	return slices.ContainsFunc(h.Steps, func(one step) bool { return one.Round == round })
}

// nextRound begins a round with what the last quiet period ended with.
func (s *site) nextRound() {
	s.written, s.writtenService, s.steps, s.reset, s.uncertain = nil, nil, 0, false, false
	if s.quiet.target != nil {
		s.ledger.reset(s.quiet.target)
	} else {
		s.ledger.reset(nil)
	}
}

// deletesSetIn reports whether the AdapterSet is deleted in a round.
func (s *site) deletesSetIn(round int) bool {
	return slices.ContainsFunc(s.Steps, func(one step) bool { return one.Round == round && one.Op == opRemoveSet })
}

// playRound plays the steps of a round: the first of each history, then the second, and so
// on, so that portside can react in between.
func (w *world) playRound(ctx context.Context, sites []*site, round int, e event) error {
	steps := map[*site][]step{}
	most := 0
	for _, s := range sites {
		for _, one := range s.Steps {
			if one.Round == round {
				steps[s] = append(steps[s], one)
			}
		}
		most = max(most, len(steps[s]))
	}
	var happening errgroup.Group
	happening.Go(func() error { return w.happen(ctx, sites, e) })
	for i := range most {
		var playing errgroup.Group
		playing.SetLimit(writers)
		for _, s := range sites {
			if i < len(steps[s]) {
				playing.Go(func() error { return s.play(ctx, steps[s][i]) })
			}
		}
		if err := playing.Wait(); err != nil {
			return errors.Join(err, happening.Wait())
		}
	}
	return happening.Wait()
}

// happen has an event happen.
func (w *world) happen(ctx context.Context, sites []*site, e event) error {
	switch e {
	case noEvent:
	case leaderKilled:
		return w.kill(ctx, true)
	case followerKilled:
		return w.kill(ctx, false)
	case bothKilled:
		return errors.Join(w.kill(ctx, true), w.kill(ctx, false))
	case watchesCut:
		for _, r := range w.replicas {
			r.proxy.Cut()
		}
	case serverRestarted:
		for _, s := range sites {
			s.answerLost()
		}
		if err := w.cp.StopAPIServer(); err != nil {
			return err
		}
		return w.cp.StartAPIServer()
	}
	return nil
}
