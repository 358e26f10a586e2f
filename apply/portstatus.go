package apply

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/portside-dev/portside/apply/port"
	"github.com/portside-dev/portside/fieldmanager"
)

// PortStatus is one port and its state.
type PortStatus struct {
	// Type is the adapter's, empty where no adapter that is desired has this port.
	Type string
	Name string
	// Port is the number as the source gave it, valid or not.
	Port     int64
	Protocol corev1.Protocol
	// TargetPort and NodePort are those of a Service's port, as it is live or else as it
	// is desired. After a dry run, NodePort is zero where the server is to allocate one.
	TargetPort intstr.IntOrString
	NodePort   int32
	State      port.State
	// Reason is the cause of the state, empty for a plain Owned or Removed.
	Reason port.Reason
	// Blocker is the port in the way, where the reason is ReasonNameTaken,
	// ReasonDuplicateKey or ReasonRenamed.
	Blocker *port.Blocker
	// Owners are the managers that own the live port of this number and
	// protocol, ours included.
	Owners []fieldmanager.Manager
	// Message explains every state but a plain Owned or Removed. It is the same as
	// long as nothing changes.
	Message string
}

// port returns a port with a valid number.
func (s PortStatus) port() port.Port {
	return port.Port{Name: s.Name, Number: int32(s.Port), Protocol: s.Protocol} //nolint:gosec // G115: it is a live or desired port's
}

// statuses returns the statuses of the desired ports and of those that are retained.
func statuses(desired []ServicePort, o *port.Observed, plan port.Plan) []PortStatus {
	ports := make([]PortStatus, 0, len(desired)+len(plan.Retained))
	for i, d := range desired {
		s := PortStatus{Type: printable(d.Type), Name: PortName(d.Type), Port: d.Port, Protocol: protocolOf(d.Adapter)}
		if o.List.Fields != nil {
			s.TargetPort, s.NodePort = d.target(), d.NodePort
			s.readFrom(o)
		}
		ports = append(ports, s.with(plan.States[i]))
	}
	for _, r := range plan.Retained {
		ports = append(ports, livePort{Port: o.List.Port(r.Item)}.status(port.Retained).with(r.Status))
	}
	return ports
}

// readFrom sets the fields of a Service's port as they are live.
func (s *PortStatus) readFrom(o *port.Observed) {
	if live := o.Find(o.List.KeyOf(s.Port, s.Protocol)); live != nil {
		p := o.List.Port(live.Item)
		s.TargetPort, s.NodePort = p.TargetPort, p.NodePort
	}
}

// with returns the port with its state.
func (s PortStatus) with(is port.Status) PortStatus {
	s.State, s.Reason, s.Blocker, s.Owners, s.Message = is.State, is.Reason, is.Blocker, is.Owners, is.Message
	return s
}

// unwritten returns the desired ports where the last decision was not carried
// out. Ports that are live as desired keep their state; the others are Blocked
// for this reason.
func (r *record) unwritten(reason port.Reason, why string) []PortStatus {
	if r.plan == nil {
		return nil
	}
	ports := slices.Clone(r.plan.Ports)
	if r.foreseen {
		return ports
	}
	for i := range ports {
		if s := &ports[i]; s.State.Applied() && !r.isLive(*s) {
			s.State, s.Reason, s.Message = port.Blocked, reason, why
		}
	}
	return ports
}

// isLive reports whether the port is live under its name, and ours.
func (r *record) isLive(s PortStatus) bool {
	return r.last != nil && slices.ContainsFunc(r.last.own(), func(p livePort) bool {
		return p.container == r.plan.Container && int64(p.Number) == s.Port && p.Protocol == s.Protocol && p.Name == s.Name
	})
}

// removed returns the ports that were ours and are gone.
func (r *record) removed(desired Desired) []PortStatus {
	types := map[string]string{}
	for _, p := range desired.all() {
		types[PortName(p.Type)] = printable(p.Type)
	}
	var removed []PortStatus
	for _, p := range r.last.gone(r.first.own()) {
		s := p.status(port.Removed)
		s.Type = types[p.Name]
		removed = append(removed, s)
	}
	return removed
}

// released returns the ports that were ours and were transferred to the managers that
// renamed them.
func (r *record) released() []PortStatus {
	var released []PortStatus
	for _, p := range r.transferred {
		if len(r.last.gone([]livePort{p.livePort})) == 0 {
			released = append(released, p.status(r.last))
		}
	}
	return released
}
