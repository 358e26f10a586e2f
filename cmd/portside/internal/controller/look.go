package controller

import (
	"context"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/utils/ptr"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/port"
	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/adapterset"
	"github.com/portside-dev/portside/cmd/portside/internal/discovery"
	"github.com/portside-dev/portside/cmd/portside/internal/rollout"
	"github.com/portside-dev/portside/cmd/portside/internal/status"
)

// look is the workload as it is, with what follows from it alone.
func (w *work) look(ctx context.Context) (*workload.Workload, bool, error) {
	look, err := w.workload(ctx, w.memory, w.target)
	if err != nil {
		return nil, false, err
	}
	if look == nil {
		w.rolling = false
		w.poller.Forget(w.target)
		w.notFound()
		return nil, false, nil
	}
	w.observed, w.unreadable = w.applier.Observe(look)
	w.recall(look)
	w.Rollout.Saw(w.now, look.Rollout)
	w.wake(w.Rollout.StuckAt())
	if !look.Rollout.UnderWay {
		w.rolling = false
	}
	w.facts.UID, w.facts.RollingOut = look.UID, w.rolling
	w.facts.Changes = w.unrecorded.of(look.UID)
	w.facts.Stuck = w.Rollout.Stuck(w.now, look.Rollout)
	if w.rolling && w.facts.Stuck && w.limit.GiveUp(w.target) {
		w.gaveUpPlace = true
	}
	w.facts.GaveUpPlace = w.gaveUpPlace
	return look, true, nil
}

func (w *work) notFound() {
	w.facts.Why, w.facts.Because = status.TargetNotFound, fmt.Sprintf("%s not found; waiting for it to be created", w.target)
}

// recall drops what memory and status have of another workload of this name that
// this one replaced. For a workload that this process observes for the first time
// it resumes from status.
func (w *work) recall(look *workload.Workload) {
	if w.told.Target != nil && w.told.Target.UID != look.UID {
		w.told.Target, w.told.Ports, w.told.Conditions = nil, nil, nil
	}
	if w.uid != look.UID {
		w.workloadMemory = workloadMemory{uid: look.UID}
		w.resume(look)
	}
}

// resume continues what status reports from before this process: a rollout and
// contention.
func (w *work) resume(look *workload.Workload) {
	switch {
	case stuckRollout(&w.told, look):
		w.rolling = true
		w.Rollout.Remember(w.now, look.Rollout)
	case causedRollout(&w.told, look):
		w.rolling = true
		w.limit.Resume(w.target)
	}
	for _, p := range w.told.Ports {
		if p.Reason != string(status.PortContended) {
			continue
		}
		id := portID{p.Name, p.Port, p.Protocol}
		w.contended = append(w.contended, id)
		if !port.State(p.State).Applied() {
			w.lost = append(w.lost, id)
		}
	}
	if len(w.contended) > 0 {
		w.Fight.Remember(w.now)
	}
}

// causedRollout reports whether the rollout under way is one that portside
// caused before this process began, and holds a place: where status says so, and
// where a change was about to go out, since it may have. A rollout that was stuck
// has given its place up, and a restart does not bring that back.
func causedRollout(told *v1alpha1.AdapterSetStatus, look *workload.Workload) bool {
	return underWay(told, look) && meta.IsStatusConditionTrue(told.Conditions, status.Reconciling) &&
		(isBecause(told, status.Reconciling, status.RollingOut) ||
			slices.ContainsFunc(told.Ports, func(p v1alpha1.PortStatus) bool { return p.State == string(status.Pending) }))
}

// stuckRollout reports whether the rollout under way was stuck before this
// process began.
func stuckRollout(told *v1alpha1.AdapterSetStatus, look *workload.Workload) bool {
	return underWay(told, look) && isBecause(told, status.Stalled, status.RolloutStuck)
}

// underWay reports whether a rollout of the workload that status is about is.
func underWay(told *v1alpha1.AdapterSetStatus, look *workload.Workload) bool {
	return look.Rollout.UnderWay && told.Target != nil && told.Target.UID == look.UID
}

// toldBecause tells the reason of a condition as last stored.
func (w *work) toldBecause(kind string, reason status.ConditionReason) bool {
	return isBecause(&w.told, kind, reason)
}

