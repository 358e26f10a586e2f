package v1alpha1

import "k8s.io/apimachinery/pkg/util/intstr"

// Discovery is the source that is asked for the adapters.
type Discovery struct {
	// http asks each ready pod of the target over HTTP.
	HTTP *HTTPDiscovery `json:"http"`
}

// HTTPDiscovery asks each ready pod of the target for its adapters. The address is
// that of the pod, and never comes from this object.
//
// +kubebuilder:validation:XValidation:rule="self.timeoutSeconds < self.intervalSeconds",message="timeoutSeconds must be less than intervalSeconds"
// +kubebuilder:validation:XValidation:rule="!has(self.loginPath) || has(self.credentialsRef)",message="loginPath needs credentialsRef"
type HTTPDiscovery struct {
	// port to ask: the name of a port of the container, or a number.
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:XValidation:rule="type(self) == int ? self >= 1 && self <= 65535 : self.size() <= 15 && self.matches('^[a-z0-9]+(-[a-z0-9]+)*$') && self.matches('[a-z]')",message="port must be a port's name or a number from 1 to 65535"
	Port intstr.IntOrString `json:"port"`

	// scheme of the request. It has no default, so that plain HTTP is always chosen
	// explicitly.
	// +kubebuilder:validation:Enum=HTTP;HTTPS
	Scheme Scheme `json:"scheme"`

	// serverName is the name that the server's certificate must have, for HTTPS. The
	// default is the pod's address.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`
	ServerName string `json:"serverName,omitempty"`

	// path of the request. It may have a query.
	// +optional
	// +kubebuilder:default="/api/v1/adapters"
	// +kubebuilder:validation:Pattern="^/"
	// +kubebuilder:validation:MaxLength=1024
	Path string `json:"path,omitempty"`

	// expression is a CEL expression that maps the JSON answer, self, to the list of
	// adapters: objects with type and port and, where they differ from TCP, true and
	// true, protocol, enabled and running. Identical elements count once. Without an
	// expression the answer is the list itself. An expression that does not compile
	// makes this object Stalled (InvalidExpression), and changes nothing.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=4096
	Expression string `json:"expression,omitempty"`

	// intervalSeconds is the time between two requests to one pod.
	// +optional
	// +kubebuilder:default=30
	// +kubebuilder:validation:Minimum=5
	// +kubebuilder:validation:Maximum=3600
	IntervalSeconds *int32 `json:"intervalSeconds,omitempty"`

	// timeoutSeconds is how long one request may take in total.
	// +optional
	// +kubebuilder:default=10
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=60
	TimeoutSeconds *int32 `json:"timeoutSeconds,omitempty"`

	// credentialsRef names a Secret in the namespace of this object that has the
	// label portside.dev/credentials: "true". A Secret without that label is not
	// used.
	// +optional
	CredentialsRef *CredentialsRef `json:"credentialsRef,omitempty"`

	// loginPath is where the username and the password of the Secret are posted for
	// a token, to the pod that is asked. Without it, the Secret's access-token is
	// used or, if it has none, the username and the password by HTTP Basic.
	// +optional
	// +kubebuilder:validation:Pattern="^/"
	// +kubebuilder:validation:MaxLength=1024
	LoginPath string `json:"loginPath,omitempty"`
}

// Scheme is the scheme of an HTTP request.
type Scheme string

const (
	// SchemeHTTP asks in clear text.
	SchemeHTTP Scheme = "HTTP"
	// SchemeHTTPS asks over TLS and checks the server's certificate.
	SchemeHTTPS Scheme = "HTTPS"
)

// CredentialsLabel is the label that a Secret needs, with the value "true",
// before it is used as credentials.
const CredentialsLabel = "portside.dev/credentials"

// CredentialsRef names a Secret in the namespace of the AdapterSet.
type CredentialsRef struct {
	// name of the Secret.
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`
	Name string `json:"name"`
}
