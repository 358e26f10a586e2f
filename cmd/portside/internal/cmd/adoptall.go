package cmd

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/cmd/portside/internal/cli"
	"github.com/portside-dev/portside/cmd/portside/internal/printer"
)

// adoptAll adopts wherever the managers own adapter ports. It keeps no record of its
// progress: what was adopted has nothing to adopt when it runs again. An interrupt
// lets the current workload complete: between the two writes of an adoption, a port
// has no owner.
func (a *adoption) adoptAll(ctx context.Context, writer *cli.Writer) error {
	found, err := a.survey(ctx, writer)
	if err != nil {
		return err
	}
	t := &tally{results: printer.NewResults(a.write.DryRun())}
	for i, job := range found.jobs {
		if t.disconnected {
			t.results.Add(apply.Result{Target: job.target, Outcome: apply.Failed}, cli.ErrSkipped.Error())
		}
		if t.disconnected || ctx.Err() != nil {
			t.skipped++
			continue
		}
		all := a.adoptContainers(context.WithoutCancel(ctx), writer, job)
		a.printProgress(writer, fmt.Sprintf("%d/%d", i+1, len(found.jobs)), all)
		t.add(all)
	}
	a.printTally(writer, t, found)
	code := cli.Worse(t.code, a.checkFrom(found.owners, t.adopted > 0, fmt.Sprintf("the containers of %d workloads", found.workloads)))
	if len(t.results.Results) > 0 || !a.print.IsTable() {
		if err := a.print.Print(a.Out, t.results); err != nil {
			return err
		}
	}
	if err := ctx.Err(); err != nil && t.skipped > 0 && !t.disconnected {
		return err
	}
	return cli.Exit(code)
}

// adopted is the result for one container.
type adopted struct {
	result apply.Result
	err    error
}

// adoptContainers adopts container by container, until one fails.
func (a *adoption) adoptContainers(ctx context.Context, writer *cli.Writer, j job) []adopted {
	if j.err != nil {
		return []adopted{{apply.Result{Target: j.target, Outcome: apply.Failed}, j.err}}
	}
	var all []adopted
	for _, container := range j.containers {
		result, err := writer.Adopt(ctx, j.target, container, a.from, a.options()...)
		all = append(all, adopted{result, err})
		if err != nil {
			break
		}
	}
	return all
}

// tally counts workloads by what was done with them.
type tally struct {
	results *printer.Results
	code    int

	adopted, paused, failed, skipped int
	pods                             int32 // that restart, at most
	// disconnected means that the API server was unreachable; the rest was skipped.
	disconnected bool
}

// add counts a workload, of which each container has a result.
func (t *tally) add(all []adopted) {
	var adopted, paused, failed bool
	for _, d := range all {
		t.results.Add(d.result, cli.ErrorText(d.err))
		t.pods += restarts(d.result)
		t.disconnected = cli.IsDisconnected(d.err)
		code := max(cli.CodeOf(d.err), cli.PortsCode(d.result.Ports))
		failed = failed || code != cli.OK
		adopted = adopted || d.result.Outcome == apply.Applied
		if d.result.Outcome == apply.Paused {
			paused, code = true, cli.Refused
		}
		t.code = cli.Worse(t.code, code)
	}
	switch {
	case failed:
		t.failed++
	case paused:
		t.paused++
	case adopted:
		t.adopted++
	}
}

// printProgress prints a line for a workload, and what went wrong with it.
func (a *adoption) printProgress(writer *cli.Writer, at string, all []adopted) {
	var parts []string
	var pods int32
	for _, d := range all {
		words := []string{string(d.result.Outcome)}
		for _, p := range d.result.Ports {
			words = append(words, printer.PortState(p))
		}
		parts = append(parts, strings.Join(words, ", "))
		pods += restarts(d.result)
	}
	target := all[0].result.Target
	name := printer.TargetOf(target).Long()
	if a.allNamespaces {
		name += " -n " + target.Namespace
	}
	a.Messages.Progress("%s %s: %s; %s %s", at, name, strings.Join(parts, "; "), a.write.Verb("restarts", "would restart"), printer.Pods(pods))
	for _, d := range all {
		if d.err != nil {
			a.Messages.Error("%v", cli.TargetError(d.result.Target, d.err))
			continue
		}
		writer.Explain(d.result)
	}
}

func (a *adoption) printTally(writer *cli.Writer, t *tally, found *survey) {
	if t.skipped > 0 {
		why := "not begun, because it was interrupted"
		if t.disconnected {
			why = cli.ErrSkipped.Error()
		}
		a.Messages.Error("%d of %d workloads that have something to take over: %s; run it again for them", t.skipped, len(found.jobs), why)
	}
	nothing := found.workloads - t.adopted - t.paused - t.failed - t.skipped
	counts := []string{fmt.Sprintf("%d %s, %d with nothing to take over", t.adopted, a.write.Verb("adopted", "would be adopted"), nothing)}
	for _, count := range []struct {
		n    int
		what string
	}{{t.paused, "paused"}, {t.failed, "failed"}, {t.skipped, "not tried"}} {
		if count.n > 0 {
			counts = append(counts, fmt.Sprintf("%d %s", count.n, count.what))
		}
	}
	a.Messages.Note("of %d workloads: %s; %s %s", found.workloads, strings.Join(counts, ", "), a.write.Verb("restarts", "would restart"), printer.Pods(t.pods))
	others := found.owners.adapterPorts.Difference(sets.New(slices.Concat(a.from, []string{a.write.FieldManager})...))
	if len(others) > 0 {
		a.Messages.Note("other managers own adapter ports, too, which --from does not name: %s", names(others))
	}
	writer.NoteDryRun()
	if t.adopted > 0 {
		a.noteWriters()
	}
}
