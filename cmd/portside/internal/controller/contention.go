package controller

import (
	"context"
	"slices"

	"github.com/go-logr/logr"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/port"
	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/rollout"
	"github.com/portside-dev/portside/cmd/portside/internal/status"
)

// The messages of contended ports.
const (
	withheldText   = "another manager keeps removing this port; it is added again at most once an hour"
	rememberedText = "another manager kept removing this port; if it is removed again, it is added again after an hour"
)

// portID identifies a port as we declare it.
type portID struct {
	name     string
	number   int64
	protocol string
}

func idOf(a apply.Adapter) portID {
	a = a.Normal()
	return portID{apply.PortName(a.Type), a.Port, a.Protocol}
}

func idOfPort(p port.Port) portID {
	return portID{p.Name, int64(p.Number), string(p.Protocol)}
}

func idOfStatus(p apply.PortStatus) portID { return portID{p.Name, p.Port, string(p.Protocol)} }

// livePorts returns the ports of the list that the input is about.
func (in *input) livePorts() []portID {
	var live []portID
	for _, list := range in.workload.Lists() {
		if list.Container != in.containerName() {
			continue
		}
		for _, item := range list.Items {
			live = append(live, idOfPort(list.Port(item)))
		}
	}
	return live
}

func (id portID) isIn(ids []portID) bool { return slices.Contains(ids, id) }

// isApplied reports whether an apply of these ports has the port.
func (id portID) isApplied(items []port.Port) bool {
	return slices.ContainsFunc(items, func(p port.Port) bool { return idOfPort(p) == id })
}

// portRecord remembers the ports of a workload, to find those that another manager
// removed.
type portRecord struct {
	// added and removed are what we did since status was last stored: the ports that
	// the last apply has, and those that applies removed.
	added, removed []portID
	// missing are the ports that another manager removed and that are not back.
	missing []portID
	// lost are those that another manager removed since status was last stored.
	lost []portID
	// contended are those that another manager removed, while their re-adds count.
	contended []portID
}

// resume continues a contention that status reports, and reports whether it does.
func (r *portRecord) resume(ports []v1alpha1.PortStatus) bool {
	for _, p := range ports {
		if p.Reason != string(status.PortContended) {
			continue
		}
		id := portID{p.Name, p.Port, p.Protocol}
		r.contended = append(r.contended, id)
		if !isInPlace(p.State) {
			r.missing = append(r.missing, id)
		}
	}
	return len(r.contended) > 0
}

func (r *portRecord) endContention() { r.contended, r.missing = nil, nil }

// reported drops what status has now.
func (r *portRecord) reported() { r.added, r.removed, r.lost = nil, nil, nil }

// missingOf returns the desired ports that were in place, that are missing in the container
// or live under another name, and that an apply would add again: another manager removed
// them. A port that is live as we declared it was not removed, whichever manager owns it
// now.
func (r *portRecord) missingOf(in *input, d desired) []portID {
	missing := slices.DeleteFunc(r.known(in), func(id portID) bool {
		return id.isIn(in.livePorts()) ||
			!id.isIn(d.ids())
	})
	if len(missing) == 0 {
		return nil
	}
	plan, err := in.observed.Decide(d.Desired)
	if err != nil {
		return nil
	}
	return slices.DeleteFunc(missing, func(id portID) bool { return !id.isApplied(plan.Items) })
}

// known returns the ports that were in place in this container when it was last
// observed, or that are contended. What was in a container that has been away is not
// among them.
func (r *portRecord) known(in *input) []portID {
	if in.status.Target == nil || in.status.Target.Container != in.containerName() || hasReason(&in.status, status.Ready, status.ContainerNotFound) {
		return nil
	}
	known := slices.Concat(r.added, r.missing)
	for _, p := range in.status.Ports {
		if id := (portID{p.Name, p.Port, p.Protocol}); isInPlace(p.State) && !id.isIn(known) && !id.isIn(r.removed) {
			known = append(known, id)
		}
	}
	return known
}

// lose notes the ports that are missing now, and reports whether another manager removed
// some since the last time. Earlier ones are contended as long as their re-adds count.
func (r *portRecord) lose(missing []portID, counts bool) bool {
	lost := slices.DeleteFunc(slices.Clone(missing), func(id portID) bool { return id.isIn(r.missing) })
	r.missing, r.lost = missing, append(r.lost, lost...)
	if !counts {
		r.contended = nil
	}
	for _, id := range lost {
		if !id.isIn(r.contended) {
			r.contended = append(r.contended, id)
		}
	}
	return len(lost) > 0
}

// applied notes what an apply came to. Before are the ports that we owned before it, and
// after those that we own now. It reports whether a missing port was added again.
func (r *portRecord) applied(result apply.Result, before, after []port.Port) (readded bool) {
	r.added = nil
	for _, p := range result.Ports {
		if p.State.Applied() {
			r.added = append(r.added, idOfStatus(p))
		}
	}
	isAdded := func(id portID) bool { return id.isIn(r.added) }
	// No other manager is blamed for the ports that we gave up and that status still
	// lists.
	for _, p := range before {
		if id := idOfPort(p); !slices.Contains(after, p) && !id.isIn(r.removed) {
			r.removed = append(r.removed, id)
		}
	}
	r.removed = slices.DeleteFunc(r.removed, isAdded)
	readded = result.Outcome == apply.Applied && slices.ContainsFunc(r.missing, isAdded)
	r.missing = slices.DeleteFunc(r.missing, isAdded)
	return readded
}

// mark gives the ports that were added again the reason of the contention, so that status
// has it for as long as it is remembered.
func (r *portRecord) mark(ports []apply.PortStatus) {
	for i := range ports {
		if p := &ports[i]; p.State.Applied() && idOfStatus(*p).isIn(r.contended) {
			p.Reason, p.Message = status.PortContended, rememberedText
		}
	}
}

// contender returns the manager that removed ports. It reads the workload from the API
// server, since the cache keeps no times.
func (r *reconciler) contender(ctx context.Context, t workload.Target) rollout.Contender {
	live, err := r.applier.Get(ctx, t)
	if err != nil {
		logr.FromContextOrDiscard(ctx).V(1).Info("cannot read which manager removed the ports", "error", err.Error())
		return rollout.Contender{}
	}
	return contenderOf(live, r.manager)
}

// contenderOf returns the manager that removed ports of ours. Only an Update can remove
// what another manager applied, so it is the manager that last updated fields of a
// container. A removal alone leaves no time behind, so the manager is not certain where
// it has not written since we did.
func contenderOf(w *workload.Workload, manager string) rollout.Contender {
	entries, err := w.Entries()
	if err != nil {
		return rollout.Contender{}
	}
	var ours, last *metav1.ManagedFieldsEntry
	for i := range w.ManagedFields {
		e := &w.ManagedFields[i]
		switch {
		case e.Subresource != "" || e.Time == nil:
		case e.Operation == metav1.ManagedFieldsOperationApply:
			if e.Manager == manager {
				ours = e
			}
		case (last == nil || last.Time.Before(e.Time)) && !entries[i].Fields.Items(workload.Containers(), "ports").Empty(),
			w.Service != nil && (last == nil || last.Time.Before(e.Time)) && !entries[i].Fields.Of(w.Lists()[0].At).Empty():
			last = e
		}
	}
	if last == nil {
		return rollout.Contender{}
	}
	return rollout.Contender{Manager: last.Manager, Certain: ours == nil || !last.Time.Before(ours.Time)}
}
