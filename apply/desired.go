package apply

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/portside-dev/portside/apply/port"
	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/apply/workload"
)

// Desired are the ports that a workload or a Service should have.
type Desired struct {
	// Container is the container that has the ports. Empty means the one that
	// [workload.Workload.Container] returns.
	Container string
	// Adapters are the active adapters, at most [MaxAdapters], and their companions.
	// A port of ours whose adapter is not listed is removed.
	Adapters []Adapter
	// Retained are inactive adapters whose ports are kept until the removal delay
	// has passed. They are desired as active ones are, after those, and do not
	// count toward [MaxAdapters].
	Retained []Adapter
	// AllowHostNetwork allows ports in a pod template with hostNetwork, where each
	// reserves its number on the node. The workload must allow it too, by
	// [workload.AllowHostNetworkAnnotation].
	AllowHostNetwork bool
	// ServicePorts are the ports of a Service. Only a Service has them, and it has nothing
	// else of what is desired.
	ServicePorts []ServicePort
}

// ServicePort is the port of an adapter in a Service.
type ServicePort struct {
	// Adapter has the type, of which the port's name is made, and as Port the number that
	// the Service exposes.
	Adapter
	// TargetPort is the number at which pods are reached, or the name of their port. Zero
	// means the number that the Service exposes.
	TargetPort intstr.IntOrString
	// NodePort is the number on each node. Zero means the one that the API server allocated
	// or will allocate, where the type of the Service has node ports.
	NodePort int32
	// AppProtocol is the application protocol. Empty means none of ours.
	AppProtocol string
}

// all returns the desired ports, those of active adapters first. Those of a workload have
// an adapter alone.
func (d Desired) all() []ServicePort {
	all := slices.Clone(d.ServicePorts)
	for _, a := range slices.Concat(d.Adapters, d.Retained) {
		all = append(all, ServicePort{Adapter: a})
	}
	return all
}

// misplaced returns an error where ports of a Service are desired of a workload, or ports
// of a workload of a Service.
func (d Desired) misplaced(w *workload.Workload) error {
	switch {
	case w.Service == nil && len(d.ServicePorts) > 0:
		return &workload.TargetError{Target: w.Target, Err: errors.New("a workload has no ServicePorts: desire Adapters of it")}
	case w.Service != nil && (len(d.Adapters) > 0 || len(d.Retained) > 0):
		return &workload.TargetError{Target: w.Target, Err: errors.New("a Service has no containers: desire ServicePorts of it")}
	}
	return nil
}

// TooManyError refuses a list of adapters whole.
type TooManyError struct{ Count int }

// Error returns both numbers.
func (e *TooManyError) Error() string {
	return fmt.Sprintf("%d adapters are listed; at most %d are taken, and none of a longer list", e.Count, MaxAdapters)
}

// count returns the number of active adapters.
func (d Desired) count() (count int) {
	for _, a := range d.Adapters {
		if !a.Companion {
			count++
		}
	}
	return count
}

// items returns the desired items of a list of ports, that of a container or of the
// Service. Its error is a [TooManyError].
func (d Desired) items(list port.List, service *workload.ServiceSpec) ([]port.DesiredItem, error) {
	if count := d.count(); count > MaxAdapters {
		return nil, &TooManyError{Count: count}
	}
	var items []port.DesiredItem
	for _, p := range d.all() {
		item := port.DesiredItem{Type: p.Type, Invalid: p.invalid()}
		if p.NodePort != 0 && item.Invalid == nil && !service.HasNodePorts() {
			item.Invalid = &port.Cause{Reason: port.ReasonInvalidNodePort, Message: fmt.Sprintf("a Service of type %s has no node ports", service.Type)}
		}
		if item.Invalid == nil {
			item.Item = p.item(list)
		}
		item.Name = PortName(p.Type)
		items = append(items, item)
	}
	return items, nil
}

// item returns the item of a valid port.
func (p ServicePort) item(list port.List) port.Item {
	return list.Item(port.Port{
		Name: PortName(p.Type), Number: int32(p.Port), Protocol: protocolOf(p.Adapter), //nolint:gosec // G115: it is a port number
		TargetPort: p.target(), NodePort: p.NodePort, AppProtocol: p.AppProtocol,
	})
}

// target returns the target port of a valid port.
func (p ServicePort) target() intstr.IntOrString {
	if p.TargetPort == (intstr.IntOrString{}) {
		return intstr.FromInt32(int32(p.Port)) //nolint:gosec // G115: it is a port number
	}
	return p.TargetPort
}

// invalid returns why there can be no such port, nil for a valid one.
func (p ServicePort) invalid() *port.Cause {
	if cause := p.Adapter.invalid(); cause != nil {
		return cause
	}
	target := p.target()
	switch {
	case target.Type == intstr.Int && (target.IntVal < 1 || target.IntVal > 65535):
		return &port.Cause{Reason: port.ReasonInvalidTargetPort, Message: fmt.Sprintf("target port %d is not within 1 to 65535", target.IntVal)}
	case target.Type == intstr.String && len(validation.IsValidPortName(target.StrVal)) > 0:
		return &port.Cause{Reason: port.ReasonInvalidTargetPort, Message: fmt.Sprintf("target port %+.40q is no name of a container port: %s", target.StrVal, validation.IsValidPortName(target.StrVal)[0])}
	case p.NodePort < 0 || p.NodePort > 65535:
		return &port.Cause{Reason: port.ReasonInvalidNodePort, Message: fmt.Sprintf("node port %d is not within 1 to 65535", p.NodePort)}
	}
	return nil
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
