package main

import (
	"context"
	"fmt"
	"runtime"
	"slices"
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
	// rival is the rate at which a rival writes the workload.
	rival rate
	// note explains the figures.
	note string
}

var scenarios = []scenario{
	{name: "a reconcile that changes one port", changes: true},
	{name: "a reconcile that changes nothing",
		note: "read-modify-write and CreateOrPatch compare and send no write; portside and\nFlux have the server compare; the service sends nothing at all, see below"},
	{name: "a reconcile that changes one port, 1 competing write a second", changes: true, rival: 1},
	{name: "a reconcile that changes one port, 10 competing writes a second", changes: true, rival: 10},
	{name: "a reconcile that changes one port, 100 competing writes a second", changes: true, rival: 100},
	{name: "a reconcile that changes one port, competing writes without a pause", changes: true, rival: unpaused,
		note: "a reconcile that gives up after five conflicts starts again; both are counted"},
}

// The figures of a block, each for one successful reconcile.
const (
	figRequests  = "requests"
	figDryRuns   = "dry runs"
	figBytes     = "bytes sent"
	figAttempts  = "attempts" // writes, without dry runs
	figRestarts  = "reconciles retried"
	figServerCPU = "server CPU, ms"
	figClientCPU = "client CPU, ms"
	figTime      = "time, ms"
	figRival     = "competing writes"
)

// verbs are reported separately; figRequests has all requests.
var verbs = []string{testenv.VerbGet, testenv.VerbApply, testenv.VerbPut, testenv.VerbPatch}

var figuresInOrder = slices.Concat([]string{figRequests}, verbs,
	[]string{figDryRuns, figBytes, figAttempts, figRestarts, figServerCPU, figClientCPU, figTime, figRival})

// block is the figures of some reconciles of one way.
type block map[string]float64

// reconcileBench measures single reconciles.
type reconcileBench struct {
	cp         *testenv.ControlPlane
	admin      kubernetes.Interface
	reconciles int // of a block at least
}

// leastRivalWrites is the number of competing writes that a block lasts at least.
const leastRivalWrites = 3

// block runs a block of reconciles of a way. After that the desired ports and the
// rival's writes must be stored.
func (b *reconcileBench) block(ctx context.Context, w *way, sc scenario) (block, error) {
	if err := b.collectGarbage(ctx); err != nil {
		return nil, err
	}
	var r *rival
	if sc.rival != noRival {
		var err error
		if r, err = startRival(ctx, b.admin, w.workload, sc.rival); err != nil {
			return nil, err
		}
		defer r.end()
	}
	w.requests.Reset()
	w.dryRuns.Store(0)
	before, err := b.cpuTimes()
	if err != nil {
		return nil, err
	}
	begin := time.Now()
	reconciles, restarts := 0, 0
	for reconciles < b.reconciles || r != nil && r.writes.Load() < leastRivalWrites {
		if sc.changes {
			w.turn++
		}
		again, err := w.succeed(ctx, sc.changes)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", w.name, err)
		}
		reconciles++
		restarts += again
	}
	elapsed := time.Since(begin)
	after, err := b.cpuTimes()
	if err != nil {
		return nil, err
	}
	per := func(n float64) float64 { return n / float64(reconciles) }
	figures := w.sent(per)
	figures[figTime] = per(milliseconds(elapsed))
	figures[figRestarts] = per(float64(restarts))
	if r == nil { // the rival uses CPU of both
		figures[figServerCPU] = per(milliseconds(after.server - before.server))
		figures[figClientCPU] = per(milliseconds(after.client - before.client))
	} else {
		writes, err := r.stop(ctx)
		if err != nil {
			return nil, err
		}
		figures[figRival] = per(float64(writes))
	}
	return figures, w.check(ctx, b.admin)
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// collectGarbage has the API server and this process collect their garbage, so that no
// block pays for another one.
func (b *reconcileBench) collectGarbage(ctx context.Context) error {
	runtime.GC()
	return collectGarbage(ctx, b.cp)
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

// sent returns the figures of what was sent.
func (w *way) sent(per func(float64) float64) block {
	dryRuns := int(w.dryRuns.Load())
	b := block{
		figRequests: per(float64(w.requests.Total())),
		figDryRuns:  per(float64(dryRuns)),
		figAttempts: per(float64(w.requests.Writes() - dryRuns)),
		figBytes:    per(float64(w.requests.BytesSent())),
	}
	for _, verb := range verbs {
		b[verb] = per(float64(w.requests.Count(verb)))
	}
	return b
}

// outcome is the result of a scenario.
type outcome struct {
	Scenario string `json:"scenario"`
	Changes  bool   `json:"changes"`
	// Rival is the number of competing writes a second; -1 is without a pause.
	Rival   rate         `json:"competingWrites"`
	Note    string       `json:"note,omitempty"`
	Figures []comparison `json:"figures"`
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
	o := outcome{Scenario: sc.name, Changes: sc.changes, Rival: sc.rival, Note: sc.note}
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
