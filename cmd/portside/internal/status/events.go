package status

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"

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
	// PortTaken: somebody took a port away.
	PortTaken = "PortTaken"
	// RemovalWaits: a port's adapter is inactive, and the port goes after a
	// delay.
	RemovalWaits = "RemovalWaiting"
)

// Event is one thing to tell.
type Event struct {
	Type, Reason, Note string
}

// Events are what a change of status means for its ports.
func Events(before, after v1alpha1.AdapterSetStatus, taker string) []Event {
	var events []Event
	for _, now := range after.Ports {
		was := find(before.Ports, now)
		if e, tell := told(was, now, taker); tell {
			events = append(events, e)
		}
		if now.InactiveSince != nil && (was == nil || was.InactiveSince == nil && was.Message != now.Message) {
			events = append(events, Event{corev1.EventTypeNormal, RemovalWaits, fmt.Sprintf("the adapter of port %s is not active", of(now))})
		}
	}
	for _, was := range before.Ports {
		if ours(was) && find(after.Ports, was) == nil {
			events = append(events, Event{corev1.EventTypeNormal, PortRemoved, fmt.Sprintf("port %s was removed", of(was))})
		}
	}
	return events
}

func told(was *v1alpha1.PortStatus, now v1alpha1.PortStatus, taker string) (Event, bool) {
	state := ""
	if was != nil {
		state = was.State
	}
	if state == now.State {
		return Event{}, false
	}
	if taker == "" {
		taker = "somebody"
	}
	switch {
	case ours(now) && (was == nil || !ours(*was)):
		return Event{corev1.EventTypeNormal, PortAdded, fmt.Sprintf("port %s was added", of(now))}, true
	case now.State == string(apply.Blocked):
		return Event{corev1.EventTypeWarning, PortBlocked, fmt.Sprintf("port %s cannot be had: %s", of(now), now.Message)}, true
	case now.State == string(apply.Shadowed):
		return Event{corev1.EventTypeNormal, PortShadowed, fmt.Sprintf("port %s: %s", of(now), now.Message)}, true
	case now.State == Pending && was != nil && ours(*was):
		return Event{corev1.EventTypeWarning, PortTaken, fmt.Sprintf("port %s was taken away by %s", of(now), taker)}, true
	}
	return Event{}, false
}

// ours tells that the port is declared as wanted, by us.
func ours(p v1alpha1.PortStatus) bool {
	return p.State == string(apply.Owned) || p.State == string(apply.Shared)
}

// find is the same port in another status: by its type, number and protocol.
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
