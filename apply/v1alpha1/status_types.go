package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// RequestedAtAnnotation on an AdapterSet requests a reconcile now, by any new value;
// a time as of RFC 3339 is usual. The service then polls the source again, ends
// back-off, and adds contended ports again at once. Once the source has answered,
// status.lastHandledReconcileAt has the value, of which the first 64 bytes count.
const RequestedAtAnnotation = "portside.dev/requestedAt"

// AdapterSetStatus is the observed state.
type AdapterSetStatus struct {
	// observedGeneration is the generation of the spec that this is about.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// lastHandledReconcileAt is the value of the annotation
	// portside.dev/requestedAt that was handled last.
	// +optional
	LastHandledReconcileAt string `json:"lastHandledReconcileAt,omitempty"`

	// target is the workload that the ports were last applied to. Its uid differs
	// from that of another workload of the same name.
	// +optional
	Target *TargetStatus `json:"target,omitempty"`

	// fieldManager is the name under which the ports are owned.
	// +optional
	FieldManager string `json:"fieldManager,omitempty"`

	// desiredPorts is the number of ports that the workload and the Services should
	// have.
	// +optional
	DesiredPorts int32 `json:"desiredPorts,omitempty"`

	// readyPorts is how many of them are in place: Owned, Shared or Shadowed.
	// +optional
	ReadyPorts int32 `json:"readyPorts,omitempty"`

	// ports are the desired ports of the container and the state of each. The list
	// is atomic: it has one writer, and two adapters may have the same port name, of
	// which one is then Blocked.
	// +optional
	// +listType=atomic
	Ports []PortStatus `json:"ports,omitempty"`

	// services are the Services of spec.services, and the state of their ports.
	// +optional
	// +listType=map
	// +listMapKey=name
	Services []ServiceStatus `json:"services,omitempty"`

	// changes are the changes of ports that portside stored in the pod template and
	// in Services, the newest last: at most 10, with at most 128 ports altogether.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=10
	Changes []PortsChange `json:"changes,omitempty"`

	// conditions are Ready, Reconciling, Stalled and Discovered.
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// TargetStatus identifies the workload and the container that were found.
type TargetStatus struct {
	// uid of the workload.
	UID types.UID `json:"uid"`

	// container that has the ports.
	Container string `json:"container"`
}

// ServiceStatus is the state of one Service.
type ServiceStatus struct {
	// name of the Service.
	Name string `json:"name"`

	// uid of the Service, empty if it does not exist.
	// +optional
	UID types.UID `json:"uid,omitempty"`

	// reason is why nothing is written to the Service, in CamelCase, such as
	// ServiceNotFound or Paused; empty if all its ports were applied.
	// +optional
	Reason string `json:"reason,omitempty"`

	// message explains the reason.
	// +optional
	Message string `json:"message,omitempty"`

	// ports are the desired ports and the state of each.
	// +optional
	// +listType=atomic
	Ports []PortStatus `json:"ports,omitempty"`

	// warnings are about a Service that does not lead where its ports say.
	// +optional
	// +listType=atomic
	Warnings []ServiceWarning `json:"warnings,omitempty"`
}

// ServiceWarning is about a Service that does not lead where its ports say.
type ServiceWarning struct {
	// reason is the cause, in CamelCase, such as SelectorMismatch.
	Reason string `json:"reason"`

	// message explains it.
	Message string `json:"message"`
}

// PortStatus is the state of one desired port.
type PortStatus struct {
	// type of the adapter, as it was given, or the name of the companion.
	// +optional
	Type string `json:"type,omitempty"`

	// name of the port.
	Name string `json:"name"`

	// port is the number as it was given, valid or not.
	Port int64 `json:"port"`

	// protocol of the port.
	// +optional
	Protocol string `json:"protocol,omitempty"`

	// state is whether the port is in place, and which managers own it.
	// +kubebuilder:validation:Enum=Owned;Shared;Shadowed;Blocked;Invalid;Pending;Retained
	State string `json:"state"`

	// reason is the cause of the state, in CamelCase; empty for a plain Owned.
	// Programs read it; message is for people.
	// +optional
	Reason string `json:"reason,omitempty"`

	// owners are the managers that own the live port, portside included.
	// +optional
	// +listType=atomic
	Owners []PortOwner `json:"owners,omitempty"`

	// inactiveSince is when the removal delay of an inactive adapter's port began.
	// It is absent while the delay does not advance: during a rollout, and while not
	// every pod answers. After a restart of portside the delay of a declared adapter
	// continues, and that of a discovered one begins again.
	// +optional
	InactiveSince *metav1.Time `json:"inactiveSince,omitempty"`

	// deferredSince is since when the port has waited for the next rollout that
	// another manager causes (spec.rollout.mode NextRollout).
	// +optional
	DeferredSince *metav1.Time `json:"deferredSince,omitempty"`

	// lastChangeTime is when portside last added the port to the pod template,
	// or gave it this name or number. It is absent for a port that portside
	// found there.
	// +optional
	LastChangeTime *metav1.Time `json:"lastChangeTime,omitempty"`

	// message explains the state.
	// +optional
	Message string `json:"message,omitempty"`

	// warnings are about managers whose way of writing will remove or change the
	// port. The message has their texts.
	// +optional
	// +listType=atomic
	Warnings []PortWarning `json:"warnings,omitempty"`
}

// PortWarning is about a manager whose way of writing will remove or change a
// port.
type PortWarning struct {
	// reason is the kind of the warning, in CamelCase, such as MergesByNumber.
	Reason string `json:"reason"`

	// manager is the name of the field manager.
	Manager string `json:"manager"`
}

// PortOwner is a field manager that owns a port.
type PortOwner struct {
	// manager is the name of the field manager.
	Manager string `json:"manager"`

	// operation is how the manager came to own the port: Apply or Update. Two
	// managers may differ in it alone.
	Operation metav1.ManagedFieldsOperationType `json:"operation"`
}

// PortsChange is one change of the ports of a pod template or a Service that portside
// stored.
type PortsChange struct {
	// time is when the API server stored it, in whole seconds.
	Time metav1.Time `json:"time"`

	// manager is the field manager that made it.
	Manager string `json:"manager"`

	// ports are those that changed. A port that got another name
	// or number was removed as it was, and added as it is.
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=128
	Ports []ChangedPort `json:"ports"`
}

// ChangedPort is a port of a container or a Service that was added, removed or changed.
type ChangedPort struct {
	// container that has, or had, the port; empty for a port of a Service.
	// +optional
	Container string `json:"container,omitempty"`

	// service that has, or had, the port; empty for a port of a container.
	// +optional
	Service string `json:"service,omitempty"`

	// name of the port; empty for one without a name.
	// +optional
	Name string `json:"name,omitempty"`

	// port is its number.
	Port int32 `json:"port"`

	// protocol of the port.
	Protocol string `json:"protocol"`

	// change is whether the port was added or removed, or another of its fields, such
	// as targetPort, changed.
	Change PortEdit `json:"change"`
}

// PortEdit is what happened to a port.
// +kubebuilder:validation:Enum=Added;Removed;Changed
type PortEdit string

// The edits of a port.
const (
	// PortAdded: the port was added.
	PortAdded PortEdit = "Added"
	// PortRemoved: the port was removed.
	PortRemoved PortEdit = "Removed"
	// PortChanged: another field of a Service's port changed, such as targetPort.
	PortChanged PortEdit = "Changed"
)
