package controller

import (
	"context"
	"slices"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/port"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/rollout"
	"github.com/portside-dev/portside/cmd/portside/internal/status"
)

// The messages of contended ports.
const (
	withheldText   = "another manager keeps removing this port; it is added again at most once an hour"
	rememberedText = "another manager kept removing this port; if it is removed again, it is added again after an hour"
)

// portID is a port as it was put there.
type portID struct {
	name     string
	number   int64
	protocol string
}

func idOfPort(p corev1.ContainerPort) portID {
	return portID{p.Name, int64(p.ContainerPort), string(p.Protocol)}
}

func idOf(a apply.Adapter) portID {
	a = a.Normal()
	return portID{apply.PortName(a.Type), a.Port, a.Protocol}
}

// withoutFought returns the adapters without those whose ports are withheld: another
// manager keeps removing them, and it is not yet time to add them again. It also
// returns the status of the ports of those.
func (w *work) withoutFought(ctx context.Context, container *workload.Container, want apply.Desired) (apply.Desired, []apply.PortStatus) {
	lost := w.lostPorts(container, want)
	taken := slices.DeleteFunc(slices.Clone(lost), func(id portID) bool { return slices.Contains(w.lost, id) })
	w.lost, w.taken = lost, append(w.taken, taken...)
	w.rememberContended(taken)
	until, may := w.Fight.Readd(w.now)
	if len(taken) > 0 || w.Fight.Under() && w.Fight.Taker == nil {
		w.Fight.Taker = new(w.taker(ctx))
	}
	if len(lost) == 0 || may {
		return want, nil
	}
	w.wake(until)
	var fought []apply.PortStatus
	rest := want // what waits for its removal is ours still
	rest.Adapters = nil
	for _, a := range want.Adapters {
		id := idOf(a)
		if !slices.Contains(lost, id) {
			rest.Adapters = append(rest.Adapters, a)
			continue
		}
		fought = append(fought, apply.PortStatus{
			Type: a.Printable().Type, Name: id.name, Port: id.number, Protocol: corev1.Protocol(id.protocol),
			State: port.Blocked, Reason: status.PortContended, Message: withheldText,
		})
	}
	return rest, fought
}

// rememberContended keeps which ports another manager removed, as long as their
// re-adds count.
func (w *work) rememberContended(taken []portID) {
	if !w.Fight.Counts() {
		w.contended = nil
	}
	for _, id := range taken {
		if !slices.Contains(w.contended, id) {
			w.contended = append(w.contended, id)
		}
	}
}

// markContended gives the ports that were added again the reason of the contention,
// so that status has it for as long as it is remembered.
func (w *work) markContended() {
	if !w.Fight.Under() {
		return
	}
	for i := range w.facts.Ports {
		p := &w.facts.Ports[i]
		if p.State.Applied() && slices.Contains(w.contended, portID{p.Name, p.Port, string(p.Protocol)}) {
			p.Reason, p.Message = status.PortContended, rememberedText
		}
	}
}

// lostPorts returns the desired ports that were in place, that are gone from the
// container or live under another name, and that an apply would put back: another
// manager removed them. A port that is live as we put it there was not removed,
// whoever owns it now.
func (w *work) lostPorts(container *workload.Container, want apply.Desired) []portID {
	lost := slices.DeleteFunc(w.stood(container), func(id portID) bool {
		return slices.ContainsFunc(container.Ports, func(p corev1.ContainerPort) bool { return idOfPort(p) == id }) ||
			!slices.ContainsFunc(want.Adapters, func(a apply.Adapter) bool { return idOf(a) == id })
	})
	if len(lost) == 0 {
		return nil
	}
	intent, err := w.observed.Decide(want)
	if err != nil {
		return nil
	}
	return slices.DeleteFunc(lost, func(id portID) bool {
		return !slices.Contains(intent.Items, port.Port{Name: id.name, Number: int32(id.number), Protocol: corev1.Protocol(id.protocol)})
	})
}

// stood are the ports that were in place in this container when last looked,
// or that are fought over. What was in a container that has been away went with
// it.
func (w *work) stood(container *workload.Container) []portID {
	if container == nil || w.told.Target == nil || w.told.Target.Container != container.Name ||
		w.toldBecause(status.Ready, status.ContainerNotFound) {
		return nil
	}
	stood := slices.Concat(w.put, w.lost)
	for _, p := range w.told.Ports {
		if id := (portID{p.Name, p.Port, p.Protocol}); port.State(p.State).Applied() && !slices.Contains(stood, id) && !slices.Contains(w.removed, id) {
			stood = append(stood, id)
		}
	}
	return stood
}

// placed notes which ports a pass put there, and whether one of them was added
// again.
func (w *work) placed(result apply.Result) {
	w.put = nil
	for _, p := range result.Ports {
		if p.State.Applied() {
			w.put = append(w.put, portID{p.Name, p.Port, string(p.Protocol)})
		}
	}
	isPut := func(id portID) bool { return slices.Contains(w.put, id) }
	w.removed = slices.DeleteFunc(append(w.removed, w.givenUp(result)...), isPut)
	if result.Outcome == apply.Applied && slices.ContainsFunc(w.lost, isPut) {
		w.Fight.Readded(w.now)
		w.metrics.readds.Inc()
	}
	w.lost = slices.DeleteFunc(w.lost, isPut)
}

// givenUp returns the ports that were ours before a pass and are not any more, so
// that no other manager is blamed for what status still lists.
func (w *work) givenUp(result apply.Result) []portID {
	if result.After == nil {
		return nil
	}
	after, err := w.applier.Observe(result.After)
	if err != nil {
		return nil
	}
	own, err := after.OwnPorts(w.facts.Container)
	if err != nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(w.ours), func(id portID) bool {
		return slices.ContainsFunc(own, func(p corev1.ContainerPort) bool { return idOfPort(p) == id }) || slices.Contains(w.removed, id)
	})
}

// taker returns the manager that removed ports. It reads the workload from the
// server, since the cache keeps no times.
func (w *work) taker(ctx context.Context) rollout.Taker {
	look, err := w.applier.Get(ctx, w.target)
	if err != nil {
		logr.FromContextOrDiscard(ctx).V(1).Info("cannot read which manager removed the ports", "error", err.Error())
		return rollout.Taker{}
	}
	return takerOf(look, w.manager)
}

// takerOf returns the manager that removed ports of ours. Only an update can
// remove what another manager applied, so it is the manager that last updated
// fields of a container. A removal alone leaves no time behind, so that the
// manager is not certain where it has not written since we did.
func takerOf(look *workload.Workload, manager string) rollout.Taker {
	entries, err := look.Entries()
	if err != nil {
		return rollout.Taker{}
	}
	var ours, last *metav1.ManagedFieldsEntry
	for i := range look.ManagedFields {
		e := &look.ManagedFields[i]
		switch {
		case e.Subresource != "" || e.Time == nil:
		case e.Operation == metav1.ManagedFieldsOperationApply:
			if e.Manager == manager {
				ours = e
			}
		case (last == nil || last.Time.Before(e.Time)) && !entries[i].Fields.Items(workload.Containers(), "ports").Empty():
			last = e
		}
	}
	if last == nil {
		return rollout.Taker{}
	}
	return rollout.Taker{Manager: last.Manager, Certain: ours == nil || !last.Time.Before(ours.Time)}
}
