package apply

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/portside-dev/portside/apply/port"
	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/apply/workload"
)

// Desired are the ports that a workload should have.
type Desired struct {
	// Container is the container that has the ports. Empty means the one that
	// [workload.Workload.Container] returns.
	Container string
	// Adapters are the active adapters, at most [MaxAdapters]. A port of ours
	// whose adapter is not listed is removed.
	Adapters []Adapter
	// Retained are inactive adapters whose ports are kept until the removal delay
	// has passed. They are desired as active ones are, after those, and do not
	// count toward [MaxAdapters].
	Retained []Adapter
	// AllowHostNetwork allows ports in a pod template with hostNetwork, where each
	// reserves its number on the node. The workload must allow it too, by
	// [workload.AllowHostNetworkAnnotation].
	AllowHostNetwork bool
}

// all returns the adapters that have a desired port, the active ones first.
func (d Desired) all() []Adapter { return slices.Concat(d.Adapters, d.Retained) }

// TooManyError refuses a list of adapters whole.
type TooManyError struct{ Count int }

// Error returns both numbers.
func (e *TooManyError) Error() string {
	return fmt.Sprintf("%d adapters are listed; at most %d are taken, and none of a longer list", e.Count, MaxAdapters)
}

// items returns the desired items of a list of ports. Its error is a [TooManyError].
func (d Desired) items(list port.List) ([]port.DesiredItem, error) {
	if len(d.Adapters) > MaxAdapters {
		return nil, &TooManyError{Count: len(d.Adapters)}
	}
	var items []port.DesiredItem
	for _, a := range d.all() {
		item := port.DesiredItem{Type: a.Type, Invalid: a.invalid()}
		if item.Name = PortName(a.Type); item.Invalid == nil {
			item.Key = list.KeyOf(a.Port, protocolOf(a))
		}
		items = append(items, item)
	}
	return items, nil
}

// blocked returns why no port may be declared in the workload's pod template, nil where
// ports may.
func (d Desired) blocked(w *workload.Workload) *port.Cause {
	if !w.HostNetwork || d.AllowHostNetwork && w.HostNetworkAllowed {
		return nil
	}
	return &port.Cause{
		Reason:  port.ReasonHostNetworkNotAllowed,
		Message: "the pod template has hostNetwork: true, so the number would be reserved on the node",
	}
}

func protocolOf(a Adapter) corev1.Protocol {
	if a.Protocol == "" {
		return corev1.ProtocolTCP
	}
	return corev1.Protocol(strings.ToUpper(printable(a.Protocol)))
}

// invalid returns why the adapter makes no port, nil for a valid adapter.
func (a Adapter) invalid() *port.Cause {
	protocol := protocolOf(a)
	switch {
	case a.Type != "" && !v1alpha1.ValidType(a.Type):
		return &port.Cause{Reason: port.ReasonInvalidType, Message: fmt.Sprintf(`the type "%s" is not 1 to %d printable ASCII characters without a backslash`, printable(a.Type), v1alpha1.MaxTypeLength)}
	case PortName(a.Type) == "":
		return &port.Cause{Reason: port.ReasonInvalidType, Message: fmt.Sprintf("the type %.40q has no letter a to z and no digit to make a port name of", a.Type)}
	case a.Port < 1 || a.Port > 65535:
		return &port.Cause{Reason: port.ReasonInvalidPort, Message: fmt.Sprintf("port %d is not within 1 to 65535", a.Port)}
	case protocol != corev1.ProtocolTCP && protocol != corev1.ProtocolUDP && protocol != corev1.ProtocolSCTP:
		return &port.Cause{Reason: port.ReasonInvalidProtocol, Message: fmt.Sprintf("protocol %+.40q is none of TCP, UDP, SCTP", a.Protocol)}
	}
	return nil
}
