package controller

import (
	"context"
	"slices"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/portside-dev/portside/apply"
)

// portID is a port as it was put there.
type portID struct {
	name     string
	number   int64
	protocol string
}

func idOf(a apply.Adapter) portID {
	a = a.Normal()
	return portID{apply.PortName(a.Type), a.Port, a.Protocol}
}

// withoutFought takes those adapters out of what is wanted whose ports somebody
// keeps taking away, until they are to be added again, and says how they stand.
func (w *work) withoutFought(ctx context.Context, look *apply.Workload, container *apply.Container, want apply.Wanted) (apply.Wanted, []apply.PortStatus) {
	lost := w.lostPorts(look, container, want)
	if len(lost) > 0 && len(w.lost) == 0 {
		w.Fight.Taker = w.lastWriter(ctx)
	}
	w.lost = lost
	if len(lost) == 0 {
		return want, nil
	}
	until, may := w.Fight.Readd(w.now)
	if may {
		return want, nil
	}
	w.wake(until)
	var missing []apply.PortStatus
	rest := apply.Wanted{AllowHostNetwork: want.AllowHostNetwork}
	for _, a := range want.Adapters {
		if id := idOf(a); slices.Contains(lost, id) {
			missing = append(missing, apply.PortStatus{
				Type: a.Type, Name: id.name, Port: id.number, Protocol: corev1.Protocol(id.protocol),
				State: apply.Blocked, Message: "it is taken away again and again",
			})
			continue
		}
		rest.Adapters = append(rest.Adapters, a)
	}
	return rest, missing
}

// lostPorts are the wanted ports that were in place and that the container does
// not have: somebody took them away.
func (w *work) lostPorts(look *apply.Workload, container *apply.Container, want apply.Wanted) []portID {
	if container == nil || w.told.Target == nil || w.told.Target.UID != look.UID || w.told.Target.Container != container.Name {
		return nil
	}
	stood := slices.Concat(w.put, w.lost)
	for _, p := range w.told.Ports {
		if p.State == string(apply.Owned) || p.State == string(apply.Shared) {
			stood = append(stood, portID{p.Name, p.Port, p.Protocol})
		}
	}
	var lost []portID
	for _, a := range want.Adapters {
		id := idOf(a)
		there := slices.ContainsFunc(container.Ports, func(p corev1.ContainerPort) bool {
			return int64(p.ContainerPort) == id.number && string(p.Protocol) == id.protocol
		})
		if !there && slices.Contains(stood, id) {
			lost = append(lost, id)
		}
	}
	return lost
}

// placed notes which ports a pass put there, and whether one of them was added
// again.
func (w *work) placed(result apply.Result) {
	w.put = nil
	for _, p := range result.Ports {
		if p.State == apply.Owned || p.State == apply.Shared {
			w.put = append(w.put, portID{p.Name, p.Port, string(p.Protocol)})
		}
	}
	if result.Outcome == apply.Applied && slices.ContainsFunc(w.lost, func(id portID) bool { return slices.Contains(w.put, id) }) {
		w.Fight.Readded(w.now)
		w.metrics.readds.Inc()
	}
	w.lost = slices.DeleteFunc(w.lost, func(id portID) bool { return slices.Contains(w.put, id) })
}

// lastWriter is the manager that wrote the workload last, but for us and for
// the writers of status. It asks the server, since times are not kept.
func (w *work) lastWriter(ctx context.Context) string {
	look, err := w.applier.Look(ctx, w.target)
	if err != nil {
		logr.FromContextOrDiscard(ctx).V(1).Info("who took the ports cannot be told", "error", err.Error())
		return ""
	}
	var last *metav1.ManagedFieldsEntry
	for i := range look.ManagedFields {
		e := &look.ManagedFields[i]
		if e.Subresource != "" || e.Time == nil || e.Manager == w.manager && e.Operation == metav1.ManagedFieldsOperationApply {
			continue
		}
		if last == nil || last.Time.Before(e.Time) {
			last = e
		}
	}
	if last == nil {
		return ""
	}
	return last.Manager
}
