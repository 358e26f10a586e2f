package httpapi

import (
	"math"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/cmd/portside/internal/discovery"
)

// Endpoint is how to ask each pod of a target.
type Endpoint struct {
	Scheme v1alpha1.Scheme
	// ServerName is the name that the certificate must be for; the pod's
	// address if it is empty. It is not looked up.
	ServerName string
	// Path begins with a slash and may have a query.
	Path string
	// Expression maps the answer to the list of adapters; without it the answer is
	// the list.
	Expression string
	// LoginPath is where a token is requested; empty to request none.
	LoginPath string
	// Timeout is for one question to one pod, logins included.
	Timeout time.Duration
}

func (e Endpoint) check() error {
	invalid := func(text string) error { return &discovery.Error{Reason: discovery.EndpointInvalid, Message: text} }
	switch {
	case e.Scheme != v1alpha1.SchemeHTTP && e.Scheme != v1alpha1.SchemeHTTPS:
		return invalid("the scheme is neither HTTP nor HTTPS")
	case !isPath(e.Path):
		return invalid("the path is not the path of a request")
	case e.LoginPath != "" && !isPath(e.LoginPath):
		return invalid("the login path is not the path of a request")
	case e.Timeout <= 0:
		return invalid("the timeout is not positive")
	}
	return nil
}

// isPath reports whether a text can be the path of a request, with or without a query.
func isPath(text string) bool {
	_, err := url.ParseRequestURI(text)
	return err == nil && strings.HasPrefix(text, "/")
}

// addressOf returns the address and port of a pod. Addresses that no pod of a
// cluster has are refused, as kube-apiserver's proxy to pods does: a user who may
// write the status of a pod must not be able to make portside ask the metadata
// service of the node, or portside itself.
func addressOf(pod discovery.Pod, allowLoopback bool) (netip.AddrPort, error) {
	address, err := netip.ParseAddr(pod.Address)
	address = address.Unmap()
	switch {
	case err != nil || address.Zone() != "":
		return netip.AddrPort{}, &discovery.Error{Reason: discovery.Unreachable, Message: "the pod has no IP address"}
	case address.IsLoopback() && allowLoopback: // the server of a test
	case !address.IsGlobalUnicast():
		return netip.AddrPort{}, &discovery.Error{Reason: discovery.Unreachable, Message: "no pod can have this address"}
	}
	if pod.Port == 0 {
		return netip.AddrPort{}, &discovery.Error{Reason: discovery.EndpointInvalid, Message: "the pod has no port of the name in spec.discovery.http.port"}
	}
	if pod.Port < 1 || pod.Port > math.MaxUint16 {
		return netip.AddrPort{}, &discovery.Error{Reason: discovery.EndpointInvalid, Message: "the port is not within 1 to 65535"}
	}
	return netip.AddrPortFrom(address, uint16(pod.Port)), nil
}
