package status

import "github.com/portside-dev/portside/apply/port"

// The types of conditions.
const (
	// Ready: every desired port is in place, that is Owned, Shared or Shadowed.
	Ready = "Ready"
	// Reconciling: something is going to change without manual action.
	Reconciling = "Reconciling"
	// Stalled: nothing changes until a person acts.
	Stalled = "Stalled"
	// Discovered: every ready pod answered, and they agree. Its reasons are
	// those of package discovery, and AwaitingAnswer.
	Discovered = "Discovered"
)

// ConditionReason is a reason of Ready, Reconciling or Stalled.
type ConditionReason string

// Reasons of Ready, most of which are also those of Stalled or Reconciling.
const (
	// InPlace: every desired port is in place.
	InPlace ConditionReason = "InPlace"
	// AwaitingAnswer: the source has not answered yet, so nothing changes.
	AwaitingAnswer ConditionReason = "AwaitingAnswer"
	// TargetNotFound: the workload does not exist (yet).
	TargetNotFound ConditionReason = "TargetNotFound"
	// TargetTaken: an older AdapterSet has the same target. Delete one.
	TargetTaken ConditionReason = "TargetTaken"
	// ContainerNotFound: the container does not exist, or there are several and none
	// is named. Set spec.container.
	ContainerNotFound ConditionReason = "ContainerNotFound"
	// FieldManagerNotDedicated: portside's field manager owns fields of the
	// workload that are no ports, which an apply would remove. Nothing is written.
	// It is also the reason of an event.
	FieldManagerNotDedicated ConditionReason = "FieldManagerNotDedicated"
	// NoSource: the AdapterSet has no source of adapters: spec.discovery was removed
	// and there are no spec.adapters, or this version does not know what it names.
	// Nothing is removed.
	NoSource ConditionReason = "NoSource"
	// InvalidExpression: spec.discovery.http.expression does not compile. Nothing
	// changes.
	InvalidExpression ConditionReason = "InvalidExpression"
	// ServiceNotFound: a Service does not exist (yet). This reason and the next three do
	// not affect the ports of the container and of other Services.
	ServiceNotFound ConditionReason = "ServiceNotFound"
	// ServiceTaken: an older AdapterSet names the same Service.
	ServiceTaken ConditionReason = "ServiceTaken"
	// ServicesDisabled: this installation does not manage Services.
	ServicesDisabled ConditionReason = "ServicesDisabled"
	// PortsNotListed: adapters are discovered, the Service is reached from outside the
	// cluster, and spec.services does not list which adapters it exposes.
	PortsNotListed ConditionReason = "PortsNotListed"
	// NamespaceExcluded: the installation excludes the namespace.
	NamespaceExcluded ConditionReason = "NamespaceExcluded"
	// Suspended: spec.suspend is true. Ready has this reason only where it had none
	// before. So has Paused.
	Suspended ConditionReason = "Suspended"
	// Paused: the workload has the annotation portside.dev/paused.
	Paused ConditionReason = "Paused"
	// Refused: the API server refused the ports. The message quotes its answer.
	Refused ConditionReason = "Refused"
	// Unavailable: the API server did not answer. The change is retried.
	Unavailable ConditionReason = "Unavailable"
	// Contended: another manager keeps removing ports. They are added again once an
	// hour. Have the manager that the message names leave them alone.
	Contended ConditionReason = "Contended"
	// Conflicting: a port is Blocked. The message names what is in the way.
	Conflicting ConditionReason = "Conflicting"
	// InvalidAdapter: an adapter makes no valid port.
	InvalidAdapter ConditionReason = "InvalidAdapter"
	// Stabilizing: a change is applied once it has stayed the same for
	// spec.rollout.stabilizationWindowSeconds.
	Stabilizing ConditionReason = "Stabilizing"
	// Deferred: a change waits for a rollout that another manager causes
	// (spec.rollout.mode NextRollout). Ready is true: nothing is wrong, and nothing
	// changes by itself.
	Deferred ConditionReason = "Deferred"
	// RolloutUnderWay: a change is applied once the rollout that is under way is
	// complete.
	RolloutUnderWay ConditionReason = "RolloutUnderWay"
	// RolloutStuck: the same, and that rollout makes no progress. Check its pods.
	RolloutStuck ConditionReason = "RolloutStuck"
	// RolloutLimit: a change is applied once fewer targets are in a rollout that
	// portside caused (--max-concurrent-rollouts).
	RolloutLimit ConditionReason = "RolloutLimit"
)

// Further reasons of Reconciling and Stalled.
const (
	// RollingOut: the ports are stored, and pods restart to get them.
	RollingOut ConditionReason = "RollingOut"
	// RemovalWaiting: a port's adapter is inactive; the port is removed after
	// spec.rollout.removalDelaySeconds.
	RemovalWaiting ConditionReason = "RemovalWaiting"
	// Removing: the AdapterSet is being deleted, and its ports are removed first.
	Removing ConditionReason = "Removing"
	// AsExpected: the condition is false.
	AsExpected ConditionReason = "AsExpected"
)

// Pending is the state of a desired port that is not applied yet; its reason is
// that of Reconciling. Package apply has the other states.
const Pending port.State = "Pending"
