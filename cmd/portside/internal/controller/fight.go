package controller

import (
	"context"
	"slices"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/cmd/portside/internal/status"
)

// takenAway is the message of a port that is not added again for now. A restart
// knows the port by it.
const takenAway = "it is taken away again and again"

// somebody is who took ports away where that cannot be told.
const somebody = "somebody"

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

// withoutFought takes those adapters out of what is wanted whose ports somebody
// keeps taking away, until they are to be added again, and says how they stand.
func (w *work) withoutFought(ctx context.Context, look *apply.Workload, container *apply.Container, want apply.Wanted) (apply.Wanted, []apply.PortStatus) {
	lost := w.lostPorts(look, container, want)
	taken := slices.DeleteFunc(slices.Clone(lost), func(id portID) bool { return slices.Contains(w.lost, id) })
	w.lost, w.taken = lost, append(w.taken, taken...)
	until, may := w.Fight.Readd(w.now)
	if len(taken) > 0 || w.Fight.Under() && w.Fight.Taker == "" {
		w.Fight.Taker = w.taker(ctx)
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
			State: apply.Blocked, Message: takenAway,
		})
	}
	return rest, fought
}

// lostPorts are the wanted ports that stood, that are not ours any more, and
// that a pass would put back: somebody took them away. Whether it was the port
// that went or only our ownership of it makes no difference.
func (w *work) lostPorts(look *apply.Workload, container *apply.Container, want apply.Wanted) []portID {
	lost := slices.DeleteFunc(w.stood(look, container), func(id portID) bool {
		return slices.Contains(w.ours, id) || !slices.ContainsFunc(want.Adapters, func(a apply.Adapter) bool { return idOf(a) == id })
	})
	if len(lost) == 0 {
		return nil
	}
	intent, err := apply.Decide(look, container, want, w.manager)
	if err != nil {
		return nil
	}
	return slices.DeleteFunc(lost, func(id portID) bool {
		return !slices.Contains(intent.Emit, apply.Port{Name: id.name, Number: int32(id.number), Protocol: corev1.Protocol(id.protocol)})
	})
}

// stood are the ports that were in place in this container when last looked,
// or that are fought over. What was in a container that has been away went with
// it.
func (w *work) stood(look *apply.Workload, container *apply.Container) []portID {
	if container == nil || w.told.Target == nil || w.told.Target.UID != look.UID || w.told.Target.Container != container.Name ||
		w.toldBecause(status.Ready, status.ContainerNotFound) {
		return nil
	}
	stood := slices.Concat(w.put, w.lost)
	for _, p := range w.told.Ports {
		if id := (portID{p.Name, p.Port, p.Protocol}); inPlace(apply.State(p.State)) && !slices.Contains(stood, id) && !slices.Contains(w.removed, id) {
			stood = append(stood, id)
		}
	}
	return stood
}

// inPlace tells that a port of this state is there because of us.
func inPlace(s apply.State) bool { return s == apply.Owned || s == apply.Shared }

// placed notes which ports a pass put there, and whether one of them was added
// again.
func (w *work) placed(result apply.Result) {
	w.put = nil
	for _, p := range result.Ports {
		if inPlace(p.State) {
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
	own, err := w.applier.OwnPorts(result.After, w.facts.Container)
	if err != nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(w.ours), func(id portID) bool {
		return slices.ContainsFunc(own, func(p corev1.ContainerPort) bool { return idOfPort(p) == id }) || slices.Contains(w.removed, id)
	})
}

// taker is who took ports away, as far as that can be told. It asks the server,
// since times are not kept.
func (w *work) taker(ctx context.Context) string {
	look, err := w.applier.Look(ctx, w.target)
	if err != nil {
		logr.FromContextOrDiscard(ctx).V(1).Info("who took the ports cannot be told", "error", err.Error())
		return somebody
	}
	return takerOf(look, w.manager)
}

// takerOf is who took ports of the manager away. Only who updates can take away
// what another applied; of those that own anything of a container it is the last
// one that wrote since the manager did. Who only takes things away leaves no time
// behind, so where nobody wrote since it is most likely the last of them.
func takerOf(look *apply.Workload, manager string) string {
	relevant := look.Reduced(manager).ManagedFields // without times, and without those that own nothing of a container
	var ours, last *metav1.ManagedFieldsEntry
	for i := range look.ManagedFields {
		e := &look.ManagedFields[i]
		switch {
		case e.Subresource != "" || e.Time == nil:
		case e.Operation == metav1.ManagedFieldsOperationApply:
			if e.Manager == manager {
				ours = e
			}
		case (last == nil || last.Time.Before(e.Time)) && slices.ContainsFunc(relevant, func(r metav1.ManagedFieldsEntry) bool {
			return r.Manager == e.Manager && r.Operation == e.Operation && r.Subresource == ""
		}):
			last = e
		}
	}
	switch {
	case last == nil:
		return somebody
	case ours != nil && last.Time.Before(ours.Time):
		return somebody + ", most likely " + last.Manager + ","
	}
	return last.Manager
}
