package discovery

import (
	"math"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/portside-dev/portside/apply/v1alpha1"
)

// Pod is a pod to ask. The port is the pod's own: pods of two revisions may
// have different numbers under one name.
type Pod struct {
	Name string
	// Address is the pod's IP, as its status gives it.
	Address string
	// Port is 0 where the pod has none of the name that is to be asked.
	Port int32
}

// Endpoint is how to ask each pod of a target.
type Endpoint struct {
	Scheme v1alpha1.Scheme
	// ServerName is the name that the certificate must be for. Without one it
	// must be for the pod's address. It is not looked up.
	ServerName string
	// Path begins with a slash and may have a query.
	Path string
	// Timeout is for one question to one pod, logins included.
	Timeout time.Duration
}

func (e Endpoint) check() error {
	invalid := func(text string) error { return &Error{Reason: EndpointInvalid, text: text} }
	switch _, err := url.ParseRequestURI(e.Path); {
	case e.Scheme != v1alpha1.SchemeHTTP && e.Scheme != v1alpha1.SchemeHTTPS:
		return invalid("the scheme is neither HTTP nor HTTPS")
	case err != nil || !strings.HasPrefix(e.Path, "/"):
		return invalid("the path is not the path of a request")
	case e.Timeout <= 0:
		return invalid("the timeout is not positive")
	}
	return nil
}

// addressOf is where a pod is reached. Addresses that no pod of a cluster has
// are refused, as kube-apiserver's proxy to pods does: who may write the status
// of a pod is not to have us ask the node's metadata service, or ourselves.
func addressOf(pod Pod, allowLoopback bool) (netip.AddrPort, error) {
	address, err := netip.ParseAddr(pod.Address)
	address = address.Unmap()
	switch {
	case err != nil || address.Zone() != "":
		return netip.AddrPort{}, &Error{Reason: Unreachable, text: "the pod has no IP address"}
	case address.IsLoopback() && allowLoopback: // a test's own server
	case !address.IsGlobalUnicast():
		return netip.AddrPort{}, &Error{Reason: Unreachable, text: "the pod's address is not one that a pod can have"}
	}
	if pod.Port == 0 {
		return netip.AddrPort{}, &Error{Reason: EndpointInvalid, text: "the pod has no port of the name that is to be asked"}
	}
	if pod.Port < 1 || pod.Port > math.MaxUint16 {
		return netip.AddrPort{}, &Error{Reason: EndpointInvalid, text: "the port is not within 1 to 65535"}
	}
	return netip.AddrPortFrom(address, uint16(pod.Port)), nil
}
