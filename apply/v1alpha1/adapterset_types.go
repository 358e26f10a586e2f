package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	// MaxAdapters is how many adapters one set may declare.
	MaxAdapters = 64
	// MaxTypeLength is how long the type of an adapter may be, in characters.
	// No type that long gives a port. It bounds what it costs the API server to
	// compare the types of a set.
	MaxTypeLength = 1024
)

// AdapterSet says which adapter ports the container of one workload is to
// have, and how carefully to change them.
//
// +genclient
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=aset
// +kubebuilder:printcolumn:name="Target",type=string,JSONPath=`.spec.targetRef.name`
// +kubebuilder:printcolumn:name="Ports",type=string,JSONPath=`.status.summary`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Blocked",type=string,priority=1,JSONPath=`.status.ports[?(@.state=="Blocked")].name`
// +kubebuilder:printcolumn:name="Message",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="Ready")].message`
type AdapterSet struct {
	metav1.TypeMeta `json:",inline"`

	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is what is wanted.
	Spec AdapterSetSpec `json:"spec"`

	// status is what was found and done.
	// +optional
	Status AdapterSetStatus `json:"status,omitzero"`
}

// AdapterSetList is a list of AdapterSets.
//
// +kubebuilder:object:root=true
type AdapterSetList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	// items are the sets.
	Items []AdapterSet `json:"items"`
}

// AdapterSetSpec is what is wanted: for which workload, which adapters or
// where to ask for them, and how to bring a change in.
//
// +kubebuilder:validation:XValidation:rule="has(self.adapters) != has(self.discovery)",message="exactly one of adapters and discovery must be set"
type AdapterSetSpec struct {
	// targetRef names the workload, in the namespace of this object.
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="targetRef is immutable: delete this AdapterSet and create another"
	TargetRef TargetRef `json:"targetRef"`

	// container is the name of the target's container that has the ports.
	// Without it, it is the one that the pod template's annotation
	// kubectl.kubernetes.io/default-container names, or else the only one.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Container string `json:"container,omitempty"`

	// The list is omitzero, since nil and an empty list differ here: omitempty
	// would drop the empty list and turn "none" into "not said". A pointer to
	// a slice would do too, but is unusual in Kubernetes types and would need
	// a check at each use.
	//
	// For the same reason it is atomic to server-side apply, though it is a map
	// by type, which a rule sees to. Of a keyed list nobody owns the list
	// itself: an apply of [] in place of items leaves no list, and one of
	// discovery in place of [] leaves the [] beside it. The server refuses both.
	//
	// It is nullable, and a null is no list. No rule can refuse a null: the
	// server would drop it from an object that is created, and refuse it in
	// one that is applied.

	// adapters are the adapters that the workload serves. An empty list means
	// none: ports that this object brought go away.
	// +optional
	// +nullable
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:XValidation:rule="self.all(a, self.exists_one(b, b.type == a.type))",message="each adapter must have a type of its own"
	Adapters []Adapter `json:"adapters,omitzero"`

	// discovery says where to ask for the adapters, in place of a list.
	// +optional
	Discovery *Discovery `json:"discovery,omitempty"`

	// rollout says how carefully to change ports, since a changed port
	// restarts pods.
	// +optional
	// +kubebuilder:default={}
	Rollout Rollout `json:"rollout,omitzero"`

	// deletionPolicy says what becomes of the ports when this object is
	// deleted. Retain gives them up and leaves them in place, so nothing
	// restarts. Remove takes them away first.
	// +optional
	// +kubebuilder:default=Retain
	DeletionPolicy DeletionPolicy `json:"deletionPolicy,omitempty"`

	// suspend stops every write to the target until it is false again.
	// +optional
	Suspend bool `json:"suspend,omitempty"`
}

// TargetRef names a workload in the namespace of the AdapterSet.
type TargetRef struct {
	// apiVersion of the workload.
	// +kubebuilder:validation:Enum=apps/v1
	APIVersion string `json:"apiVersion"`

	// kind of the workload.
	// +kubebuilder:validation:Enum=StatefulSet;Deployment;DaemonSet
	Kind string `json:"kind"`

	// name of the workload.
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`
	Name string `json:"name"`
}

// Adapter is a protocol listener that the workload serves. Only its shape is
// checked here: an adapter that cannot have a port must not hold up the
// others, so type, port and protocol are judged one by one, later.
type Adapter struct {
	// type names the protocol, such as nfs. The port is named after it.
	// +kubebuilder:validation:MaxLength=1024
	Type string `json:"type"`

	// port is the number it listens on, 1 to 65535.
	Port int64 `json:"port"`

	// protocol is TCP, UDP or SCTP.
	// +optional
	// +kubebuilder:default=TCP
	Protocol string `json:"protocol,omitempty"`
}

// Rollout says how carefully to change ports. It concerns the continuous
// service; a single pass is explicit and waits for nothing.
type Rollout struct {
	// settleSeconds is how long changes must have been still before they go
	// out together.
	// +optional
	// +kubebuilder:default=10
	// +kubebuilder:validation:Minimum=0
	SettleSeconds *int32 `json:"settleSeconds,omitempty"`

	// removalPolicy says when the port of an inactive adapter goes:
	// AfterDelay, once it has been inactive for removalDelaySeconds.
	// +optional
	// +kubebuilder:default=AfterDelay
	RemovalPolicy RemovalPolicy `json:"removalPolicy,omitempty"`

	// removalDelaySeconds is how long an adapter must have been inactive
	// before its port goes. A restart makes every adapter look stopped for a
	// while; this outlasts it.
	// +optional
	// +kubebuilder:default=300
	// +kubebuilder:validation:Minimum=0
	RemovalDelaySeconds *int32 `json:"removalDelaySeconds,omitempty"`

	// hostNetwork says what to do where the pods use the network of their
	// node, so that a port takes the number from the whole node. Block leaves
	// the port out and reports it Blocked. Allow adds it if the workload has the
	// annotation portside.dev/allow-host-network with the value "true" too.
	// +optional
	// +kubebuilder:default=Block
	HostNetwork HostNetworkPolicy `json:"hostNetwork,omitempty"`
}

// DeletionPolicy says what becomes of the ports when their AdapterSet goes.
//
// +kubebuilder:validation:Enum=Retain;Remove
type DeletionPolicy string

const (
	// DeletionRetain gives the ports up and leaves them in place.
	DeletionRetain DeletionPolicy = "Retain"
	// DeletionRemove takes the ports away before the AdapterSet goes.
	DeletionRemove DeletionPolicy = "Remove"
)

// RemovalPolicy says when the port of an inactive adapter goes.
//
// +kubebuilder:validation:Enum=AfterDelay
type RemovalPolicy string

// RemovalAfterDelay takes a port away once its adapter has been inactive for
// removalDelaySeconds.
const RemovalAfterDelay RemovalPolicy = "AfterDelay"

// HostNetworkPolicy says what to do where pods use the network of their node.
//
// +kubebuilder:validation:Enum=Block;Allow
type HostNetworkPolicy string

const (
	// HostNetworkBlock leaves the ports out and reports them Blocked.
	HostNetworkBlock HostNetworkPolicy = "Block"
	// HostNetworkAllow adds the ports all the same.
	HostNetworkAllow HostNetworkPolicy = "Allow"
)
