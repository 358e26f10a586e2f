package apply

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/portside-dev/portside/apply/v1alpha1"
)

// Desired is what a pass is to make true of a workload.
type Desired struct {
	// Container is the container that has the ports. Empty means the one that
	// [Workload.Container] finds.
	Container string
	// Adapters are the active adapters, at most [MaxAdapters]. A port of ours
	// whose adapter is not listed is removed.
	Adapters []Adapter
	// Retained are adapters that are over for the source, and whose ports are to
	// stay for a while yet. They are wanted as an active one is, after those of
	// the source, and do not count: a port that waits is no word of a source.
	Retained []Adapter
	// AllowHostNetwork allows ports in a pod template with hostNetwork, where each
	// reserves its number on the node. The workload must allow it too, by
	// [AllowHostNetworkAnnotation].
	AllowHostNetwork bool
}

// all are the adapters that ports are wanted for, those of the source first.
func (w Desired) all() []Adapter { return slices.Concat(w.Adapters, w.Retained) }

// TooManyError refuses a list of adapters whole.
type TooManyError struct{ Count int }

// Error gives both numbers.
func (e *TooManyError) Error() string {
	return fmt.Sprintf("%d adapters are listed; at most %d are taken, and none of a longer list", e.Count, MaxAdapters)
}

// wantedPort is the port of an active adapter.
type wantedPort struct {
	status PortStatus
	key    portKey
	// settled tells that the state is known without a look at the workload,
	// hold that it is a fault of the source's.
	settled, hold bool
}

// wantedPorts are the ports of the active adapters in their order. A number,
// type or protocol that makes no port is Invalid; of two ports with one key or
// one name the later is Blocked.
func wantedPorts(want Desired) ([]wantedPort, error) {
	if len(want.Adapters) > MaxAdapters {
		return nil, &TooManyError{Count: len(want.Adapters)}
	}
	var wanted []wantedPort
	byKey, byName := map[portKey]string{}, map[string]string{}
	for _, a := range want.all() {
		p := wantedPort{status: PortStatus{Type: printable(a.Type), Name: PortName(a.Type), Port: a.Port, Protocol: protocolOf(a)}}
		if reason, message := invalid(a, p.status); reason != "" {
			p.settle(port.Invalid, reason, message)
			p.hold = true
			wanted = append(wanted, p)
			continue
		}
		p.key = portKey{int32(a.Port), p.status.Protocol} //nolint:gosec // G115: invalid() has checked the range.
		if first, taken := byName[p.status.Name]; taken {
			p.settle(port.Blocked, port.ReasonDuplicateName, fmt.Sprintf("the adapter %q before it has the same port name", first))
		} else if first, taken := byKey[p.key]; taken {
			p.settle(port.Blocked, port.ReasonDuplicatePort, fmt.Sprintf("the adapter %q before it has the same number and protocol", first))
			p.hold = true
		} else {
			byKey[p.key], byName[p.status.Name] = a.Type, a.Type
		}
		wanted = append(wanted, p)
	}
	return wanted, nil
}

func (p *wantedPort) settle(s port.State, reason port.Reason, message string) {
	p.status.State, p.status.Reason, p.status.Message, p.settled = s, reason, message, true
}

func protocolOf(a Adapter) corev1.Protocol {
	if a.Protocol == "" {
		return corev1.ProtocolTCP
	}
	return corev1.Protocol(strings.ToUpper(printable(a.Protocol)))
}

// invalid returns why the adapter makes no port, and that in words. Both are
// empty for a valid adapter.
func invalid(a Adapter, p PortStatus) (port.Reason, string) {
	switch {
	case a.Type != "" && !v1alpha1.ValidType(a.Type):
		return port.ReasonInvalidType, fmt.Sprintf(`the type "%s" is not 1 to %d printable ASCII characters without a backslash`, printable(a.Type), v1alpha1.MaxTypeLength)
	case p.Name == "":
		return port.ReasonInvalidType, fmt.Sprintf("the type %.40q has no letter a to z and no digit to make a port name of", a.Type)
	case a.Port < 1 || a.Port > 65535:
		return port.ReasonInvalidPort, fmt.Sprintf("port %d is not within 1 to 65535", a.Port)
	case p.Protocol != corev1.ProtocolTCP && p.Protocol != corev1.ProtocolUDP && p.Protocol != corev1.ProtocolSCTP:
		return port.ReasonInvalidProtocol, fmt.Sprintf("protocol %+.40q is none of TCP, UDP, SCTP", a.Protocol)
	}
	return "", ""
}
