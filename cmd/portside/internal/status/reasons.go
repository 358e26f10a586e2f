package status

import "github.com/portside-dev/portside/cmd/portside/internal/discovery"

// The types of conditions.
const (
	// Ready: every desired port is in place: Owned, Shared or Shadowed.
	Ready = "Ready"
	// Reconciling: something will change without action.
	Reconciling = "Reconciling"
	// Stalled: nothing more will change until a person acts.
	Stalled = "Stalled"
	// Discovered: every ready pod answered, and they agree. Its reasons are
	// those of package discovery, and AwaitingAnswer.
	Discovered = discovery.Discovered
)

// Reasons of Ready, most of which are also those of Stalled or Reconciling.
const (
	// InPlace: every desired port is.
	InPlace = "InPlace"
	// AwaitingAnswer: no pod has answered yet, so nothing changes.
	AwaitingAnswer = "AwaitingAnswer"
	// TargetNotFound: the workload does not exist (yet).
	TargetNotFound = "TargetNotFound"
	// TargetTaken: an older AdapterSet has the same target. Delete one.
	TargetTaken = "TargetTaken"
	// ContainerNotFound: the container does not exist, or there are several and none
	// is named. Set spec.container.
	ContainerNotFound = "ContainerNotFound"
	// FieldManagerNotDedicated: portside's field manager owns fields of the
	// workload that are no ports, which an apply would remove. Nothing is written.
	// It is also the reason of an event.
	FieldManagerNotDedicated = "FieldManagerNotDedicated"
	// NoSource: the AdapterSet had discovery, and has neither discovery nor
	// adapters now. Nothing is removed. Set one of them.
	NoSource = "NoSource"
	// NamespaceExcluded: the installation excludes the namespace.
	NamespaceExcluded = "NamespaceExcluded"
	// Suspended: spec.suspend is true. Ready has this reason only where it had none
	// before. So has Paused.
	Suspended = "Suspended"
	// Paused: the workload has the annotation portside.dev/paused.
	Paused = "Paused"
	// Refused: the API server refused the ports. The message has its words.
	Refused = "Refused"
	// Unavailable: the API server did not answer. The change is retried.
	Unavailable = "Unavailable"
	// Fighting: another manager keeps removing ports, which are withheld for now.
	// They are added again once an hour. Have the manager that the message names
	// leave them alone.
	Fighting = "Fighting"
	// Conflicting: a port is Blocked. Its message says by what.
	Conflicting = "Conflicting"
	// InvalidAdapter: an adapter makes no valid port.
	InvalidAdapter = "InvalidAdapter"
	// Settling: the ports are about to change, once what is wanted has been the
	// same for spec.rollout.stabilizationWindowSeconds.
	Settling = "Settling"
	// RolloutUnderWay: the ports are about to change, once the rollout that is
	// under way is complete.
	RolloutUnderWay = "RolloutUnderWay"
	// RolloutStuck: the same, and that rollout does not get on. See to its pods.
	RolloutStuck = "RolloutStuck"
	// RolloutLimit: the ports are about to change, once fewer targets are in a
	// rollout that portside caused (--max-concurrent-rollouts).
	RolloutLimit = "RolloutLimit"
)

// Further reasons of Reconciling and Stalled.
const (
	// RollingOut: the ports are stored, and the pods get them.
	RollingOut = "RollingOut"
	// RemovalWaiting: a port's adapter is inactive; the port is removed after
	// spec.rollout.removalDelaySeconds.
	RemovalWaiting = "RemovalWaiting"
	// Removing: the AdapterSet is being deleted, and its ports go first.
	Removing = "Removing"
	// AsExpected: the condition is false.
	AsExpected = "AsExpected"
)

// Pending is the state of a port that is wanted and will be applied once what
// its message names is over. Package apply has the other states.
const Pending = "Pending"
