package command

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/workload"
)

// adoptAll takes over from the managers wherever they own adapter ports. It
// keeps nothing of where it is: what was taken over has nothing to take over
// when it runs again.
func (a *adoptCommand) adoptAll(cmd *cobra.Command) error {
	if _, err := labels.Parse(a.selector); err != nil {
		return usageError(cmd, "--selector: %w", err)
	}
	namespace, _, err := a.namespace()
	if err != nil {
		return err
	}
	if a.allNamespaces {
		namespace = ""
	}
	client, err := a.client()
	if err != nil {
		return err
	}
	applier, err := apply.New(workload.ClientGo(client), apply.WithFieldManager(a.manager), apply.WithDryRun(a.run == dryRunServer))
	if err != nil {
		return err
	}
	found, err := a.survey(cmd.Context(), client, applier, namespace)
	if err != nil {
		return err
	}
	tally := a.adoptions(cmd.Context(), applier, found)
	a.sayTally(tally, found)
	code := worse(tally.code, a.checkFrom(found.owners, tally.adopted > 0, fmt.Sprintf("the containers of %d workloads", found.seen)))
	if len(tally.report.Results) > 0 || !a.print.isTable() {
		if err := tally.report.write(a.out, a.print); err != nil {
			return err
		}
	}
	if err := cmd.Context().Err(); err != nil && tally.notTried > 0 && !tally.disconnected {
		return err
	}
	return exitWith(code)
}

// tally is what the adoptions came to, in workloads.
type tally struct {
	report *report
	code   int

	adopted, paused, failed, notTried int
	pods                              int32 // that restart, at most
	// disconnected: the server could not be asked; the rest was not tried.
	disconnected bool
}

// adoptions carries the adoptions out one by one. An interrupt lets the one at
// hand come to its end: cut off between two writes, it would leave a port that
// nobody owns.
func (a *adoptCommand) adoptions(ctx context.Context, applier *apply.Applier, found *survey) *tally {
	t := &tally{report: newReport(a.run)}
	for i, job := range found.jobs {
		if ctx.Err() != nil {
			t.notTried = len(found.jobs) - i
			break
		}
		if t.disconnected {
			t.report.add(apply.Result{Target: job.target, Outcome: apply.Failed}, errNotAsked)
			t.notTried++
			continue
		}
		all := a.carryOut(context.WithoutCancel(ctx), applier, job)
		for _, d := range all {
			a.recorder().record(ctx, d.result)
		}
		a.sayProgress(i+1, len(found.jobs), all)
		t.add(all)
		t.disconnected = isDisconnected(all[len(all)-1].err)
	}
	return t
}

// carryOut adopts container by container, until one fails.
func (a *adoptCommand) carryOut(ctx context.Context, applier *apply.Applier, j adoption) []done {
	if j.err != nil {
		return []done{{result: apply.Result{Target: j.target, Outcome: apply.Failed}, err: j.err}}
	}
	var all []done
	for _, container := range j.containers {
		result, err := worded(a.manager, container)(applier.Adopt(ctx, j.target, container, a.from, a.options()...))
		all = append(all, done{result: result, err: err})
		if err != nil {
			break
		}
	}
	return all
}

// add counts a workload, of which each container has a result.
func (t *tally) add(all []done) {
	var adopted, paused, failed bool
	for _, d := range all {
		t.report.add(d.result, d.err)
		t.pods += restarts(d.result)
		code := d.code(true)
		paused = paused || d.result.Outcome == apply.Paused
		adopted = adopted || d.result.Outcome == apply.Applied
		failed = failed || code != exitOK
		if d.result.Outcome == apply.Paused {
			code = exitRefused
		}
		t.code = worse(t.code, code)
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

// sayProgress has a line for each workload, and what went wrong with it.
func (a *adoptCommand) sayProgress(at, of int, all []done) {
	var parts []string
	var pods int32
	for _, d := range all {
		words := []string{string(d.result.Outcome)}
		for _, p := range d.result.Ports {
			words = append(words, portState(p))
		}
		parts = append(parts, strings.Join(words, ", "))
		pods += restarts(d.result)
	}
	target := all[0].result.Target
	name := nameOf(target).long()
	if a.allNamespaces {
		name += " -n " + target.Namespace
	}
	a.messages.Progress("%d/%d %s: %s; %s", at, of, name, strings.Join(parts, "; "), podsRestart(pods, a.run))
	for _, d := range all {
		if d.err != nil {
			a.messages.Error("%s", errorText(targetError(d.result.Target, d.err)))
			continue
		}
		a.explainHandOver(d.result)
	}
}

// podsRestart is "no pod restarts" or "at most 3 pods would restart".
func podsRestart(pods int32, run dryRun) string {
	switch pods {
	case 0:
		return "no pod " + run.verb("restarts", "would restart")
	case 1:
		return "at most 1 pod " + run.verb("restarts", "would restart")
	}
	return fmt.Sprintf("at most %d pods %s", pods, run.verb("restart", "would restart"))
}

// sayTally sums up.
func (a *adoptCommand) sayTally(t *tally, found *survey) {
	if t.notTried > 0 {
		why := "not begun, because it was interrupted"
		if t.disconnected {
			why = errNotAsked.Error()
		}
		a.messages.Error("%d of %d workloads that have something to take over: %s; run it again for them", t.notTried, len(found.jobs), why)
	}
	nothing := found.seen - t.adopted - t.paused - t.failed - t.notTried
	parts := []string{
		fmt.Sprintf("%d %s", t.adopted, a.run.verb("adopted", "would be adopted")),
		fmt.Sprintf("%d with nothing to take over", nothing),
	}
	for _, count := range []struct {
		n    int
		what string
	}{{t.paused, "paused"}, {t.failed, "failed"}, {t.notTried, "not tried"}} {
		if count.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", count.n, count.what))
		}
	}
	a.messages.Note("of %d workloads: %s; %s", found.seen, strings.Join(parts, ", "), podsRestart(t.pods, a.run))
	if len(found.others) > 0 {
		a.messages.Note("adapter ports are owned by others too, which --from does not name: %s", strings.Join(found.others, ", "))
	}
	if a.run == dryRunServer {
		a.messages.Note("dry run: nothing was stored")
	}
	if t.adopted > 0 {
		a.mayBeAlive()
	}
}
