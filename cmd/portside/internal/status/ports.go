package status

import (
	"fmt"
	"slices"
	"strings"

	"github.com/portside-dev/portside/apply/advice"
	"github.com/portside-dev/portside/apply/port"
	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/cmd/portside/internal/rollout"
)

// PortContended is the reason of a port that another manager keeps removing. While
// the port is Blocked it is not added for now; while it is Owned or Shared it was
// added again, and the contention is remembered. A process that starts recognizes
// the port by it.
const PortContended port.Reason = "Contended"

// ports returns the desired ports as status has them.
func (f Facts) ports() []v1alpha1.PortStatus {
	ports := make([]v1alpha1.PortStatus, 0, len(f.Ports))
	for _, p := range f.Ports {
		if p.State == port.Removed || p.State == port.Released {
			continue
		}
		s := v1alpha1.PortStatus{
			Type: p.Type, Name: p.Name, Port: p.Port, Protocol: string(p.Protocol),
			State: string(p.State), Reason: string(p.Reason), Message: p.Message,
		}
		for _, o := range p.Owners {
			s.Owners = append(s.Owners, v1alpha1.PortOwner{Manager: o.Name, Operation: o.Operation})
		}
		if p.State.Applied() && slices.Contains(f.Pending, p.Name) {
			why := f.deferred()
			s.State, s.Reason, s.Message, s.Owners = string(Pending), string(why.reason), why.message, nil
		}
		if r := f.removal(s); r != nil {
			s.InactiveSince = r.InactiveSince()
			if s.Message == "" {
				s.Message = f.removalText(r)
			}
		}
		f.warn(&s)
		ports = append(ports, s)
	}
	return ports
}

// removal returns the removal that waits for a port, or nil.
func (f Facts) removal(p v1alpha1.PortStatus) *rollout.Removal {
	i := slices.IndexFunc(f.Removals, func(r rollout.Removal) bool { return r.Name == p.Name && r.Adapter.Type == p.Type })
	if i < 0 {
		return nil
	}
	return &f.Removals[i]
}

// removalText stays the same while the removal delay advances.
func (f Facts) removalText(r *rollout.Removal) string {
	if f.Stopped != "" {
		return fmt.Sprintf("adapter %s is inactive; the port is not removed while nothing is written to the workload", r.Adapter.Type)
	}
	return f.policy.Text(*r, f.Deferred)
}

// warn adds the warnings about a port that is ours.
func (f Facts) warn(p *v1alpha1.PortStatus) {
	for _, w := range f.Warnings {
		if !ours(*p) || !about(w, *p) {
			continue
		}
		if p.Message != "" {
			p.Message += "; "
		}
		p.Message += w.Message
		p.Warnings = append(p.Warnings, warningOf(w))
	}
}

// warningOf identifies a warning among those of one port.
func warningOf(w advice.Warning) v1alpha1.PortWarning {
	return v1alpha1.PortWarning{Reason: string(w.Reason), Manager: printable(w.Manager.Name)}
}

// about reports whether a warning is about a port.
func about(w advice.Warning, p v1alpha1.PortStatus) bool {
	return w.Port.Name == p.Name && int64(w.Port.Number) == p.Port && string(w.Port.Protocol) == p.Protocol
}

// ours reports whether the port is declared as desired, by us.
func ours(p v1alpha1.PortStatus) bool {
	return port.State(p.State).Applied()
}

// count returns how many ports are desired, and how many of them are in place.
func count(ports []v1alpha1.PortStatus) (desired, ready int32) {
	for _, p := range ports {
		if p.State == string(port.Retained) {
			continue // it is not desired
		}
		desired++
		if port.State(p.State).InPlace() {
			ready++
		}
	}
	return desired, ready
}

// listed returns the ports of a state as "adapter-nfs (12049/TCP): message".
func listed(ports []v1alpha1.PortStatus, state string) string {
	var lines []string
	for _, p := range ports {
		if p.State == state {
			lines = append(lines, of(p)+": "+p.Message)
		}
	}
	return strings.Join(lines, "; ")
}

// find returns the port of the same name, number and protocol, or nil.
func find(ports []v1alpha1.PortStatus, p v1alpha1.PortStatus) *v1alpha1.PortStatus {
	i := slices.IndexFunc(ports, func(q v1alpha1.PortStatus) bool {
		return q.Name == p.Name && q.Port == p.Port && q.Protocol == p.Protocol
	})
	if i < 0 {
		return nil
	}
	return &ports[i]
}

// of names a port, as in "adapter-nfs (12049/TCP)".
func of(p v1alpha1.PortStatus) string { return label(p.Name, p.Port, p.Protocol) }

// of names a port of the list that the facts are about, as in "adapter-nfs (2049/TCP) of
// Service files".
func (f Facts) of(p v1alpha1.PortStatus) string { return f.label(p.Name, p.Port, p.Protocol) }

func (f Facts) label(name string, number int64, protocol string) string {
	text := label(name, number, protocol)
	if f.Service != "" {
		text += " of Service " + f.Service
	}
	return text
}

func label(name string, number int64, protocol string) string {
	if name == "" {
		return fmt.Sprintf("%d/%s", number, protocol)
	}
	return fmt.Sprintf("%s (%d/%s)", name, number, protocol)
}
