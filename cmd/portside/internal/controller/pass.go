package controller

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"

	"github.com/go-logr/logr"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/rollout"
	"github.com/portside-dev/portside/cmd/portside/internal/status"
)

// pass asks the server.
func (w *work) pass(ctx context.Context, plan *apply.Plan) {
	result, err := w.applier.ApplyFrom(ctx, plan)
	w.metrics.passed(result)
	if result.After != nil {
		w.answer = result.After
		w.facts.Warnings = result.Warnings
	}
	w.memory.fullPass = w.now.Add(jittered(w.reconciler.fullPass))
	if w.notDedicated(ctx, err) {
		return
	}
	w.placed(result)
	w.unrecorded.add(result, w.manager, w.clock.Now())
	w.rolled(ctx, result)
	if result.Outcome == apply.Applied {
		w.wrote = true
		if begun := w.Settling.Since(); w.change != rollout.NoChange && w.change != rollout.ReleaseContainer {
			w.metrics.stored(w.clock.Since(begun))
		}
	}
	if w.learn(result, err) {
		w.Target.Stands(w.now)
		w.refused = nil
		return
	}
	w.Retry.Failed(w.now, w.change)
	w.wake(w.Retry.Until(w.change))
	facts := w.facts
	w.refused = &facts
}

// learn notes what the server said of the change. It is false where it did not
// take all of it, which is then tried again with back-off.
func (w *work) learn(result apply.Result, err error) (accepted bool) {
	switch result.Outcome {
	case apply.TargetNotFound:
		w.notFound() // the watch will tell
		return true
	case apply.ContainerNotFound:
		w.facts.Why, w.facts.Because = status.ContainerNotFound, err.Error()
		return false
	case apply.Paused:
		w.facts.Stopped = status.Paused
		return true
	case apply.Applied, apply.Unchanged, apply.Failed:
	}
	if err != nil && w.change == rollout.NoChange {
		return false // a full pass; what stands does, whether or not the server can be asked
	}
	if apply.IsRefusal(err) {
		w.facts.Ports, w.facts.Pending = slices.Concat(result.Ports, w.stay), nil
	}
	if err == nil {
		w.facts.Ports, w.facts.Pending = result.Ports, nil
		return result.UpToDate
	}
	w.facts.Failure, w.facts.Refusal = words(w.advice().Error(err)), apply.IsRefusal(err)
	return false
}

// words are what status tells of an error. What a connection says of itself is
// not the same twice, and is left to the log.
func words(err error) string {
	if connection := (*url.Error)(nil); errors.As(err, &connection) {
		return "the API server could not be asked; it is tried again"
	}
	return err.Error()
}

// backOff tells of a change that is not tried again yet what was told when it
// failed.
func (w *work) backOff() {
	if w.refused == nil {
		return
	}
	w.facts.Hold = rollout.Go
	w.facts.Ports, w.facts.Pending = w.refused.Ports, w.refused.Pending
	w.facts.Failure, w.facts.Refusal = w.refused.Failure, w.refused.Refusal
}

// rolled notes whether pods restart because of the write, and reports it.
func (w *work) rolled(ctx context.Context, result apply.Result) bool {
	if !result.TemplateChanged() || result.After.Restarts == 0 {
		return false
	}
	w.rolling, w.facts.RollingOut = true, true
	w.Rollout, w.facts.Stuck = rollout.Rollout{}, false // of the rollout before
	w.metrics.rollouts.Inc()
	logr.FromContextOrDiscard(ctx).Info("the ports changed; the pods restart", "ports", portsOf(result.After, result.Container), "pods", result.After.Restarts)
	return true
}

func portsOf(w *workload.Workload, container string) []string {
	c, err := w.Container(container)
	if err != nil {
		return nil
	}
	ports := make([]string, 0, len(c.Ports))
	for _, p := range c.Ports {
		ports = append(ports, fmt.Sprintf("%s:%d/%s", p.Name, p.ContainerPort, p.Protocol))
	}
	return ports
}
