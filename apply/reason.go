package apply

import "github.com/portside-dev/portside/fieldmanager"

// PortReason is the cause of a port's state, for programs to read. Each reason
// belongs to the states that its comment names. The reason of a plain Owned or
// Removed port is empty.
type Reason string

const (
	// ReasonCoOwned (Shared): another manager declares the port as desired, too.
	ReasonCoOwned port.Reason = "CoOwned"
	// ReasonDeclaredByOwner (Shadowed): another manager declares the number and
	// protocol under another name, or without one.
	ReasonDeclaredByOwner port.Reason = "DeclaredByOwner"
	// ReasonUnowned (Shadowed): the number and protocol are live under another name, or
	// without one, and no manager owns them.
	ReasonUnowned port.Reason = "Unowned"
	// ReasonRenamed (Blocked, Released): another manager gave our port another name.
	ReasonRenamed port.Reason = "Renamed"
	// ReasonNameTaken (Blocked): the port's name is live on another number or protocol
	// that is not ours alone.
	ReasonNameTaken port.Reason = "NameTaken"
	// ReasonDuplicateKey (Blocked; Removed by an adoption): the container has two ports
	// with this number and protocol.
	ReasonDuplicateKey port.Reason = "DuplicateKey"
	// ReasonDuplicateName (Blocked): an adapter listed before has the same port name.
	ReasonDuplicateName port.Reason = "DuplicateName"
	// ReasonDuplicatePort (Blocked): an adapter listed before has the same number and
	// protocol.
	ReasonDuplicatePort port.Reason = "DuplicatePort"
	// ReasonHostNetworkNotAllowed (Blocked): the pod template has hostNetwork, and
	// not both [Desired.AllowHostNetwork] and [AllowHostNetworkAnnotation] allow ports
	// there.
	ReasonHostNetworkNotAllowed port.Reason = "HostNetworkNotAllowed"
	// ReasonTooManyPorts (Blocked): the container would have more than [MaxPorts].
	ReasonTooManyPorts port.Reason = "TooManyPorts"
	// ReasonRefused (Blocked): the API server refused this port.
	ReasonRefused port.Reason = "Refused"
	// ReasonPaused (Blocked): the workload carries [PausedAnnotation].
	ReasonPaused port.Reason = "Paused"
	// ReasonNotApplied (Blocked): the port was to be applied, and the reconciliation
	// ended before that.
	ReasonNotApplied port.Reason = "NotApplied"
	// ReasonInvalidType (Invalid): no port name can be made of the adapter's type.
	ReasonInvalidType port.Reason = "InvalidType"
	// ReasonInvalidPort (Invalid): the number is not a port number.
	ReasonInvalidPort port.Reason = "InvalidPort"
	// ReasonInvalidProtocol (Invalid): the protocol is none that Kubernetes knows.
	ReasonInvalidProtocol port.Reason = "InvalidProtocol"
)

// Blocker is the live port in the way of a Blocked one, and the managers that
// can change that.
type Blocker struct {
	Port port.Port
	// Managers are sorted. They are empty where no manager owns the port.
	Managers []fieldmanager.Manager
	// AdoptFrom are the names of the managers that [Applier.Adopt] can take the port
	// from, in case they no longer write. They are those that own it by Updates, and
	// none where another manager applies it: that one's next apply would be refused.
	AdoptFrom []string
}
