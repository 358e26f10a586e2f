package controller

import (
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/utils/ptr"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/cmd/portside/internal/holding"
	"github.com/portside-dev/portside/cmd/portside/internal/prober"
	"github.com/portside-dev/portside/cmd/portside/internal/status"
)

// look is the workload as it is, with what follows from it alone.
func (w *work) look() (*apply.Workload, bool) {
	look := w.mirror.Workload(w.key())
	if look == nil {
		w.rolling = false
		w.prober.Forget(w.key())
		w.notFound()
		return nil, false
	}
	look = look.InUse()
	w.Rollout.Saw(w.now, look.Rollout)
	w.wake(w.Rollout.StuckAt())
	w.resume(look)
	if !look.Rollout.UnderWay {
		w.rolling = false
	}
	w.facts.UID, w.facts.RollingOut = look.UID, w.rolling
	w.facts.Changes = w.unrecorded.of(look.UID)
	w.facts.Stuck = w.Rollout.Stuck(w.now, look.Rollout)
	return look, true
}

func (w *work) notFound() {
	w.facts.Why, w.facts.Because = status.TargetNotFound, fmt.Sprintf("%s is not there; it may come later", w.target)
}

// key names the target in maps and queues.
func (w *work) key() apply.Target {
	key := w.target
	key.Container = ""
	return key
}

// resume takes up what status tells of the time before this process.
func (w *work) resume(look *apply.Workload) {
	if w.resumed {
		return
	}
	w.resumed = true
	if causedRollout(&w.told, look) {
		w.rolling = true
		w.limit.Resume(w.key())
	}
	for _, p := range w.told.Ports {
		if p.Message == takenAway {
			w.lost = append(w.lost, portID{p.Name, p.Port, p.Protocol})
		}
	}
	// Something else may be more urgent to say of Ready, and a fight goes on after
	// a port was added again.
	if len(w.lost) > 0 || w.toldBecause(status.Ready, status.Fighting) {
		w.Fight.Remember(w.now, "")
	}
}

// causedRollout tells whether a rollout is under way that is one of ours: where
// status says so, and where a change was about to go out, since it may have.
func causedRollout(told *v1alpha1.AdapterSetStatus, look *apply.Workload) bool {
	return look.Rollout.UnderWay &&
		(isBecause(told, status.Reconciling, status.RollingOut) || isBecause(told, status.Stalled, status.RolloutStuck) ||
			slices.ContainsFunc(told.Ports, func(p v1alpha1.PortStatus) bool { return p.State == status.Pending }))
}

// toldBecause tells the reason of a condition as last stored.
func (w *work) toldBecause(kind, reason string) bool { return isBecause(&w.told, kind, reason) }

func isBecause(told *v1alpha1.AdapterSetStatus, kind, reason string) bool {
	c := meta.FindStatusCondition(told.Conditions, kind)
	return c != nil && c.Reason == reason
}

// active are the active adapters; it is false while nobody has said.
func (w *work) active(look *apply.Workload) ([]apply.Adapter, bool) {
	if w.set.Spec.Discovery == nil || w.set.Spec.Discovery.HTTP == nil {
		w.prober.Forget(w.key())
		declared := make([]apply.Adapter, 0, len(w.set.Spec.Adapters))
		for _, a := range w.set.Spec.Adapters {
			declared = append(declared, apply.Adapter{Type: a.Type, Port: a.Port, Protocol: a.Protocol})
		}
		return declared, true
	}
	container := w.set.Spec.Container
	if c, err := look.Container(container); err == nil {
		container = c.Name
	}
	w.prober.Ask(w.key(), prober.Question{
		UID: look.UID, Container: container, HTTP: *w.set.Spec.Discovery.HTTP, Standing: w.standing(look),
	})
	answer, answered := w.prober.Answer(w.key())
	// After a restart status is as good as it was until somebody answers.
	w.silent = !answered && w.told.ObservedGeneration == w.set.Generation &&
		w.told.Target != nil && w.told.Target.UID == look.UID
	w.facts.Discovery = &status.Discovery{Reason: status.AwaitingAnswer, Message: "no pod was asked yet"}
	if answered {
		w.facts.Discovery = &status.Discovery{Met: answer.Met, Reason: string(answer.Reason), Message: answer.Message}
	}
	return answer.Active, answer.Active != nil
}

// standing are the adapters whose ports stand, in the order of status.
func (w *work) standing(look *apply.Workload) []apply.Adapter {
	own, err := w.applier.OwnPorts(look, w.set.Spec.Container)
	if err != nil {
		return nil
	}
	var removals holding.Removals
	// Of nothing active, all that is ours is kept.
	adapters, _, _ := removals.Keep(holding.Known{Now: w.now, Own: own, Told: w.told.Ports, UnderWay: true})
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
func (w *work) wanted(look *apply.Workload, active []apply.Adapter) (apply.Wanted, *apply.Container, bool) {
	rollout := w.set.Spec.Rollout
	container, err := look.Container(w.target.Container)
	if err != nil {
		w.facts.Why, w.facts.Because = status.ContainerNotFound, err.Error()
		return apply.Wanted{Adapters: active}, nil, true
	}
	w.facts.Container = container.Name
	own, err := w.applier.OwnPorts(look, container.Name)
	if err != nil {
		w.facts.Failure = err.Error()
		return apply.Wanted{}, nil, false
	}
	for _, p := range own {
		w.ours = append(w.ours, portID{p.Name, int64(p.ContainerPort), string(p.Protocol)})
	}
	adapters, waiting, next := w.Removals.Keep(holding.Known{
		Now: w.now, Active: active, Own: own, Told: w.told.Ports, UnderWay: look.Rollout.UnderWay,
		Delay: seconds(rollout.RemovalDelaySeconds),
	})
	for _, r := range waiting {
		if r.Due {
			w.leaving = append(w.leaving, r)
		} else {
			w.facts.Waiting = append(w.facts.Waiting, r)
		}
	}
	w.wake(next)
	return apply.Wanted{
		Adapters: active, Waiting: adapters[len(active):], AllowHostNetwork: rollout.HostNetwork == v1alpha1.HostNetworkAllow,
	}, container, true
}

func seconds(n *int32) time.Duration { return time.Duration(ptr.Deref(n, 0)) * time.Second }
