package controller

import (
	"context"
	"fmt"
	"math/rand/v2"
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

// work is one reconciliation of a target.
type work struct {
	*reconciler
	*memory
	target apply.Target
	set    *v1alpha1.AdapterSet
	told   v1alpha1.AdapterSetStatus // as last stored
	now    time.Time

	facts  status.Facts
	ours   []portID  // the live ports that we own, in the container
	says   string    // the change that is about to go out, empty if there is none
	wrote  bool      // status is told by the next reconciliation
	silent bool      // there is nothing to tell
	waits  bool      // for a place among the targets in a rollout
	again  time.Time // when to look again, zero if an event will tell
}

// wake has the target looked at again at a time, if that is earlier.
func (w *work) wake(at time.Time) {
	if !at.IsZero() && (w.again.IsZero() || at.Before(w.again)) {
		w.again = at
	}
}

// ports makes the ports of the target true, or finds why not.
func (w *work) ports(ctx context.Context) {
	w.facts.FieldManager = w.manager
	look, ok := w.look()
	if !ok {
		return
	}
	active, known := w.active(look)
	if !known {
		w.facts.Why, w.facts.Because = status.AwaitingAnswer, "no pod has said yet which adapters are active; the workload is not touched"
		return
	}
	want, container, ok := w.wanted(look, active)
	if !ok {
		return
	}
	w.stand(ctx, look, container, want)
}

// look is the workload as it is, with what follows from it alone.
func (w *work) look() (*apply.Workload, bool) {
	look := w.memory.look(w.mirror.Workload(w.key()))
	if look == nil {
		w.rolling = false
		w.prober.Forget(w.key())
		w.notFound()
		return nil, false
	}
	w.Rollout.Saw(w.now, look.Rollout)
	w.wake(w.Rollout.StuckAt())
	w.resume(look)
	if !look.Rollout.UnderWay {
		w.rolling = false
	}
	w.facts.UID, w.facts.RollingOut = look.UID, w.rolling
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

// resume takes up what status tells of the time before this process. A rollout
// that is under way is taken for one of ours where status says so, and where a
// change was about to go out: it may have.
func (w *work) resume(look *apply.Workload) {
	if w.resumed {
		return
	}
	w.resumed = true
	has := func(kind, reason string) bool {
		c := meta.FindStatusCondition(w.told.Conditions, kind)
		return c != nil && c.Reason == reason
	}
	pending := slices.ContainsFunc(w.told.Ports, func(p v1alpha1.PortStatus) bool { return p.State == status.Pending })
	if look.Rollout.UnderWay && (pending || has(status.Reconciling, status.RollingOut) || has(status.Stalled, status.RolloutStuck)) {
		w.rolling = true
		w.limit.Resume(w.key())
	}
	if !has(status.Ready, status.Fighting) {
		return
	}
	w.Fight.Remember(w.now, "")
	for _, p := range w.told.Ports {
		if p.Message == takenAway {
			w.lost = append(w.lost, portID{p.Name, p.Port, p.Protocol})
		}
	}
}

// active are the active adapters; it is false while nobody has said.
func (w *work) active(look *apply.Workload) ([]apply.Adapter, bool) {
	if w.set.Spec.Discovery == nil || w.set.Spec.Discovery.HTTP == nil {
		w.prober.Forget(w.key())
		declared := make([]apply.Adapter, 0, len(w.set.Spec.Adapters))
		for _, a := range w.set.Spec.Adapters {
			declared = append(declared, apply.Adapter{Type: a.Type, Port: a.Port, Protocol: a.Protocol, Enabled: true, Running: true})
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

// wanted are the adapters to want ports for, and the container. It is false
// when the container cannot be told.
func (w *work) wanted(look *apply.Workload, active []apply.Adapter) (apply.Wanted, *apply.Container, bool) {
	rollout := w.set.Spec.Rollout
	container, err := look.Container(w.target.Container)
	if err != nil {
		w.facts.Why, w.facts.Because = status.ContainerNotFound, err.Error()
		return apply.Wanted{Adapters: active}, nil, w.applier.Holds(look)
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
	w.facts.Waiting = waiting
	w.wake(next)
	return apply.Wanted{
		Adapters: active, Waiting: adapters[len(active):], AllowHostNetwork: rollout.HostNetwork == v1alpha1.HostNetworkAllow,
	}, container, true
}

func seconds(n *int32) time.Duration { return time.Duration(ptr.Deref(n, 0)) * time.Second }

// stand makes a pass if one is needed and may be, and notes what is so.
func (w *work) stand(ctx context.Context, look *apply.Workload, container *apply.Container, want apply.Wanted) {
	w.stopped(look)
	if w.facts.Stopped != "" {
		w.decided(look, container, want)
		return
	}
	want, fought := w.withoutFought(ctx, look, container, want)
	result, stands, err := w.applier.Standing(look, w.target.Container, want)
	switch {
	case stands && container == nil:
		return // there is nothing of ours in a container that is gone
	case err != nil && !apply.IsContainerNotFound(err):
		w.facts.Failure = err.Error()
		return
	}
	w.scheduleFullPass()
	w.facts.Ports = result.Ports
	switch {
	case stands && w.now.Before(w.memory.fullPass):
		w.stands(len(fought) == 0)
	case stands || w.may(look, container, want):
		w.pass(ctx, look, want)
	}
	w.facts.Ports = slices.Concat(w.facts.Ports, fought)
	w.wake(w.memory.fullPass)
	w.wake(w.Fight.Due())
	w.facts.Fight, w.facts.Taker = w.Fight.Under(), w.Fight.Taker
	for _, id := range w.taken {
		w.facts.Taken = append(w.facts.Taken, id.name)
	}
}

func (w *work) stopped(look *apply.Workload) {
	switch {
	case w.set.Spec.Suspend:
		w.facts.Stopped = status.Suspended
	case look.Paused:
		w.facts.Stopped = status.Paused
	}
}

// scheduleFullPass spreads the first ones over the whole period, so that a
// restart does not ask for all at once.
func (w *work) scheduleFullPass() {
	if w.memory.fullPass.IsZero() {
		w.memory.fullPass = w.now.Add(time.Duration(rand.Int64N(int64(w.reconciler.fullPass)) + 1))
	}
}

// stands notes that there is nothing to change.
func (w *work) stands(whole bool) {
	w.Target.Stands(w.now)
	w.refused = nil
	if whole {
		w.Fight.Stayed(w.now)
	}
}

// decided tells the ports as decided on, but for those that are not there: they
// are pending. It is nil where nothing can be decided.
func (w *work) decided(look *apply.Workload, container *apply.Container, want apply.Wanted) *apply.Intent {
	if container == nil {
		return nil
	}
	intent, err := apply.Decide(look, container, want, w.manager)
	if err != nil {
		w.facts.Failure = err.Error()
		return nil
	}
	w.facts.Ports = intent.Ports
	for _, p := range intent.Ports {
		if inPlace(p.State) && !slices.Contains(w.ours, portID{p.Name, p.Port, string(p.Protocol)}) {
			w.facts.Pending = append(w.facts.Pending, p.Name)
		}
	}
	return &intent
}

// may tells whether the change may go out now.
func (w *work) may(look *apply.Workload, container *apply.Container, want apply.Wanted) bool {
	if container == nil {
		w.says = goneContainer
		until := w.Retry.Until(w.says)
		w.wake(until)
		return !w.now.Before(until)
	}
	intent := w.decided(look, container, want)
	if intent == nil {
		return false
	}
	w.says = fmt.Sprint(intent.Emit)
	reason, until := w.Hold(holding.Change{
		Now:     w.now,
		Says:    w.says,
		Settle:  seconds(w.set.Spec.Rollout.SettleSeconds),
		Rollout: look.Rollout,
		Awaited: holding.Awaited(container, intent.Emit),
	})
	w.wake(until)
	if reason == holding.Go && look.Restarts > 0 && !w.begin() {
		reason = holding.RolloutLimit
	}
	w.facts.Hold = reason
	if reason == holding.BackingOff {
		w.backOff()
	}
	return reason == holding.Go
}

// begin takes a place among the targets that are in a rollout that we caused. It
// is false where there is none; then the target is told when there is.
func (w *work) begin() bool {
	w.waits = !w.limit.Begin(w.key())
	return !w.waits
}

// goneContainer is the change of giving up a container that is gone.
const goneContainer = "give up the container that is gone"
