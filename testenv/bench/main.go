// Bench measures portside against read-modify-write, the way operators keep
// such ports without server-side apply, on one embedded API server:
//
//	go run ./testenv/bench [--repeats 5] [--passes 40] [--binary bin/portside] [--targets 2000] [-o json]
//
// A single pass comes first. The two take turns, block of passes by block of passes, each on a workload of
// its own that is made the same way. Reported are medians over the repeats with
// their spread, and the ratio of the two in each repeat:
//
//  1. a pass that changes one port;
//  2. a pass that changes nothing. Read-modify-write compares, and then sends
//     no write; portside leaves the comparison to the server, and does;
//  3. a pass that changes one port, while an owner of other fields writes the
//     workload without a pause. A pass that gives up on a conflict is begun
//     anew at once, and what it took is counted with the pass that succeeds;
//  4. the pure part: from the managedFields of a workload with ten entries to
//     the owners of its ports and the intent, by what fieldpath alone takes to
//     read those entries.
//
// Then comes the continuous service, if a built portside is named: a process of
// its own, with many workloads of some 4 KiB that each have an AdapterSet, whose
// changes settle at once. No client is limited in its rate, and nothing restarts
// pods, so no rollout holds a change back:
//
//  5. how long it takes until all workloads have their ports, when one of two is
//     renumbered in all of them: by portside run, by a bare loop of the same
//     applies, made beforehand, and by read-modify-write, with as many requests
//     at once, and each with workloads of its own. In each repeat another of the
//     three begins, and the API server has collected its garbage before each. The
//     AdapterSets change while the service is not there. Its time begins when it
//     has listed all, since that is where the others begin; with its start and the
//     listing it is shown beside. The end is seen from outside, by a watch of the workloads, and it
//     is an error if one of them changed twice, or other ports are stored. How
//     the bare loop does beside read-modify-write is shown too: nothing that
//     applies can do better than that, since an apply makes the server allocate
//     half as much again as two GETs and an update do (880 to 560 KiB).
//     Status and events, which the others have none of, come after the ports;
//     a restart with nothing to do: the requests that write, as a proxy in
//     between counts them, the CPU time of the process from its start to its
//     end, and what of its memory is resident once it stays, less that of a
//     process without targets;
//     and, one at a time in a service at rest, how long it is from the answer to
//     a change of an AdapterSet to the stored port, beside a bare apply.
//
// In the single pass both sides use client-go with its defaults, which is JSON. Operators on
// controller-runtime send protobuf, so that size of the baseline's body is
// measured too, and beside the service all speak it.
//
// What is exact (requests, bytes, attempts) is expected to be so in every
// repeat, and the exit status is 1 where it is not. A time depends on the
// machine and on what else it does: one that is over its bound is flagged, and
// never fails the run.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/portside-dev/portside/testenv"
)

// options are the command's flags.
type options struct {
	repeats, passes int
	output          string
	targets         int    // of the service
	binary, crd     string // of the service; it is not measured without a binary
}

var errNotMet = errors.New("an expectation is not met")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	progress := func(text string) { fmt.Fprintln(stderr, text) }
	progress("starting the control plane")
	cp, err := testenv.Start(ctx, testenv.Options{})
	if err != nil {
		return err
	}
	r, err := measure(ctx, cp, o, progress)
	if err := errors.Join(err, cp.Stop()); err != nil {
		return err
	}
	return r.write(stdout, o.output)
}

func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.IntVar(&o.repeats, "repeats", 5, "how often each block is measured")
	flags.IntVar(&o.passes, "passes", 40, "passes in a block; 0 leaves out all but the service")
	flags.StringVar(&o.output, "o", "table", "table, or json")
	flags.StringVar(&o.binary, "binary", "", "the built portside, whose service is measured too")
	flags.IntVar(&o.targets, "targets", 2000, "workloads that the service takes care of")
	flags.StringVar(&o.crd, "crd", "examples/install/crd/portside.dev_adaptersets.yaml", "the CustomResourceDefinition of AdapterSets")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if o.repeats < 1 || o.passes < 0 || o.targets < 1 || flags.NArg() > 0 || (o.output != "table" && o.output != "json") {
		return o, errors.New("repeats and targets are 1 at least, passes are not negative, -o is table or json, and there are no arguments")
	}
	return o, nil
}

// write writes the report and says whether it is as expected.
func (r *report) write(stdout io.Writer, output string) error {
	if output == "json" {
		encoder := json.NewEncoder(stdout)
		encoder.SetIndent("", "  ")
		if err := encoder.Encode(r); err != nil {
			return err
		}
	} else if _, err := io.WriteString(stdout, r.table()); err != nil {
		return err
	}
	for _, e := range r.Expectations {
		if e.Exact && !e.Met {
			return fmt.Errorf("%w: %s", errNotMet, e.Text)
		}
	}
	return nil
}
