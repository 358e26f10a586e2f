package controller

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/utils/ptr"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/port"
	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/discovery"
	"github.com/portside-dev/portside/cmd/portside/internal/rollout"
	"github.com/portside-dev/portside/cmd/portside/internal/status"
	"github.com/portside-dev/portside/fieldmanager"
)

// work is one reconciliation of a target.
type work struct {
	*reconciler
	*memory
	target workload.Target
	set    *v1alpha1.AdapterSet
	told   v1alpha1.AdapterSetStatus // as last stored
	now    time.Time

	observed   *apply.Observed
	unreadable error // why the workload could not be observed
	facts      status.Facts
	ours       []portID           // the live ports that we own, in the container
	leaving    []rollout.Removal  // those whose delay has passed
	stay       []apply.PortStatus // the ports of those that are there still
	change     rollout.ChangeID   // what is about to go out
	wrote      bool               // status is told by the next reconciliation
	silent     bool               // there is nothing to tell
	waits      bool               // for a place among the targets in a rollout
	again      time.Time          // when to look again, zero if an event will tell
	retry      time.Duration      // after which to look again, by the queue's clock, since status was not stored
}

// wake has the target looked at again at a time, if that is earlier. A time that
// is over is no reason to: the target is being looked at.
func (w *work) wake(at time.Time) {
	if at.After(w.now) && (w.again.IsZero() || at.Before(w.again)) {
		w.again = at
	}
}

// ports makes the ports of the target true, or finds why not.
func (w *work) ports(ctx context.Context) error {
	w.facts.FieldManager = w.manager
	if w.excludes(w.target) {
		w.poller.Forget(w.target)
		w.facts.Why, w.facts.Because = status.NamespaceExcluded, excludedText
		return nil
	}
	look, found, err := w.look(ctx)
	if err != nil || !found {
		return err
	}
	source, err := w.sources.Of(w.set, meta.FindStatusCondition(w.told.Conditions, status.Discovered) != nil)
	if err != nil {
		w.poller.Forget(w.target)
		w.Removals.Stop(w.now)
		w.facts.Why, w.facts.Because = status.NoSource, err.Error()
		w.facts.Discovery = &discovery.Condition{Reason: discovery.Reason(status.NoSource), Message: err.Error()}
		return nil //nolint:nilerr // status reports it
	}
	requested := w.requested(ctx)
	active, poll, known := w.active(ctx, look, source)
	if requested {
		w.poller.PollNow(w.target)
	}
	if !known {
		w.Removals.Stop(w.now)
		w.facts.Why, w.facts.Because = status.AwaitingAnswer, "waiting for a first successful discovery response; no changes until then"
		return nil
	}
	want, container, ok := w.wanted(look, active, poll)
	if !ok {
		return nil
	}
	w.stand(ctx, look, container, want)
	return nil
}

const excludedText = "this installation of portside excludes the namespace; nothing is written to its workloads"

// excludes reports whether the installation excludes the namespace of a target.
func (r *reconciler) excludes(t workload.Target) bool {
	return slices.Contains(r.excluded, t.Namespace)
}

// stand makes a pass if one is needed and may be, and notes what is so.
func (w *work) stand(ctx context.Context, look *workload.Workload, container *workload.Container, want apply.Desired) {
	defer w.markContended()
	w.stopped(look)
	if w.facts.Stopped != "" {
		w.decide(container, want)
		return
	}
	want, fought := w.withoutFought(ctx, container, want)
	plan, err := w.observed.Decide(want)
	stands := false
	if err == nil || workload.IsContainerNotFound(err) {
		stands, err = plan.UpToDate()
	}
	switch {
	case stands && container == nil:
		return // there is nothing of ours in a container that is gone
	case w.notDedicated(ctx, err):
		return
	case err != nil && !workload.IsContainerNotFound(err):
		w.facts.Failure = err.Error()
		return
	}
	w.scheduleFullPass()
	w.facts.Warnings = plan.Warnings
	if stands {
		w.facts.Ports = plan.Ports
	}
	switch {
	case stands && w.now.Before(w.memory.fullPass):
		w.stands()
	case stands || w.may(look, container, plan):
		w.pass(ctx, plan)
	}
	w.facts.Ports = slices.Concat(w.facts.Ports, fought)
	w.wake(w.memory.fullPass)
	w.wake(w.Fight.Due())
	w.facts.Fight, w.facts.Taker = len(fought) > 0, ptr.Deref(w.Fight.Taker, rollout.Taker{})
	for _, id := range w.taken {
		w.facts.Taken = append(w.facts.Taken, id.name)
	}
}

