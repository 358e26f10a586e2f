package status

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/v1alpha1"
)

// Reasons of events.
const (
	// PortAdded: the workload declares a port that it did not.
	PortAdded = "PortAdded"
	// PortRemoved: a port is gone, since its adapter is inactive.
	PortRemoved = "PortRemoved"
	// PortBlocked: a port cannot be had.
	PortBlocked = "PortBlocked"
	// PortShadowed: the number is declared by somebody else under another name.
	PortShadowed = "PortShadowed"
	// PortTaken: somebody took a port away. Further reasons of warnings are those
	// of package apply, such as MergesByNumber.
	PortTaken = "PortTaken"
	// RemovalWaits: a port's adapter is inactive, and the port goes after a
	// delay.
	RemovalWaits = "RemovalWaiting"
	// GaveUpPlace: a rollout that portside caused makes no progress, and no longer
	// counts among those that may be under way.
	GaveUpPlace = "RolloutStuck"
	// PortsRetained: an AdapterSet with deletionPolicy Remove is deleted, and its
	// ports stay, since they may not be removed.
	PortsRetained = "PortsRetained"
)

// Event is one thing to tell.
type Event struct {
	Type, Reason, Note string
	// Port is the port that it is of, as in "adapter-nfs 12049/TCP".
	Port string
	// Manager is the one that a warning is of, empty for others.
	Manager string
}

// Events returns what a change of status means for its ports, and what is reported
// of them besides. The API server can store each: it is printable and short.
func Events(before, after v1alpha1.AdapterSetStatus, f Facts) []Event {
	all := events(before, after, f)
	for i := range all {
		e := &all[i]
		e.Note, e.Port, e.Manager = cut(e.Note, maxNote), printable(e.Port), printable(e.Manager)
	}
	return all
}

// Retained returns the event of a deleted AdapterSet whose ports stay although its
// deletionPolicy is Remove.
func Retained(cause string) Event {
	return Event{
		Type: corev1.EventTypeWarning, Reason: PortsRetained,
		Note: cut("the AdapterSet is deleted, and its ports stay in the workload: "+cause, maxNote),
	}
}

// maxNote is how long the API server lets the note of an event be, in bytes.
const maxNote = 1024

func events(before, after v1alpha1.AdapterSetStatus, f Facts) []Event {
	was := before.Ports
	if before.Target != nil && after.Target != nil && before.Target.UID != after.Target.UID {
		was = nil // they were another workload's
	}
	var events []Event
	tell := func(p v1alpha1.PortStatus, kind, reason, note string, args ...any) {
		events = append(events, Event{Type: kind, Reason: reason, Note: fmt.Sprintf(note, args...), Port: of(p)})
	}
	if ready := meta.FindStatusCondition(before.Conditions, Ready); f.Why == FieldManagerNotDedicated && (ready == nil || ready.Reason != f.Why) {
		events = append(events, Event{Type: corev1.EventTypeWarning, Reason: f.Why, Note: f.Because})
	}
	for _, name := range f.Taken {
		if p := named(name, slices.Concat(after.Ports, was)); p != nil {
			tell(*p, corev1.EventTypeWarning, PortTaken, "port %s was taken away by %s", of(*p), strings.TrimSuffix(f.taker(), ","))
		}
	}
	for _, now := range after.Ports {
		old := find(was, now)
		if old == nil {
			old = &v1alpha1.PortStatus{}
		}
		if old.State != now.State {
			tellState(tell, *old, now)
		}
		if now.InactiveSince != nil && old.InactiveSince == nil {
			tell(now, corev1.EventTypeNormal, RemovalWaits, "the adapter of port %s is not active; the port goes when that has lasted", of(now))
		}
	}
	events = append(events, newWarnings(was, after.Ports, f.Warnings)...)
	if f.GaveUpPlace {
		events = append(events, Event{
			Type: corev1.EventTypeWarning, Reason: GaveUpPlace,
			Note: "the rollout that brings the ports to the pods makes no progress; it no longer counts among --max-concurrent-rollouts; check the pods of the workload",
		})
	}
	for _, old := range was {
		next := named(old.Name, after.Ports)
		if ours(old) && find(after.Ports, old) == nil && (next == nil || next.State != Pending) {
			tell(old, corev1.EventTypeNormal, PortRemoved, "port %s was removed", of(old))
		}
	}
	return events
}

// newWarnings tells of the warnings that status tells of now and did not before:
// it is what remembers them.
func newWarnings(was, now []v1alpha1.PortStatus, warnings []apply.Warning) []Event {
	told := func(ports []v1alpha1.PortStatus, w apply.Warning) bool {
		return slices.ContainsFunc(ports, func(p v1alpha1.PortStatus) bool {
			return about(w, p) && strings.Contains(p.Message, printable(w.Message))
		})
	}
	var events []Event
	for _, w := range warnings {
		if told(now, w) && !told(was, w) {
			events = append(events, Event{
				Type: corev1.EventTypeWarning, Reason: string(w.Reason), Note: w.Message,
				Port: fmt.Sprintf("%s %d/%s", w.Port.Name, w.Port.Number, w.Port.Protocol), Manager: w.Manager.Name,
			})
		}
	}
	return events
}

// tellState tells of a port's new state.
func tellState(tell func(p v1alpha1.PortStatus, kind, reason, note string, args ...any), old, now v1alpha1.PortStatus) {
	switch {
	case ours(now) && !ours(old):
		tell(now, corev1.EventTypeNormal, PortAdded, "port %s was added", of(now))
	case now.State == string(apply.Blocked):
		tell(now, corev1.EventTypeWarning, PortBlocked, "port %s cannot be had: %s", of(now), now.Message)
	case now.State == string(apply.Shadowed):
		tell(now, corev1.EventTypeNormal, PortShadowed, "port %s: %s", of(now), now.Message)
	}
}

func named(name string, ports []v1alpha1.PortStatus) *v1alpha1.PortStatus {
	if i := slices.IndexFunc(ports, func(p v1alpha1.PortStatus) bool { return p.Name == name }); i >= 0 {
		return &ports[i]
	}
	return nil
}

// ours tells that the port is declared as wanted, by us.
func ours(p v1alpha1.PortStatus) bool {
	return p.State == string(apply.Owned) || p.State == string(apply.Shared)
}

// find is the same port in another status: by its name, number and protocol.
func find(ports []v1alpha1.PortStatus, p v1alpha1.PortStatus) *v1alpha1.PortStatus {
	i := slices.IndexFunc(ports, func(q v1alpha1.PortStatus) bool {
		return q.Name == p.Name && q.Port == p.Port && q.Protocol == p.Protocol
	})
	if i < 0 {
		return nil
	}
	return &ports[i]
}

func of(p v1alpha1.PortStatus) string { return fmt.Sprintf("%s %d/%s", p.Name, p.Port, p.Protocol) }
