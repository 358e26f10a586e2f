package controller

import (
	"context"
	"fmt"

	"github.com/go-logr/logr"

	"github.com/portside-dev/portside/apply"
)

// pass asks the server.
func (w *work) pass(ctx context.Context, look *apply.Workload, container *apply.Container, want apply.Wanted) {
	result, err := w.applier.PassOn(ctx, look, w.target.Container, want)
	w.metrics.passed(result)
	says := goneContainer
	if container != nil {
		if intent, decideErr := apply.Decide(look, container, want, w.manager); decideErr == nil {
			says = fmt.Sprint(intent.Emit)
		}
	}
	if result.After != nil {
		w.answered = result.After.Reduced()
	}
	w.memory.fullPass = w.now.Add(jittered(w.reconciler.fullPass))
	w.placed(result)
	w.rolled(ctx, result)
	w.facts.Ports, w.facts.Pending, w.facts.Hold = result.Ports, nil, ""
	if result.Outcome == apply.Applied {
		w.wrote = true
		w.metrics.stored(w.now.Sub(w.Settling.Since()))
	}
	w.learn(result, err, says, want)
}

// learn notes whether the server took all of it. What it did not take is tried
// again with back-off.
func (w *work) learn(result apply.Result, err error, says string, want apply.Wanted) {
	accepted := err == nil
	if accepted && result.After != nil {
		_, accepted, err = w.applier.Standing(w.answered, w.target.Container, want)
	}
	if accepted {
		w.Target.Stands(w.now)
		w.refused = nil
		return
	}
	w.Retry.Failed(w.now, says)
	w.wake(w.Retry.Until(says))
	w.refused = &refusal{ports: result.Ports}
	if err != nil && !apply.IsContainerNotFound(err) {
		w.refused.failure, w.refused.refusal = err.Error(), apply.IsRefusal(err)
	}
	w.facts.Failure, w.facts.Refusal = w.refused.failure, w.refused.refusal
}

// rolled notes whether pods restart because of the pass.
func (w *work) rolled(ctx context.Context, result apply.Result) {
	if result.TemplateChanged() && result.After.Restarts > 0 {
		w.rolling, w.facts.RollingOut = true, true
		w.metrics.rollouts.Inc()
		logr.FromContextOrDiscard(ctx).Info("the ports changed; the pods restart", "ports", portsOf(result.After, result.Container), "pods", result.After.Restarts)
		return
	}
	if !w.rolling {
		w.limit.End(w.key())
	}
}

func portsOf(w *apply.Workload, container string) []string {
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
