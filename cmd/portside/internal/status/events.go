package status

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/portside-dev/portside/apply/port"
	"github.com/portside-dev/portside/apply/v1alpha1"
)

// EventReason is a reason of an event.
type EventReason string

// Reasons of events. Further events have the reason of a condition that begins:
// each reason of Stalled that is not reported by port, and TargetNotFound,
// InvalidAdapter, Suspended and Paused; or that of a warning of package apply,
// such as MergesByNumber.
const (
	// PortAdded: portside stored a pod template that has a port which it did not
	// have. Pods restart by the workload's strategy.
	PortAdded EventReason = "PortAdded"
	// PortRemoved: portside stored a pod template without a port which it had.
	PortRemoved EventReason = "PortRemoved"
	// PortRetargeted: portside changed where a port of a Service leads. Nothing restarts.
	PortRetargeted EventReason = "PortRetargeted"
	// PortOwned: portside manages a port that already existed. Nothing restarts.
	PortOwned EventReason = "PortOwned"
	// PortShared: the same, together with other managers.
	PortShared EventReason = "PortShared"
	// PortBlocked: a port cannot be added.
	PortBlocked EventReason = "PortBlocked"
	// PortShadowed: another manager declares the number under another name.
	PortShadowed EventReason = "PortShadowed"
	// PortLost: another manager removed a port.
	PortLost EventReason = "PortLost"
	// RemovalWaits: a port's adapter is inactive, and the port is removed after the
	// removal delay.
	RemovalWaits EventReason = "RemovalWaiting"
	// GaveUpPlace: a rollout that portside caused makes no progress, and no longer
	// counts among those that may be under way.
	GaveUpPlace EventReason = "RolloutStuck"
	// PortsRetained: an AdapterSet with deletionPolicy Remove is deleted, and its
	// ports stay, since they may not be removed; or an AdapterSet was deleted while it
	// was suspended, and its ports stay and are not given up.
	PortsRetained EventReason = "PortsRetained"
	// Resumed: portside writes to the workload again.
	Resumed EventReason = "Resumed"
)

// Event is one event to record.
type Event struct {
	Type, Reason, Note string
	// Ports are those that it is about, as in "adapter-nfs (12049/TCP)".
	Ports string
	// Manager is the one that a warning is about, empty for others.
	Manager string
}

// Events returns what happened between two statuses. Changes of the pod template
// come from the facts, and are not concluded from the statuses. The API server
// accepts each event: it is printable and short enough.
func Events(before, after v1alpha1.AdapterSetStatus, f Facts) []Event {
	was := before.Ports
	if before.Target != nil && after.Target != nil && before.Target.UID != after.Target.UID {
		was = nil // they belong to another workload
	}
	var all reports
	all.conditions(before.Conditions, after.Conditions, f)
	all.lost(slices.Concat(after.Ports, was), f)
	all.changes(f)
	all.ports(was, after.Ports, f)
	for _, of := range f.Services {
		old, now := serviceOf(before.Services, of.Service), serviceOf(after.Services, of.Service)
		if old.UID != now.UID {
			old.Ports = nil
		}
		all.lost(slices.Concat(now.Ports, old.Ports), of)
		all.changes(of)
		all.ports(old.Ports, now.Ports, of)
		all.service(old, now)
	}
	if f.GaveUpPlace {
		all.one(corev1.EventTypeWarning, string(GaveUpPlace),
			"the rollout that brings the ports to the pods makes no progress; it no longer counts among --max-concurrent-rollouts; check the pods of the workload")
	}
	return all.events()
}

// Retained returns the event of a deleted AdapterSet whose ports stay in an object for
// another cause than its deletionPolicy.
func Retained(in, cause string) Event {
	return Event{
		Type: corev1.EventTypeWarning, Reason: string(PortsRetained),
		Note: cut("the AdapterSet is deleted, and its ports stay in "+in+": "+cause, maxNote),
	}
}

// ports reports what happened to each port of one list.
func (r *reports) ports(was, is []v1alpha1.PortStatus, f Facts) {
	for _, now := range is {
		old := find(was, now)
		if old == nil {
			old = &v1alpha1.PortStatus{}
		}
		r.state(*old, now, f)
		r.warnings(*old, now, f)
	}
}

// service reports the warnings about a Service that begin.
func (r *reports) service(was, is v1alpha1.ServiceStatus) {
	for _, w := range is.Warnings {
		if !slices.Contains(was.Warnings, w) {
			r.one(corev1.EventTypeWarning, w.Reason, "Service "+is.Name+": "+w.Message)
		}
	}
}

// conditions reports the conditions that begin or end.
func (r *reports) conditions(before, after []metav1.Condition, f Facts) {
	if c := begun(before, after, Ready, metav1.ConditionFalse); c != nil && c.Reason == string(TargetNotFound) {
		r.one(corev1.EventTypeWarning, c.Reason, c.Message)
	}
	if c := begun(before, after, Stalled, metav1.ConditionTrue); c != nil && !slices.Contains(reportedElsewhere, ConditionReason(c.Reason)) {
		r.one(corev1.EventTypeWarning, c.Reason, c.Message)
	}
	c := begun(before, after, Reconciling, metav1.ConditionFalse)
	old := meta.FindStatusCondition(before, Reconciling)
	switch {
	case c != nil && isStop(c.Reason):
		r.one(corev1.EventTypeNormal, c.Reason, c.Message)
	case old != nil && isStop(old.Reason) && f.Stopped == "":
		r.one(corev1.EventTypeNormal, string(Resumed), "portside writes to the workload again")
	}
}

