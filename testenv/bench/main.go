// Bench compares portside with other ways to keep a workload's ports, on one embedded
// API server:
//
//	go -C testenv/bench run . [--repeats 5] [--reconciles 40] [--binary bin/portside] [--targets 2000]
//	    [--old OTHER/portside] [--discovered 300,1000] [-o json]
//	go -C testenv/bench run . render testenv/bench/results/report.json
//
// The second command writes the table and the plots of a report next to it. Paths are
// relative to the repository's root.
//
// First it measures a single reconcile. The ways take turns, block of reconciles by
// block, each on a workload of its own that is made the same way:
//
//   - portside: the library, which reads the workload from the server;
//   - read-modify-write: a GET to compare, and if there is a change a GET and a PUT
//     of the whole object, again on a conflict;
//   - CreateOrPatch: that of controller-runtime, see newCreateOrPatch;
//   - Flux: its ResourceManager, see newFlux;
//   - bare PATCH: a ready-made apply, the least that any apply costs, see newBarePatch.
//
// It reports the requests, the bytes sent, the attempts and the time of a reconcile, and
// the CPU times of kube-apiserver and of the client, to 10 ms for a block: medians over
// the repeats with their spread, and portside's divided by the other's within each
// repeat. The numbered sections of the table are:
//
//  1. a reconcile that changes one port;
//  2. a reconcile that changes nothing. Read-modify-write and CreateOrPatch compare and
//     send no write. portside sends the apply and leaves the comparison to the server, so
//     it costs more than they do; Flux leaves it to a dry run, which is an apply too, of
//     fewer bytes since it has no uid. The service compares with its cache and sends
//     nothing, see 8;
//  3. to 6. a reconcile that changes one port, while an owner of other fields writes the
//     workload once, 10 times and 100 times a second, and without a pause. A block lasts
//     at least three of these writes. A reconcile that gives up on a conflict starts
//     again at once, and its cost counts with the reconcile that succeeds. CPU times are
//     not reported, because the other writes cost some too;
//  7. the pure part: from the managedFields of a workload with ten entries to the
//     owners of its ports and the plan, compared with the time in which fieldpath alone
//     reads these entries.
//
// Then it measures the service, if a built portside is named, with each number of
// targets in a section of its own: a process with many workloads of some 4 KiB with an
// AdapterSet each, without a stabilization window. No client has a rate limit, and
// nothing restarts pods, so that no rollout defers a change:
//
//  8. - the time until all workloads have their ports, when one of two is renumbered in
//     all of them: by portside run, by a loop of the same applies, made beforehand
//     ("bare PATCH"), and by read-modify-write. Each has as many requests at once, and
//     workloads of its own. In each repeat another one of the three begins, and the
//     API server collects its garbage before each. The AdapterSets change while the
//     service does not run. Its time begins when it has listed everything, which is
//     where the others begin; the time with its start and the listing is reported
//     too. The end is seen by a watch of the workloads, and it is an error if a
//     workload changed twice or has other ports. The bare loop is also compared with
//     read-modify-write: no apply can do better, because an apply makes the server
//     allocate half as much again as two GETs and an update (880 to 560 KiB). Status
//     and events, which the others do not have, come after the ports;
//     - a restart with nothing to do: the requests that write, as a proxy counts them,
//     the CPU time of the process from its start to its end, and its resident memory
//     once that stays the same, less that of a process without targets;
//     - the time from the answer to a change of an AdapterSet to the stored port, one
//     change at a time in an idle service, compared with a bare apply;
//     - the requests and bytes of a change of an adapter, and how many of them go to the
//     workload; and the requests after another manager has changed a workload, but none
//     of its ports;
//     - the requests and bytes of a change of a Service port, and the requests to a
//     Service whose ports do not change.
//
// With --discovered it measures the memory for each target whose adapters are discovered.
//
// In the single reconcile each way has the defaults of its client: JSON with client-go;
// with controller-runtime protobuf for reads of typed objects. So the size of a
// read-modify-write's body in protobuf is measured too. With the service all clients use
// protobuf.
//
// Exact figures (requests, bytes, attempts) must be as expected in every repeat, or the
// exit code is 1. Times depend on the machine and its load: a time over its bound is
// flagged and does not fail the run.
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
	"path/filepath"
	"syscall"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/portside"
)

// options are the command's flags.
type options struct {
	repeats, reconciles int
	output              string
	targets             sizes  // of the service
	binary, crd         string // of the service, which is not measured without a binary
	old                 string // a binary to compare the service with
	discovered          sizes  // numbers of workloads to measure with discovery
	arguments           []string
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
	if len(args) > 0 && args[0] == "render" {
		return render(args[1:])
	}
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
	o := options{arguments: args}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.IntVar(&o.repeats, "repeats", 5, "repeats of each block")
	flags.IntVar(&o.reconciles, "reconciles", 40, "reconciles in a block; 0 measures only the service")
	flags.StringVar(&o.output, "o", "table", "output format: table or json")
	flags.StringVar(&o.binary, "binary", "", "portside binary whose service is measured too; paths are relative to the repository's root")
	flags.Var(&o.targets, "targets", "measure the service with this many workloads, one number after the other, such as 100,1000,10000 (default 2000)")
	flags.StringVar(&o.old, "old", "", "older portside binary to measure in turn with that of -binary")
	flags.Var(&o.discovered, "discovered", "also measure this many workloads with discovery and a pod each, such as 300,1000; some minutes each")
	flags.StringVar(&o.crd, "crd", portside.CRD, "file with the CustomResourceDefinition of AdapterSets")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if len(o.targets) == 0 {
		o.targets = sizes{2000}
	}
	if o.repeats < 1 || o.reconciles < 0 || flags.NArg() > 0 || (o.output != "table" && o.output != "json") {
		return o, errors.New("invalid flags: repeats must be at least 1, reconciles at least 0, -o table or json, and arguments are not allowed")
	}
	return o, errors.Join(fromRoot(&o.binary), fromRoot(&o.old), fromRoot(&o.crd))
}

// fromRoot makes a path that is relative to the repository's root absolute. `go -C` runs
// the command in the folder of its module.
func fromRoot(path *string) (err error) {
	if *path != "" && !filepath.IsAbs(*path) {
		*path, err = testenv.ModuleFile(*path)
	}
	return err
}

// write writes the report, and returns an error if an exact expectation is not met.
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