func (w *work) stopped(look *workload.Workload) {
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

// stands notes that there is nothing to change. While ports are fought over and
// wait, it is not time yet for the fight to be over.
func (w *work) stands() {
	w.Target.Stands(w.now)
	w.refused = nil
	w.Fight.Stayed(w.now)
}

// decide reports what would be changed.
func (w *work) decide(container *workload.Container, want apply.Desired) {
	if container == nil {
		return
	}
	plan, err := w.observed.Decide(want)
	if err != nil {
		w.facts.Failure = err.Error()
		return
	}
	w.facts.Warnings = plan.Warnings
	w.decided(plan)
}

// decided tells the ports as decided on, but for those that are not there: they
// are pending; and those that are to go, which are there until they have gone.
func (w *work) decided(intent *apply.Plan) {
	w.facts.Ports = intent.Ports
	for _, p := range intent.Ports {
		if p.State.Applied() && !slices.Contains(w.ours, portID{p.Name, p.Port, string(p.Protocol)}) {
			w.facts.Pending = append(w.facts.Pending, p.Name)
		}
	}
	w.staying(intent.Items)
}

// staying tells of the ports that are to go that they are there still.
func (w *work) staying(emit []port.Port) {
	for _, r := range w.leaving {
		a := r.Adapter.Normal()
		if slices.Contains(emit, port.Port{Name: r.Name, Number: int32(a.Port), Protocol: corev1.Protocol(a.Protocol)}) {
			continue
		}
		w.facts.Waiting = append(w.facts.Waiting, r)
		w.stay = append(w.stay, apply.PortStatus{
			Type: r.Adapter.Type, Name: r.Name, Port: a.Port, Protocol: corev1.Protocol(a.Protocol),
			State: port.Owned, Owners: []fieldmanager.Manager{fieldmanager.Applier(w.manager)},
		})
	}
	w.facts.Ports = slices.Concat(w.facts.Ports, w.stay)
}

// may tells whether the change may go out now. It has no intent where the
// container is gone.
func (w *work) may(look *workload.Workload, container *workload.Container, intent *apply.Plan) bool {
	if container == nil {
		w.change = rollout.ReleaseContainer
		until := w.Retry.Until(w.change)
		w.wake(until)
		return !w.now.Before(until)
	}
	w.decided(intent)
	w.change = rollout.ApplyPorts(intent.Items)
	reason, until := w.Hold(rollout.Change{
		Now:     w.now,
		ID:      w.change,
		Settle:  seconds(w.set.Spec.Rollout.StabilizationWindowSeconds),
		Rollout: look.Rollout,
		Awaited: rollout.Awaited(container, intent.Items),
	})
	w.wake(until)
	if reason == rollout.Go && look.Restarts > 0 && !w.begin() {
		reason = rollout.RolloutLimit
	}
	w.facts.Hold = reason
	if reason == rollout.BackingOff {
		w.backOff()
	}
	return reason == rollout.Go
}

// begin takes a place among the targets that may be in a rollout that portside
// caused, and reports whether there is one. If not, the target is woken when
// there is.
func (w *work) begin() bool {
	w.waits = !w.limit.Begin(w.target)
	if !w.waits {
		return true
	}
	if len(w.holders) == 0 || !w.now.Before(w.holdersUntil) {
		w.holders, w.holdersUntil = w.limit.Holders(), w.now.Add(rollout.StuckAfter)
	}
	w.wake(w.holdersUntil)
	w.facts.Holders = w.holders
	return false
}
