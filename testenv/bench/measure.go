package main

import (
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/kubernetes"

	"github.com/portside-dev/portside/testenv"
)

// scenario is what the passes of a block meet.
type scenario struct {
	name string
	// changes tells that each pass finds one port to change.
	changes bool
	// contended tells that a rival writes the workload all the while.
	contended bool
	// note says what the figures do not.
	note string
}

var scenarios = []scenario{
	{name: "a pass that changes one port", changes: true},
	{name: "a pass that changes nothing",
		note: "read-modify-write compares and sends no write; portside has the server compare"},
	{name: "a pass that changes one port, under a competing writer", changes: true, contended: true,
		note: "a pass that gives up after five conflicts is begun anew, and counted in"},
}

// The figures of a block, each for one pass that succeeded.
const (
	figRequests = "requests"
	figBytes    = "bytes sent"
	figAttempts = "attempts per success" // writes
	figRestarts = "passes begun anew"
	figTime     = "time per pass, ms"
	figRival    = "competing writes"
)

// verbs are those that are shown by themselves; figRequests has all.
var verbs = []string{testenv.VerbGet, testenv.VerbApply, testenv.VerbPut, testenv.VerbPatch}

var figuresInOrder = append([]string{figRequests},
	append(verbs, figBytes, figAttempts, figRestarts, figTime, figRival)...)

// block is the figures of some passes of one side.
type block map[string]float64

// run runs a block of passes. Afterwards the ports must be as they should, and
// what the rival wrote must be there.
func (s *side) run(ctx context.Context, sc scenario, passes int, admin kubernetes.Interface) (block, error) {
	var r *rival
	if sc.contended {
		var err error
		if r, err = startRival(ctx, admin, s.workload); err != nil {
			return nil, err
		}
		defer r.end()
	}
	s.requests.Reset()
	restarts := 0
	begin := time.Now()
	for range passes {
		if sc.changes {
			s.turn++
		}
		again, err := s.succeed(ctx, sc.changes)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.name, err)
		}
		restarts += again
	}
	elapsed := time.Since(begin)
	b := s.perPass(passes)
	b[figTime] = float64(elapsed) / float64(time.Millisecond) / float64(passes)
	b[figRestarts] = float64(restarts) / float64(passes)
	if sc.contended {
		writes, err := r.stop(ctx)
		if err != nil {
			return nil, err
		}
		b[figRival] = float64(writes) / float64(passes)
	}
	return b, s.check(ctx, admin)
}

// succeed runs a pass until it succeeds: one that gives up on a conflict is
// begun anew at once, as by a work queue without a back-off. It tells how often.
func (s *side) succeed(ctx context.Context, changes bool) (restarts int, err error) {
	for {
		changed, err := s.pass(ctx, adapters(s.turn))
		if apierrors.IsConflict(err) {
			restarts++
			continue
		}
		if err == nil && changed != changes {
			err = fmt.Errorf("the pass says changed: %t", changed)
		}
		return restarts, err
	}
}

func (s *side) perPass(passes int) block {
	per := func(n int) float64 { return float64(n) / float64(passes) }
	b := block{
		figRequests: per(s.requests.Total()),
		figAttempts: per(s.requests.Writes()),
		figBytes:    float64(s.requests.BytesSent()) / float64(passes),
	}
	for _, verb := range verbs {
		b[verb] = per(s.requests.Count(verb))
	}
	return b
}

// outcome is what a scenario came to.
type outcome struct {
	Scenario string       `json:"scenario"`
	Note     string       `json:"note,omitempty"`
	Figures  []comparison `json:"figures"`
}

func (o outcome) figure(name string) comparison {
	for _, c := range o.Figures {
		if c.Figure == name {
			return c
		}
	}
	return comparison{Figure: name}
}

// compareBlocks compares the repeats of both sides, leaving out the figures
// that are zero throughout.
func compareBlocks(sc scenario, portside, baseline []block) outcome {
	o := outcome{Scenario: sc.name, Note: sc.note}
	for _, figure := range figuresInOrder {
		c := compare(figure, values(portside, figure), values(baseline, figure))
		if c.Portside.Max != 0 || c.Baseline.Max != 0 {
			o.Figures = append(o.Figures, c)
		}
	}
	return o
}

func values(blocks []block, figure string) []float64 {
	v := make([]float64, 0, len(blocks))
	for _, b := range blocks {
		v = append(v, b[figure])
	}
	return v
}
