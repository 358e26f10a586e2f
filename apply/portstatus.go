package apply

import (
	"errors"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// unwritten returns the desired ports where the last decision was not carried
// out. Ports that are live as desired keep their state; the others are Blocked
// for this reason.
func (p *pass) unwritten(reason port.Reason, why string) []PortStatus {
	if p.decided == nil {
		return nil
	}
	ports := slices.Clone(p.decided.Ports)
	if p.foreseen {
		return ports
	}
	ours := p.ours()
	for i := range ports {
		s := &ports[i]
		if (s.State == port.Owned || s.State == port.Shared) && !p.there(ours, *s) {
			s.State, s.Reason, s.Message = port.Blocked, reason, why
		}
	}
	return ports
}

// ours are the ports that are live and ours, as far as that can be told.
func (p *pass) ours() []containerPort {
	if p.now == nil {
		return nil
	}
	ours, err := p.ownPorts(p.now)
	if err != nil {
		return nil
	}
	return ours
}

// there tells that the port is live under its name, and ours.
func (p *pass) there(ours []containerPort, s PortStatus) bool {
	return slices.ContainsFunc(ours, func(q containerPort) bool {
		return q.container == p.container && int64(q.ContainerPort.ContainerPort) == s.Port && q.Protocol == s.Protocol && q.Name == s.Name
	})
}

// removed are the ports that were ours and are gone.
func (p *pass) removed() []PortStatus {
	types := map[string]string{}
	for _, a := range p.want.all() {
		types[PortName(a.Type)] = printable(a.Type)
	}
	var removed []PortStatus
	for _, port := range gone(p.was, p.now) {
		removed = append(removed, PortStatus{
			Type:     types[port.Name],
			Name:     port.Name,
			Port:     int64(port.ContainerPort.ContainerPort),
			Protocol: port.Protocol,
			State:    port.Removed,
		})
	}
	return removed
}

// released are the ports that were ours and now belong to who named them.
func (p *pass) released() []PortStatus {
	var released []PortStatus
	for _, port := range p.handed {
		if len(gone([]containerPort{port.containerPort}, p.now)) == 0 {
			released = append(released, port.status(p.now))
		}
	}
	return released
}

func (p *pass) outcome() Outcome {
	if p.changedAny {
		return Applied
	}
	return Unchanged
}

// notFoundOr tells a workload that is not there from every other failure. Any
// server may answer 404; the API server says what it did not find.
func notFoundOr(err error, t workload.Target) (Outcome, error) {
	var status apierrors.APIStatus
	if apierrors.IsNotFound(err) && !apierrors.HasStatusCause(err, metav1.CauseTypeUnexpectedServerResponse) && errors.As(err, &status) {
		if missing := status.Status().Details; missing != nil && missing.Name == t.Name && missing.Kind == t.Kind.Resource() {
			return TargetNotFound, nil
		}
	}
	return Failed, err
}