// reportedElsewhere are reasons of Stalled that have an event of each port, of a
// rollout, or of Reconciling.
var reportedElsewhere = []ConditionReason{Conflicting, InvalidAdapter, RolloutStuck, Suspended, Paused}

// begun returns a condition that has this status, and had another status or
// reason before, or nil.
func begun(before, after []metav1.Condition, kind string, is metav1.ConditionStatus) *metav1.Condition {
	old, now := meta.FindStatusCondition(before, kind), meta.FindStatusCondition(after, kind)
	if now == nil || now.Status != is || old != nil && old.Status == is && old.Reason == now.Reason {
		return nil
	}
	return now
}

// lost reports the ports that another manager removed.
func (r *reports) lost(known []v1alpha1.PortStatus, f Facts) {
	for _, name := range f.Lost {
		if i := slices.IndexFunc(known, func(p v1alpha1.PortStatus) bool { return p.Name == name }); i >= 0 {
			r.add(report{kind: corev1.EventTypeWarning, reason: string(PortLost), one: contenderText(f.Contender) + " removed port ", many: contenderText(f.Contender) + " removed ports "},
				f.of(known[i]), f.of(known[i]))
		}
	}
}

// changes reports what portside stored in the pod template. A port that only got
// another name is added and not removed.
func (r *reports) changes(f Facts) {
	for _, change := range f.Changes {
		for _, p := range change.Ports {
			name := f.label(p.Name, int64(p.Port), p.Protocol)
			renamed := func(q v1alpha1.ChangedPort) bool {
				return q.Change == v1alpha1.PortAdded && q.Container == p.Container && q.Port == p.Port && q.Protocol == p.Protocol
			}
			switch {
			case p.Change == v1alpha1.PortAdded:
				r.add(report{kind: corev1.EventTypeNormal, reason: string(PortAdded), one: "Added port ", many: "Added ports "}, name, name)
			case p.Change == v1alpha1.PortChanged:
				r.add(report{kind: corev1.EventTypeNormal, reason: string(PortRetargeted), one: "Changed where a port leads: ", many: "Changed where ports lead: "}, name, name)
			case !slices.ContainsFunc(change.Ports, renamed):
				r.add(report{kind: corev1.EventTypeNormal, reason: string(PortRemoved), one: "Removed port ", many: "Removed ports "}, name, name)
			}
		}
	}
}

// state reports a port's new state, and a removal that begins to wait.
func (r *reports) state(old, now v1alpha1.PortStatus, f Facts) {
	if removal := f.removal(now); removal != nil && now.InactiveSince != nil && old.InactiveSince == nil {
		r.add(report{kind: corev1.EventTypeNormal, reason: string(RemovalWaits), one: "Port of an inactive adapter will be removed: ", many: "Ports of inactive adapters will be removed: "},
			of(now), f.of(now)+" at "+removal.Time())
	}
	if old.State == now.State && old.Reason == now.Reason {
		return
	}
	text := f.of(now) + ": " + now.Message
	switch {
	case ours(now) && !ours(old) && !f.changed(now):
		r.existing(now, f)
	case old.State == now.State && now.State != string(port.Blocked):
	case now.State == string(port.Blocked) && now.Reason != string(PortContended):
		r.add(report{kind: corev1.EventTypeWarning, reason: string(PortBlocked), one: "Cannot add port ", many: "Cannot add ports: ", separator: "; "}, f.of(now), text)
	case now.State == string(port.Invalid):
		r.add(report{kind: corev1.EventTypeWarning, reason: string(InvalidAdapter), one: "Invalid adapter: ", many: "Invalid adapters: ", separator: "; "}, f.of(now), text)
	case now.State == string(port.Shadowed):
		r.add(report{kind: corev1.EventTypeNormal, reason: string(PortShadowed), one: "Port ", many: "Ports: ", separator: "; "}, f.of(now), text)
	}
}

// changed reports whether our change of the pod template added the port.
func (f Facts) changed(p v1alpha1.PortStatus) bool {
	return slices.ContainsFunc(f.Changes, func(c v1alpha1.PortsChange) bool {
		return slices.ContainsFunc(c.Ports, func(c v1alpha1.ChangedPort) bool { return f.added(c, p) })
	})
}

// existing reports a port that became ours and already existed.
func (r *reports) existing(p v1alpha1.PortStatus, f Facts) {
	const end = "; taking over an existing port restarts no pod"
	if p.State != string(port.Shared) {
		r.add(report{kind: corev1.EventTypeNormal, reason: string(PortOwned), one: "portside now manages port ", many: "portside now manages ports ", end: end}, f.of(p), f.of(p))
		return
	}
	var others []string
	for _, o := range p.Owners {
		if o.Manager != f.FieldManager {
			others = append(others, o.Manager)
		}
	}
	r.add(report{kind: corev1.EventTypeNormal, reason: string(PortShared), one: "portside now shares port ", many: "portside now shares ports ", end: end},
		f.of(p), f.of(p)+" with "+strings.Join(others, " and "))
}

// warnings reports the warnings about a port that status did not have.
func (r *reports) warnings(old, now v1alpha1.PortStatus, f Facts) {
	for _, w := range f.Warnings {
		// A warning that did not fit into status would begin at each reconcile.
		if about(w, now) && slices.Contains(now.Warnings, warningOf(w)) && !slices.Contains(old.Warnings, warningOf(w)) {
			r.add(report{kind: corev1.EventTypeWarning, reason: string(w.Reason), manager: w.Manager.Name, separator: "; "}, f.of(now), w.Message)
		}
	}
}