func isBecause(told *v1alpha1.AdapterSetStatus, kind string, reason status.ConditionReason) bool {
	c := meta.FindStatusCondition(told.Conditions, kind)
	return c != nil && c.Reason == string(reason)
}

// active returns the active adapters and how far the answer they come from goes.
// It is false while there is no answer.
func (w *work) active(ctx context.Context, look *workload.Workload, source discovery.Source) ([]apply.Adapter, rollout.Poll, bool) {
	container := w.set.Spec.Container
	if c, err := look.Container(container); err == nil {
		container = c.Name
	}
	answer, answered := w.poller.Answer(ctx, discovery.Query{
		Workload: discovery.Workload{Target: w.target, UID: look.UID, Selector: look.Selector, Container: container},
		Source:   source,
		InPlace:  func() []apply.Adapter { return w.standing() },
		Steady:   look.Rollout.Steady(),
	})
	if !answered {
		// After a restart, status stays as it is until the source answers.
		w.silent = w.told.ObservedGeneration == w.set.Generation && w.told.Target != nil && w.told.Target.UID == look.UID
		answer.Condition = discovery.Condition{Reason: discovery.Reason(status.AwaitingAnswer), Message: "the source has not answered yet"}
	}
	if answer.Reason != "" {
		w.facts.Discovery = &answer.Condition
	}
	return answer.Active, rollout.Poll{Complete: answer.Complete, Disagreed: answer.Disagreed}, answer.Active != nil
}

// ownPorts returns the live ports that we own in a container.
func (w *work) ownPorts(container string) ([]corev1.ContainerPort, error) {
	if w.unreadable != nil {
		return nil, w.unreadable
	}
	return w.observed.OwnPorts(container)
}

// standing are the adapters whose ports stand, in the order of status.
func (w *work) standing() []apply.Adapter {
	own, err := w.ownPorts(w.set.Spec.Container)
	if err != nil {
		return nil
	}
	var removals rollout.Removals
	// Of nothing active, all that is ours is kept.
	adapters, _, _ := removals.Keep(rollout.Known{Now: w.now, Own: own, Told: w.told.Ports, UnderWay: true})
	place := func(a apply.Adapter) int {
		return slices.IndexFunc(w.told.Ports, func(p v1alpha1.PortStatus) bool { return p.Type == a.Type })
	}
	slices.SortStableFunc(adapters, func(a, b apply.Adapter) int { return place(a) - place(b) })
	if adapters == nil {
		adapters = []apply.Adapter{}
	}
	return adapters
}

// wanted are the adapters to want ports for, and the container, nil where that
// cannot be told. It is false when what we own cannot be read.
func (w *work) wanted(look *workload.Workload, active []apply.Adapter, poll rollout.Poll) (apply.Desired, *workload.Container, bool) {

	container, err := look.Container(w.set.Spec.Container)
	if err != nil {
		w.facts.Why, w.facts.Because = status.ContainerNotFound, err.Error()
		return apply.Desired{Container: w.set.Spec.Container, Adapters: active}, nil, true
	}
	w.facts.Container = container.Name
	own, err := w.ownPorts(container.Name)
	if err != nil {
		w.facts.Failure = err.Error()
		return apply.Desired{}, nil, false
	}
	for _, p := range own {
		w.ours = append(w.ours, idOfPort(p))
	}
	active = poll.Agreed(active, own)
	adapters, waiting, next := w.Removals.Keep(rollout.Known{
		Now: w.now, Active: active, Own: own, Told: w.told.Ports, Poll: poll, UnderWay: look.Rollout.UnderWay,
		Delay: seconds(w.set.Spec.Rollout.RemovalDelaySeconds),
	})
	for _, r := range waiting {
		if r.Due {
			w.leaving = append(w.leaving, r)
		} else {
			w.facts.Waiting = append(w.facts.Waiting, r)
		}
	}
	w.wake(next)
	desired := adapterset.Desired(w.set, active)
	desired.Retained = adapters[len(active):]
	return desired, container, true
}

func seconds(n *int32) time.Duration { return time.Duration(ptr.Deref(n, 0)) * time.Second }
