package port

// Reason is the cause of an item's state, for programs to read. Each reason
// belongs to the states that its comment names. The reason of a plain Owned or
// Removed item is empty.
type Reason string

const (
	// ReasonCoOwned (Shared): another manager declares the port as desired, too.
	ReasonCoOwned Reason = "CoOwned"
	// ReasonDeclaredByOwner (Shadowed): another manager declares the number and
	// protocol under another name, or without one.
	ReasonDeclaredByOwner Reason = "DeclaredByOwner"
	// ReasonUnowned (Shadowed): the number and protocol are live under another name, or
	// without one, and no manager owns them.
	ReasonUnowned Reason = "Unowned"
	// ReasonRenamed (Blocked, Released): another manager gave our port another name.
	ReasonRenamed Reason = "Renamed"
	// ReasonNameTaken (Blocked): the port's name is live on another number or protocol
	// that is not ours alone.
	ReasonNameTaken Reason = "NameTaken"
	// ReasonDuplicateKey (Blocked; Removed by an adoption): the container has two ports
	// with this number and protocol.
	ReasonDuplicateKey Reason = "DuplicateKey"
	// ReasonDuplicateName (Blocked): an adapter listed before has the same port name.
	ReasonDuplicateName Reason = "DuplicateName"
	// ReasonDuplicatePort (Blocked): an adapter listed before has the same number and
	// protocol.
	ReasonDuplicatePort Reason = "DuplicatePort"
	// ReasonHostNetworkNotAllowed (Blocked): the pod template has hostNetwork, and
	// not both portside's user and the workload's owner allow ports there.
	ReasonHostNetworkNotAllowed Reason = "HostNetworkNotAllowed"
	// ReasonTooManyPorts (Blocked): the list would have more than [List.Max].
	ReasonTooManyPorts Reason = "TooManyPorts"
	// ReasonFieldTaken (Owned, Shared): another manager owns a further field of the port,
	// such as targetPort, and gave it another value.
	ReasonFieldTaken Reason = "FieldTaken"
	// ReasonNodePortTaken (Blocked): another port of the Service has the nodePort.
	ReasonNodePortTaken Reason = "NodePortTaken"
	// ReasonUnnamedPort (Blocked, Retained): another manager's port has no name, and the
	// API server takes no other port next to it.
	ReasonUnnamedPort Reason = "UnnamedPort"
	// ReasonLastPort (Retained, Released): it is the last port of a Service that cannot be
	// without one.
	ReasonLastPort Reason = "LastPort"
	// ReasonRefused (Blocked): the API server refused this port.
	ReasonRefused Reason = "Refused"
	// ReasonPaused (Blocked): an annotation stops every write to the workload.
	ReasonPaused Reason = "Paused"
	// ReasonNotApplied (Blocked): the port was to be applied, and the reconciliation
	// ended before that.
	ReasonNotApplied Reason = "NotApplied"
	// ReasonInvalidType (Invalid): no port name can be made of the adapter's type.
	ReasonInvalidType Reason = "InvalidType"
	// ReasonInvalidPort (Invalid): the number is not a port number.
	ReasonInvalidPort Reason = "InvalidPort"
	// ReasonInvalidProtocol (Invalid): the protocol is none that Kubernetes knows.
	ReasonInvalidProtocol Reason = "InvalidProtocol"
	// ReasonInvalidTargetPort (Invalid): the target port is neither a port number nor a
	// name that a container port can have.
	ReasonInvalidTargetPort Reason = "InvalidTargetPort"
	// ReasonInvalidNodePort (Invalid): the node port is not a port number.
	ReasonInvalidNodePort Reason = "InvalidNodePort"
)
