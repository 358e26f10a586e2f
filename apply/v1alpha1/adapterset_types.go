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

// AdapterSet declares which adapter ports a workload and its Services should have,
// and when changes of them may be applied.
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

	// spec is the desired state.
	Spec AdapterSetSpec `json:"spec"`

	// status is the observed state.
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

// AdapterSetSpec is the desired state: the workload, its adapters or the source that
// lists them, and when changes may be applied.
//
// +kubebuilder:validation:XValidation:rule="(has(self.adapters) ? self.adapters.size() : 0) + (has(self.companions) ? self.companions.size() : 0) <= 64",message="adapters and companions must have at most 64 items together"
// +kubebuilder:validation:XValidation:rule="!has(self.discovery) || !has(self.adapters) || self.adapters.size() == 0",message="adapters and discovery exclude each other"
type AdapterSetSpec struct {
	// targetRef names the workload, in the namespace of this object.
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="targetRef is immutable: delete this AdapterSet and create another"
	TargetRef TargetRef `json:"targetRef"`

	// container is the name of the target's container that has the ports. The
	// default is the container that the pod template's annotation
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

	// adapters are the adapters that the workload runs. Each gets a port. With
	// neither adapters nor discovery there are none.
	// +optional
	// +nullable
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=64
	Adapters []Adapter `json:"adapters,omitzero"`

	// discovery asks the target's pods for the adapters, in place of a list.
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

	// rollout is when changes of ports may be applied, since a changed container
	// port restarts pods.
	// +optional
	// +kubebuilder:default={}
	Rollout Rollout `json:"rollout,omitzero"`

	// hostNetwork is whether ports are added to pods with hostNetwork, where each
	// port reserves its number on the node. Block leaves the port out and reports
	// it Blocked. Allow adds it if the workload also has the annotation
	// portside.dev/allow-host-network with the value "true".
	// +optional
	// +kubebuilder:default=Block
	HostNetwork HostNetworkPolicy `json:"hostNetwork,omitempty"`

	// deletionPolicy is what happens to the ports when this object is deleted.
	// Retain leaves them in place without an owner, so nothing restarts. Remove
	// removes them first; if they may not be removed, they stay, and an event
	// reports why.
	// +optional
	// +kubebuilder:default=Retain
	DeletionPolicy DeletionPolicy `json:"deletionPolicy,omitempty"`

	// suspend stops every write to the target and the Services while it is true.
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
	// type is the protocol, such as nfs, of which the port's name is made: printable
	// ASCII characters other than the backslash, at least one of them a letter or a
	// digit.
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

// Rollout is when the service may apply changes of ports. The command portside sync
// applies them at once.
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

	// removalDelaySeconds is how long an adapter must have been inactive before its
	// port is removed. It should be longer than a restart, during which every adapter
	// looks stopped.
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

// DeletionPolicy is what happens to the ports when their AdapterSet is deleted.
//
// +kubebuilder:validation:Enum=Retain;Remove
type DeletionPolicy string

const (
	// DeletionRetain leaves the ports in place without an owner.
	DeletionRetain DeletionPolicy = "Retain"
	// DeletionRemove removes the ports before the AdapterSet is deleted.
	DeletionRemove DeletionPolicy = "Remove"
)

// HostNetworkPolicy is whether ports are added to pods with hostNetwork.
//
// +kubebuilder:validation:Enum=Block;Allow
type HostNetworkPolicy string

const (
	// HostNetworkBlock leaves the ports out and reports them Blocked.
	HostNetworkBlock HostNetworkPolicy = "Block"
	// HostNetworkAllow adds the ports if the workload allows it too.
	HostNetworkAllow HostNetworkPolicy = "Allow"
)
