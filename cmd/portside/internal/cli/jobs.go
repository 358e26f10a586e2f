package cli

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/port"
	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/adapterset"
	"github.com/portside-dev/portside/cmd/portside/internal/printer"
)

// Done is the result of a job for one of its targets: the workload or a Service.
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
		switch {
		case j.set.Spec.Suspend:
			w.session.Messages.Note("%s: spec.suspend is true: %s is neither read nor written", j.place, j.targets())
			all = append(all, j.none(apply.Paused, nil)...)
		case disconnected:
			all = append(all, j.none(apply.Failed, ErrSkipped)...)
		default:
			done := w.syncJob(ctx, j)
			disconnected = slices.ContainsFunc(done, func(d Done) bool { return IsDisconnected(d.Err) })
			all = append(all, done...)
		}
	}
	w.explainJobs(all, len(jobs))
	return all
}

// targets names the workload and the Services.
func (j Job) targets() string {
	names := []string{adapterset.Target(j.set).String()}
	for i := range j.set.Spec.Services {
		names = append(names, adapterset.ServiceTarget(j.set, j.set.Spec.Services[i].Name).String())
	}
	return strings.Join(names, ", ")
}

// none returns the results of a job that is not carried out.
func (j Job) none(outcome apply.Outcome, err error) []Done {
	all := []Done{{j, apply.Result{Target: adapterset.Target(j.set), Container: j.set.Spec.Container, Outcome: outcome}, err}}
	for i := range j.set.Spec.Services {
		all = append(all, Done{j, apply.Result{Target: adapterset.ServiceTarget(j.set, j.set.Spec.Services[i].Name), Outcome: outcome}, err})
	}
	return all
}

// syncJob syncs the ports of the workload, and those of the Services where the workload
// exists. The result of the workload is the first. A Service that loses a port comes
// before the workload, so that it leads to no port that is no longer declared.
func (w *Writer) syncJob(ctx context.Context, j Job) []Done {
	if len(j.set.Spec.Services) == 0 {
		return []Done{w.syncWorkload(ctx, j)}
	}
	live, err := w.applier.Get(ctx, adapterset.Target(j.set))
	switch {
	case IsDisconnected(err):
		done := j.none(apply.Failed, ErrSkipped)
		done[0].Err = err
		return done
	case err != nil:
		return []Done{w.syncWorkload(ctx, j)} // which reports it
	}
	services := make([]*serviceJob, len(j.set.Spec.Services))
	for i := range services {
		services[i] = w.planService(ctx, j, &j.set.Spec.Services[i], live)
		if services[i].loses() {
			w.syncService(ctx, services[i])
		}
	}
	all := []Done{w.syncWorkload(ctx, j)}
	for _, s := range services {
		switch {
		case s.loses(): // it was written before the workload
		case IsDisconnected(all[0].Err):
			s.done.Err = ErrSkipped
		default:
			w.syncService(ctx, s)
		}
		all = append(all, s.done)
	}
	return all
}

// syncWorkload syncs the ports of the container or, where these are not managed, gives up
// those that are ours. They stay, so that no pod restarts.
func (w *Writer) syncWorkload(ctx context.Context, j Job) Done {
	container := j.set.Spec.Container
	d := Done{Job: j}
	if target := adapterset.Target(j.set); j.set.Spec.ContainerPorts == v1alpha1.ContainerPortsIgnore {
		d.Result, d.Err = w.concluded(ctx, container)(w.applier.Release(ctx, target, true))
	} else {
		d.Result, d.Err = w.concluded(ctx, container)(w.applier.Apply(ctx, target, adapterset.Desired(j.set, j.active)))
	}
	nameTypes(d.Result.Ports, j.inactive)
	return d
}

// nameTypes sets the type of ports that are no longer desired and whose adapter the
// source still lists.
func nameTypes(ports []apply.PortStatus, inactive []apply.Adapter) {
	for i := range ports {
		for _, a := range inactive {
			if p := &ports[i]; p.Type == "" && p.Name == apply.PortName(a.Type) {
				p.Type = a.Type
			}
		}
	}
}

// explainJobs prints what prevented a part of so many jobs, and the warnings.
func (w *Writer) explainJobs(all []Done, jobs int) {
	messages, skipped := w.session.Messages, 0
	for _, d := range all {
		switch {
		case errors.Is(d.Err, ErrSkipped):
			if d.Result.Target.Kind != workload.Service {
				skipped++
			}
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
		if d.Result.Outcome == apply.Paused && !d.set.Spec.Suspend {
			messages.Note("%s carries the annotation %s: nothing is written to it", d.Result.Target, workload.PausedAnnotation)
		}
	}
	if skipped > 0 {
		messages.Error("%d more of %d AdapterSets: %v", skipped, jobs, ErrSkipped)
	}
}

// Code returns the exit code of the command as far as this target decides it.
func (d Done) Code() int {
	switch {
	case d.Err != nil:
		return CodeOf(d.Err)
	case d.Result.Outcome == apply.TargetNotFound && !d.ignoreNotFound:
		return Refused
	}
	return PortsCode(d.Result.Ports)
}
