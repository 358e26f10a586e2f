package cli

import (
	"context"
	"errors"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/port"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/printer"
)

// Done is a job that was carried out, and its result.
type Done struct {
	Job
	Result apply.Result
	Err    error
}

// ErrSkipped is the error of the targets that come after one for which the API
// server was unreachable: each would wait for the same failure.
var ErrSkipped = errors.New("skipped: the API server was unreachable for an earlier target")

// Sync carries the jobs out, and prints to stderr what went wrong with each target
// and each port. A target that fails does not keep others from being synced, unless
// it is the connection that failed.
func (w *Writer) Sync(ctx context.Context, jobs []Job) []Done {
	all := make([]Done, 0, len(jobs))
	disconnected := false
	for _, j := range jobs {
		d := Done{Job: j, Result: apply.Result{Target: j.target, Container: j.desired.Container}}
		switch {
		case j.suspended:
			w.session.Messages.Note("%s: spec.suspend is true: %s is neither read nor written", j.place, j.target)
			d.Result.Outcome = apply.Paused
		case disconnected:
			d.Result.Outcome, d.Err = apply.Failed, ErrSkipped
		default:
			d.Result, d.Err = w.concluded(ctx, j.desired.Container)(w.applier.Apply(ctx, j.target, j.desired))
			nameTypes(d.Result.Ports, j.inactive)
			disconnected = IsDisconnected(d.Err)
		}
		all = append(all, d)
	}
	w.explainJobs(all)
	return all
}

// nameTypes sets the type of removed ports whose adapter the source still lists.
func nameTypes(ports []apply.PortStatus, inactive []apply.Adapter) {
	for i := range ports {
		for _, a := range inactive {
			if p := &ports[i]; p.State == port.Removed && p.Type == "" && p.Name == apply.PortName(a.Type) {
				p.Type = a.Type
			}
		}
	}
}

func (w *Writer) explainJobs(all []Done) {
	messages, skipped := w.session.Messages, 0
	for _, d := range all {
		switch {
		case errors.Is(d.Err, ErrSkipped):
			skipped++
			continue
		case d.Err != nil:
			messages.Error("%s: %v", d.place, TargetError(d.Result.Target, d.Err))
			continue
		case d.Result.Outcome == apply.TargetNotFound && d.ignoreNotFound:
			messages.Warn("%s: %s not found; skipped", d.place, d.Result.Target)
		case d.Result.Outcome == apply.TargetNotFound:
			messages.Error("%s: %v, or add --ignore-not-found if it may be created later", d.place, notFound(d.Result.Target))
		}
		for _, p := range d.Result.Ports {
			if p.State == port.Blocked || p.State == port.Invalid {
				messages.Error("%s: adapter %q of %s: %s: %s", d.origin, printer.Shorten(p.Type), d.Result.Target, printer.PortState(p), p.Message)
			}
		}
		w.warn(d.Result)
		if d.Result.Outcome == apply.Paused && !d.suspended {
			messages.Note("%s carries the annotation %s: nothing is written to it", d.Result.Target, workload.PausedAnnotation)
		}
	}
	if skipped > 0 {
		messages.Error("%d more of %d AdapterSets: %v", skipped, len(all), ErrSkipped)
	}
}

// Code returns the exit code of the command as far as this job decides it.
func (d Done) Code() int {
	switch {
	case d.Err != nil:
		return CodeOf(d.Err)
	case d.Result.Outcome == apply.TargetNotFound && !d.ignoreNotFound:
		return Refused
	}
	return PortsCode(d.Result.Ports)
}
