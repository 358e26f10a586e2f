package v1alpha1

// ContainerPortsPolicy is whether the ports of containers are managed.
//
// +kubebuilder:validation:Enum=Manage;Ignore
type ContainerPortsPolicy string

const (
	// ContainerPortsManage manages them.
	ContainerPortsManage ContainerPortsPolicy = "Manage"
	// ContainerPortsIgnore manages the ports of Services alone.
	ContainerPortsIgnore ContainerPortsPolicy = "Ignore"
)

// Service is a Service whose adapter ports are managed.
type Service struct {
	// name of the Service.
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Name string `json:"name"`

	// ports are the adapters and companions that the Service exposes, and how. Without
	// the list it exposes each adapter under the adapter's own number, and no companion. Discovered adapters in a
	// Service of type NodePort or LoadBalancer need the list: what a pod answers must
	// not open further ports outside the cluster.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=64
	Ports []ServicePort `json:"ports,omitempty"`

	// targetPort is what the ports of the Service lead to. Number is the adapter's
	// number: a renumbered adapter is reached at once, without a restart. Name is
	// the name of the container port: each pod is reached on the number that it
	// declares, also during a rollout. The default is Number where the adapters are
	// discovered, and Name where they are declared.
	// +optional
	TargetPort TargetPortPolicy `json:"targetPort,omitempty"`

	// whenInactive is what happens to the port of an adapter that is inactive.
	// Remove removes it after rollout.removalDelaySeconds. Keep keeps it, with its
	// node port.
	// +optional
	// +kubebuilder:default=Remove
	WhenInactive WhenInactivePolicy `json:"whenInactive,omitempty"`
}

// ServicePort is an adapter, or a companion of one, that a Service exposes.
//
// +kubebuilder:validation:XValidation:rule="has(self.adapter) != has(self.companion)",message="exactly one of adapter and companion is needed"
type ServicePort struct {
	// adapter is the type of the adapter.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[ -\[\]-~]*[0-9A-Za-z][ -\[\]-~]*$`
	Adapter string `json:"adapter,omitempty"`

	// companion is the name of the companion, one of spec.companions.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[ -\[\]-~]*[0-9A-Za-z][ -\[\]-~]*$`
	Companion string `json:"companion,omitempty"`

	// port is the number under which the Service exposes the adapter; the adapter's
	// own if it is not given.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	Port int32 `json:"port,omitempty"`

	// nodePort is the number on each node, in a Service of type NodePort or
	// LoadBalancer. Without it the API server chooses one, which stays as long as the
	// port does.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	NodePort int32 `json:"nodePort,omitempty"`

	// appProtocol is the application protocol, such as kubernetes.io/h2c.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	AppProtocol string `json:"appProtocol,omitempty"`
}

// TargetPortPolicy is what the ports of a Service lead to.
//
// +kubebuilder:validation:Enum=Number;Name
type TargetPortPolicy string

const (
	// TargetPortNumber leads to the adapter's number.
	TargetPortNumber TargetPortPolicy = "Number"
	// TargetPortName leads to the container port of the name.
	TargetPortName TargetPortPolicy = "Name"
)

// WhenInactivePolicy is what happens to the Service port of an inactive adapter.
//
// +kubebuilder:validation:Enum=Remove;Keep
type WhenInactivePolicy string

const (
	// WhenInactiveRemove removes the port after the removal delay.
	WhenInactiveRemove WhenInactivePolicy = "Remove"
	// WhenInactiveKeep keeps the port and its node port.
	WhenInactiveKeep WhenInactivePolicy = "Keep"
)
