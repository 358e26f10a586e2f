package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/portside"
)

// options are the command's flags.
type options struct {
	binary    string
	seed      uint64
	histories int
	steps     int
	atOnce    int
	history   int // the only one to play, all if negative
	ofSteps   string
	calm      bool
	shrink    bool
	// untilViolation and patience are for mutants: the first violation is enough.
	untilViolation bool
	patience       time.Duration
}

var errViolated = errors.New("histories violate the invariants")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := command(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "lab:", err)
		os.Exit(1)
	}
}

func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("lab", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.binary, "binary", "bin/portside", "portside binary")
	flags.Uint64Var(&o.seed, "seed", 0, "seed of the histories; 0 draws one")
	flags.IntVar(&o.histories, "histories", 100, "number of histories")
	flags.IntVar(&o.steps, "steps", 50, "steps of each history")
	flags.IntVar(&o.atOnce, "at-once", 100, "histories played at the same time")
	flags.IntVar(&o.history, "history", -1, "the only history to play")
	flags.StringVar(&o.ofSteps, "of-steps", "", "indices of the only steps to play of that history, such as 0,2,17")
	flags.BoolVar(&o.calm, "calm", false, "play without killed processes, restarts and faults")
	flags.BoolVar(&o.shrink, "shrink", true, "replay failed histories to find a small part that fails")
	flags.BoolVar(&o.untilViolation, "until-violation", false, "stop after the first round with a violation")
	flags.DurationVar(&o.patience, "patience", quietPatience, "how long a quiet period may take to come")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if o.histories < 1 || o.steps < rounds || o.atOnce < 1 || flags.NArg() > 0 {
		return o, fmt.Errorf("invalid flags: histories and at-once must be at least 1, steps at least %d, and arguments are not allowed", rounds)
	}
	if o.seed == 0 {
		o.seed = uint64(rand.Uint32()) + 1 //nolint:gosec // G404: not a secret
	}
	return o, nil
}

func command(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	began := time.Now()
	log := func(format string, args ...any) {
		fmt.Fprintf(stderr, "%7.1fs %s\n", time.Since(began).Seconds(), fmt.Sprintf(format, args...))
	}
	if _, err := os.Stat(o.binary); err != nil {
		return fmt.Errorf("cannot run the lab without a binary: %w; run make build", err)
	}
	log("seed %d; starting the control plane", o.seed)
	cp, err := testenv.Start(ctx, testenv.Options{Controllers: true})
	if err != nil {
		return err
	}
	w, err := newWorld(ctx, cp, portside.Program{Path: o.binary}, log)
	if err == nil {
		w.patience = o.patience
		_, err = w.run(ctx, o, stdout)
		err = errors.Join(err, w.close())
	}
	return errors.Join(err, cp.Stop())
}

// run plays the histories of the options in batches, and prints the violations and a
// summary.
func (w *world) run(ctx context.Context, o options, stdout io.Writer) (violations int, err error) {
	began := time.Now()
	steps, played := 0, 0
	for number, from := 0, 0; from < o.histories; number, from = number+1, from+o.atOnce {
		var histories []*history
		for i := from; i < min(from+o.atOnce, o.histories); i++ {
			if h := generate(o.seed, i, o.steps); o.history < 0 || o.history == i {
				if err := h.keep(o.ofSteps); err != nil {
					return violations, err
				}
				histories = append(histories, h)
				steps += len(h.Steps)
			}
		}
		if len(histories) == 0 {
			continue
		}
		b := batch{seed: o.seed, number: number, calm: o.calm, untilViolation: o.untilViolation}
		failures, err := w.play(ctx, b, histories)
		violations += len(failures)
		for i, f := range failures {
			s := newShrunk(f)
			if o.shrink && i < mostShrunk && err == nil && ctx.Err() == nil {
				if s, err = w.shrink(ctx, f, b); err != nil {
					w.log("cannot shrink history %d: %v", f.Index, err)
					err = nil
				}
			}
			fmt.Fprintln(stdout, s)
		}
		if err != nil {
			return violations, fmt.Errorf("seed %d, batch %d: %w", o.seed, number, err)
		}
		played += len(histories)
		if o.untilViolation && violations > 0 {
			break
		}
		fmt.Fprintf(stdout, "seed %d, histories %d to %d: %d violations\n", o.seed, from, min(from+o.atOnce, o.histories)-1, len(failures))
	}
	took := time.Since(began)
	fmt.Fprintf(stdout, "seed %d: %d histories, %d steps, %d violations in %s (%.2f histories a second); faults: %s\n",
		o.seed, played, steps, violations, took.Round(time.Second), float64(played)/took.Seconds(), w.faults.summary())
	if violations > 0 {
		return violations, fmt.Errorf("%d %w", violations, errViolated)
	}
	return 0, nil
}

// mostShrunk bounds how many failed histories of a batch are shrunk.
const mostShrunk = 3

// keep keeps the steps with these indices, all if none are given.
func (h *history) keep(indices string) error {
	if indices == "" {
		return nil
	}
	var kept []step
	for text := range strings.SplitSeq(indices, ",") {
		i, err := strconv.Atoi(text)
		if err != nil || i < 0 || i >= len(h.Steps) {
			return fmt.Errorf("%q is no index of a step: there are %d steps", text, len(h.Steps))
		}
		kept = append(kept, h.Steps[i])
	}
	h.Steps = kept
	return nil
}

func joined(indices []int) string {
	texts := make([]string, len(indices))
	for i, n := range indices {
		texts[i] = strconv.Itoa(n)
	}
	return strings.Join(texts, ",")
}
