package command

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/port"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/remedy"
)

// done is a job that was carried out, and what came of it.
type done struct {
	job
	result apply.Result
	err    error
}

// errNotAsked is the error of the targets that come after one for which the API
// server was unreachable: each would wait for the same failure.
var errNotAsked = errors.New("skipped: the API server was unreachable for an earlier target")

// passes makes a pass for each job, and has each result recorded. A target that
// fails holds up no other, unless it is the connection that failed.
func (s *session) passes(ctx context.Context, applier *apply.Applier, jobs []job, r recorder) []done {
	all := make([]done, 0, len(jobs))
	disconnected := false
	for _, j := range jobs {
		d := done{job: j}
		switch {
		case j.suspended:
			s.messages.Note("%s: spec.suspend is true: %s is neither read nor written", j.place, j.target)
			d.result = apply.Result{Target: j.target, Container: j.want.Container, Outcome: apply.Paused}
		case disconnected:
			d.result, d.err = apply.Result{Target: j.target, Container: j.want.Container, Outcome: apply.Failed}, errNotAsked
		default:
			d.result, d.err = worded(r.manager, j.want.Container)(applier.Apply(ctx, j.target, j.want))
			r.record(ctx, d.result)
			nameTypes(d.result.Ports, j.inactive)
			disconnected = isDisconnected(d.err)
		}
		all = append(all, d)
	}
	return all
}

// worded adds to a result and its error what the user can do, with this command
// and the container that the user named, if any.
func worded(manager, container string) func(apply.Result, error) (apply.Result, error) {
	return func(result apply.Result, err error) (apply.Result, error) {
		f := remedy.For{Target: result.Target, Container: container, FieldManager: manager}
		return f.Result(result), f.Error(err)
	}
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

// explain writes to stderr what went wrong with each target and each port.
func (s *session) explain(all []done, ignoreNotFound bool) {
	notAsked := 0
	for _, d := range all {
		switch {
		case errors.Is(d.err, errNotAsked):
			notAsked++
			continue
		case d.err != nil:
			s.messages.Error("%s: %s", d.place, errorText(targetError(d.result.Target, d.err)))
			continue
		case d.result.Outcome == apply.TargetNotFound && ignoreNotFound:
			s.messages.Warn("%s: %s not found; skipped", d.place, d.result.Target)
		case d.result.Outcome == apply.TargetNotFound:
			s.messages.Error("%s: %v, or add --ignore-not-found if it may be created later", d.place, notFound(d.result.Target))
		}
		for _, p := range d.result.Ports {
			if p.State == port.Blocked || p.State == port.Invalid {
				s.messages.Error("%s: adapter %q of %s: %s: %s", d.origin, shorten(p.Type), d.result.Target, portState(p), p.Message)
			}
		}
		for _, w := range d.result.Warnings {
			s.messages.Warn("%s: %s", d.result.Target, w.Message)
		}
		if d.result.Outcome == apply.Paused && !d.suspended {
			s.messages.Note("%s carries the annotation %s: nothing is written to it", d.result.Target, workload.PausedAnnotation)
		}
	}
	if notAsked > 0 {
		s.messages.Error("%d more of %d AdapterSets: %v", notAsked, len(all), errNotAsked)
	}
}

// portState is "adapter-nfs 12049/TCP is Blocked".
func portState(p apply.PortStatus) string {
	return strings.TrimSpace(fmt.Sprintf("%s %d/%.10s is %s", p.Name, p.Port, p.Protocol, p.State))
}

// code returns the exit code of the command as far as this target decides it.
func (d done) code(ignoreNotFound bool) int {
	switch {
	case d.err != nil:
		return codeOf(d.err)
	case d.result.Outcome == apply.TargetNotFound && !ignoreNotFound:
		return exitRefused
	}
	return portsCode(d.result.Ports)
}

// portsCode returns the exit code for the states of ports.
func portsCode(ports []apply.PortStatus) int {
	for _, p := range ports {
		if p.State == port.Blocked || p.State == port.Invalid {
			return exitRefused
		}
	}
	return exitOK
}

// shorten keeps a type that a source made up from filling the screen. The
// result in JSON has it whole.
func shorten(text string) string {
	const most = 40
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}
