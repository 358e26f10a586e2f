package main

import (
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/kubernetes"

	"github.com/portside-dev/portside/testenv"
)

// scenario is the situation of the reconciles of a block.
type scenario struct {
	name string
	// changes reports that each reconcile has one port to change.
	changes bool
	// contended reports that a rival writes the workload all the time.
	contended bool
	// note explains the figures.
	note string
}

var scenarios = []scenario{
	{name: "a reconcile that changes one port", changes: true},
	{name: "a reconcile that changes nothing",
		note: "read-modify-write compares and sends no write; portside has the server compare"},
	{name: "a reconcile that changes one port, under a competing writer", changes: true, contended: true,
		note: "a reconcile that gives up after five conflicts starts again; both are counted"},
}

// The figures of a block, each for one successful reconcile.
const (
	figRequests = "requests"
	figBytes    = "bytes sent"
	figAttempts = "attempts per success" // writes
	figRestarts = "reconciles retried"
	figTime     = "time of one, ms"
	figRival    = "competing writes"
)

// verbs are reported separately; figRequests has all requests.
var verbs = []string{testenv.VerbGet, testenv.VerbApply, testenv.VerbPut, testenv.VerbPatch}

var figuresInOrder = append([]string{figRequests},
	append(verbs, figBytes, figAttempts, figRestarts, figTime, figRival)...)

// block is the figures of some reconciles of one way.
type block map[string]float64

// run runs a block of reconciles. After that the desired ports and the rival's writes
// must be stored.
func (w *way) run(ctx context.Context, sc scenario, reconciles int, admin kubernetes.Interface) (block, error) {
	var r *rival
	if sc.contended {
		var err error
		if r, err = startRival(ctx, admin, w.workload); err != nil {
			return nil, err
		}
		defer r.end()
	}
	w.requests.Reset()
	restarts := 0
	begin := time.Now()
	for range reconciles {
		if sc.changes {
			w.turn++
		}
		again, err := w.succeed(ctx, sc.changes)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", w.name, err)
		}
		restarts += again
	}
	elapsed := time.Since(begin)
	b := w.perReconcile(reconciles)
	b[figTime] = float64(elapsed) / float64(time.Millisecond) / float64(reconciles)
	b[figRestarts] = float64(restarts) / float64(reconciles)
	if sc.contended {
		writes, err := r.stop(ctx)
		if err != nil {
			return nil, err
		}
		b[figRival] = float64(writes) / float64(reconciles)
	}
	return b, w.check(ctx, admin)
}

// succeed runs a reconcile until it succeeds and returns how often it started again. A
// reconcile that gives up on a conflict starts again at once, as from a work queue
// without a back-off.
func (w *way) succeed(ctx context.Context, changes bool) (restarts int, err error) {
	for {
		changed, err := w.reconcile(ctx, adapters(w.turn))
		if apierrors.IsConflict(err) {
			restarts++
			continue
		}
		if err == nil && changed != changes {
			err = fmt.Errorf("the reconcile reports changed: %t", changed)
		}
		return restarts, err
	}
}

func (w *way) perReconcile(reconciles int) block {
	per := func(n int) float64 { return float64(n) / float64(reconciles) }
	b := block{
		figRequests: per(w.requests.Total()),
		figAttempts: per(w.requests.Writes()),
		figBytes:    float64(w.requests.BytesSent()) / float64(reconciles),
	}
	for _, verb := range verbs {
		b[verb] = per(w.requests.Count(verb))
	}
	return b
}

// outcome is the result of a scenario.
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

// compareBlocks compares the repeats of the ways, of which portside is the first. It
// leaves out figures that are always zero.
func compareBlocks(sc scenario, ways []*way, blocks [][]block) outcome {
	o := outcome{Scenario: sc.name, Note: sc.note}
	for _, figure := range figuresInOrder {
		c := comparison{Figure: figure}
		portside := figuresOf(blocks[0], figure)
		for i, w := range ways {
			values := figuresOf(blocks[i], figure)
			v := wayValue{Way: w.name, Value: statOf(values)}
			if i > 0 {
				v.Ratio = ratio(portside, values)
			}
			c.Ways = append(c.Ways, v)
		}
		if !c.zero() {
			o.Figures = append(o.Figures, c)
		}
	}
	return o
}

func figuresOf(blocks []block, figure string) []float64 {
	v := make([]float64, 0, len(blocks))
	for _, b := range blocks {
		v = append(v, b[figure])
	}
	return v
}
