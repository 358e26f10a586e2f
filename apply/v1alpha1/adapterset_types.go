package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	// MaxAdapters is how many adapters one set may declare.
	MaxAdapters = 64
	// MaxTypeLength is how long the type of an adapter may be, in characters, and
	// how long its protocol.
	MaxTypeLength = 63
)

// AdapterSet says which adapter ports the container of one workload is to
// have, and how carefully to change them.
//
// +genclient
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=aset
// +kubebuilder:printcolumn:name="Target",type=string,JSONPath=`.spec.targetRef.name`
// +kubebuilder:printcolumn:name="Ports",type=integer,JSONPath=`.status.readyPorts`
// +kubebuilder:printcolumn:name="Desired",type=integer,JSONPath=`.status.desiredPorts`
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
// +kubebuilder:validation:XValidation:rule="(has(self.adapters) ? self.adapters.size() : 0) + (has(self.companions) ? self.companions.size() : 0) <= 64",message="adapters and companions must have at most 64 items together"
// +kubebuilder:validation:XValidation:rule="!has(self.discovery) || !has(self.adapters) || self.adapters.size() == 0",message="adapters and discovery exclude each other"
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

	// The list is omitzero: omitempty would drop an empty list, which removes the
	// ports of a set that used discovery before, where an absent one does not.
	//
	// It is nullable, and null means absent: where another manager made the list
	// by an Update, the API server stores null once the last item is given up.

	// adapters are the adapters that the workload runs: each has a port. Without
	// adapters and discovery there are none.
	// +optional
	// +nullable
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=64
	Adapters []Adapter `json:"adapters,omitzero"`

	// discovery says where to ask for the adapters, in place of a list.
	// +optional
	Discovery *Discovery `json:"discovery,omitempty"`

	// companions are further ports of the adapters, such as that of the portmapper
	// of NFS or the UDP port of a protocol that is listed with TCP. Each has the name
	// adapter-<name>, and is treated as the port of an adapter is.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=64
	Companions []Companion `json:"companions,omitempty"`

	// containerPorts is whether the ports of the container are managed. Ignore
	// manages the ports of Services alone, so that no pod restarts.
	// +optional
	// +kubebuilder:default=Manage
	ContainerPorts ContainerPortsPolicy `json:"containerPorts,omitempty"`

	// services are Services in the namespace of this object whose adapter ports
	// are managed too. portside never creates or deletes a Service: another
	// manager declares each, with at least one port that has a name.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=16
	Services []Service `json:"services,omitempty"`

	// rollout says how carefully to change ports, since a changed port
	// restarts pods.
	// +optional
	// +kubebuilder:default={}
	Rollout Rollout `json:"rollout,omitzero"`

	// hostNetwork says what to do where the pods use the network of their
	// node, so that a port takes the number from the whole node. Block leaves
	// the port out and reports it Blocked. Allow adds it if the workload has the
	// annotation portside.dev/allow-host-network with the value "true" too.
	// +optional
	// +kubebuilder:default=Block
	HostNetwork HostNetworkPolicy `json:"hostNetwork,omitempty"`

	// deletionPolicy says what becomes of the ports when this object is
	// deleted. Retain gives them up and leaves them in place, so nothing
	// restarts. Remove removes them first; where they may not be removed, they
	// stay, and an event says why.
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

// Adapter is a protocol listener that the workload runs.
type Adapter struct {
	// type names the protocol, such as nfs: printable ASCII characters other than
	// the backslash, at least one of them a letter or a digit. The port is named
	// after it.
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[ -\[\]-~]*[0-9A-Za-z][ -\[\]-~]*$`
	Type string `json:"type"`

	// port is the number it listens on.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	Port int32 `json:"port"`

	// protocol of the port.
	// +optional
	// +kubebuilder:default=TCP
	// +kubebuilder:validation:Enum=TCP;UDP;SCTP
	Protocol string `json:"protocol,omitempty"`
}

// Companion is a further port of one or more adapters, present while any of them is
// active.
//
// +kubebuilder:validation:XValidation:rule="has(self.adapter) != has(self.adapters)",message="exactly one of adapter and adapters must be set"
// +kubebuilder:validation:XValidation:rule="has(self.port) || !has(self.adapters) || self.adapters.size() == 1",message="port must be set for more than one adapter"
type Companion struct {
	// name of the companion. The port is named after it, as that of an adapter is
	// after its type.
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Name string `json:"name"`

	// adapter is the type of the adapter that the port belongs to.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[ -\[\]-~]*[0-9A-Za-z][ -\[\]-~]*$`
	Adapter string `json:"adapter,omitempty"`

	// adapters are the types of several adapters, in place of adapter: the port is
	// present while any of them is active.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MaxLength=63
	// +kubebuilder:validation:items:Pattern=`^[ -\[\]-~]*[0-9A-Za-z][ -\[\]-~]*$`
	Adapters []string `json:"adapters,omitempty"`

	// port is the number; that of the adapter if it is not given.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	Port int32 `json:"port,omitempty"`

	// protocol of the port.
	// +optional
	// +kubebuilder:default=TCP
	// +kubebuilder:validation:Enum=TCP;UDP;SCTP
	Protocol string `json:"protocol,omitempty"`
}

// Rollout says how carefully to change ports. It concerns the continuous
// service; a single pass is explicit and waits for nothing.
type Rollout struct {
	// mode is when a change of container ports is applied. Immediate applies it
	// at once, which restarts pods. NextRollout waits until another manager
	// changes the pod template, and applies the change with that rollout, so that
	// portside causes no rollout of its own. A change that restarts no pods does
	// not wait, nor does a port that the pods of a rollout wait for.
	// +optional
	// +kubebuilder:default=Immediate
	Mode RolloutMode `json:"mode,omitempty"`

	// stabilizationWindowSeconds is how long the desired ports must stay the same
	// before they are applied, all in one request.
	// +optional
	// +kubebuilder:default=10
	// +kubebuilder:validation:Minimum=0
	StabilizationWindowSeconds *int32 `json:"stabilizationWindowSeconds,omitempty"`

	// removalDelaySeconds is how long an adapter must have been inactive
	// before its port goes. A restart makes every adapter look stopped for a
	// while; this outlasts it.
	// +optional
	// +kubebuilder:default=300
	// +kubebuilder:validation:Minimum=0
	RemovalDelaySeconds *int32 `json:"removalDelaySeconds,omitempty"`
}

// RolloutMode is when a change of container ports is applied.
//
// +kubebuilder:validation:Enum=Immediate;NextRollout
type RolloutMode string

const (
	// RolloutImmediate applies a change at once, which restarts pods.
	RolloutImmediate RolloutMode = "Immediate"
	// RolloutNext applies a change with the next rollout that another manager
	// causes.
	RolloutNext RolloutMode = "NextRollout"
)

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
