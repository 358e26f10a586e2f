package apply

import (
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/portside-dev/portside/fieldmanager"
)

// State is what became of a wanted adapter port.
type State string

// The states of a port.
const (
	// Owned: the port is declared as wanted, by portside alone.
	Owned port.State = "Owned"
	// Shared: it is declared as wanted, by another manager as well.
	Shared port.State = "Shared"
	// Shadowed: its number and protocol are declared by another manager, or by
	// nobody, under another name. Traffic gets there; the name is not ours.
	Shadowed port.State = "Shadowed"
	// Blocked: it cannot be had as wanted. The message says what is in the way.
	Blocked port.State = "Blocked"
	// Invalid: the adapter does not make a valid port. It is left out, and what
	// was there under its name stays.
	Invalid port.State = "Invalid"
	// Removed: the port was ours and is gone.
	Removed port.State = "Removed"
	// Released: the port was ours and stays. After a release that keeps the
	// ports those own it who did beside us, or nobody; else it belongs to the
	// manager who had named it, whose port we do not delete.
	Released port.State = "Released"
)

// PortStatus is one port and what became of it.
type PortStatus struct {
	// Type is the adapter's, empty where no adapter that the pass knew of has
	// this port.
	Type string
	Name string
	// Port is the number as the source gave it, valid or not.
	Port     int64
	Protocol corev1.Protocol
	State    port.State
	// Reason is the cause of the state, empty for a plain Owned or Removed.
	Reason port.Reason
	// Blocker is the port in the way, where the reason is ReasonNameTaken,
	// ReasonDuplicateKey or ReasonRenamed.
	Blocker *port.Blocker
	// Owners are the managers that own the live port of this number and
	// protocol, ours included.
	Owners []fieldmanager.Manager
	// Message says why, for every state but a plain Owned or Removed. It is
	// the same as long as nothing changes.
	Message string
}

// Outcome is what became of a target.
type Outcome string

// The outcomes of a pass, a release or an adoption.
const (
	// Applied: the server stored a change.
	Applied Outcome = "Applied"
	// Unchanged: it saw none, or there was nothing to say to it.
	Unchanged Outcome = "Unchanged"
	// TargetNotFound: the workload is not there. It may come later.
	TargetNotFound Outcome = "TargetNotFound"
	// ContainerNotFound: the container is not there, or cannot be told.
	ContainerNotFound Outcome = "ContainerNotFound"
	// Paused: the workload carries [PausedAnnotation]; nothing was written.
	Paused Outcome = "Paused"
	// Failed: the server refused, or could not be asked.
	Failed Outcome = "Failed"
)

// Result is what a pass, a release or an adoption came to.
type Result struct {
	Target workload.Target
	// Container is the container's name or, where it was not found, the name that
	// was asked for.
	Container       string
	Outcome         Outcome
	ResourceVersion string
	// Ports are the wanted ones in the order of [Desired], then the
	// removed ones in the order they had, then the released ones.
	Ports []PortStatus
	// Warnings are about ports that are as wanted, or were adopted, in their
	// order. A release has none.
	Warnings []advice.Warning
	// Before and After are the workload as first and as last seen; both are
	// nil where there is none. After a dry run, After is what would be stored.
	// Before is the look that [Applier.ApplyFrom] was given, unless it had to look
	// itself before it wrote anything.
	Before, After *workload.Workload
	// Plan is what was last decided, of what the server had not refused; nil
	// where nothing could be. A release and an adoption have none.
	Plan *Plan
	// UpToDate tells of a pass that was Applied or Unchanged that another one on
	// After would have nothing to ask the server, see [Applier.UpToDate].
	UpToDate bool
}

// TemplateChanged tells whether the pod template changed by this write, so that
// the workload's controller may restart pods: something of ours was stored, and
// a container's ports are not what they were. It does not ask the generation,
// which also moves with what others write at the same time, such as a scale.
//
// What another writer changed of the ports meanwhile counts too where something
// of ours was stored. After a dry run it tells what would be.
func (r Result) TemplateChanged() bool {
	return r.Outcome == Applied && r.Before != nil && r.After != nil &&
		!slices.EqualFunc(r.Before.Containers, r.After.Containers, func(a, b workload.Container) bool {
			return a.Name == b.Name && slices.Equal(a.Ports, b.Ports)
		})
}
