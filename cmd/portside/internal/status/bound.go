package status

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"github.com/portside-dev/portside/apply/v1alpha1"
)

// MaxSize is how many bytes a status takes at most, as JSON.
const MaxSize = 64 << 10

// bounds is how much of each part of a status is kept.
type bounds struct {
	text   int // of a port, in bytes; a condition's message may have four times as many
	owners int // of a port, and warnings
}

// ofStatus are the bounds, in the order in which they are tried: tighter ones only
// for a status that is longer than MaxSize with those before. The last ones leave
// room for twice as many ports as a set may have adapters: each may be active, and
// as many retained.
var ofStatus = []bounds{{text: 4096, owners: 8}, {text: 1024, owners: 8}, {text: 256, owners: 4}, {text: 48, owners: 1}}

// bounded returns the status as the API server can store it, whatever a source, an
// owner or the API server sent: printable, and of at most [MaxSize].
func bounded(s v1alpha1.AdapterSetStatus) v1alpha1.AdapterSetStatus {
	// It is escaped once, not for each of the bounds.
	s = bounds{text: ofStatus[0].text, owners: math.MaxInt}.of(s)
	for _, b := range ofStatus {
		if within := b.of(s); size(within) <= MaxSize {
			return within
		}
	}
	s = ofStatus[len(ofStatus)-1].of(s)
	for len(s.Changes) > 0 && size(s) > MaxSize {
		s.Changes = s.Changes[1:] // the oldest
	}
	for len(s.Services) > 0 && size(s) > MaxSize {
		s.Services = s.Services[:len(s.Services)-1]
	}
	for len(s.Ports) > 0 && size(s) > MaxSize {
		s.Ports = s.Ports[:len(s.Ports)*3/4] // desiredPorts still counts all
	}
	return s
}

func size(s v1alpha1.AdapterSetStatus) int {
	// Most are far from the bound, which an estimate shows.
	if longest := longest(&s); longest <= MaxSize {
		return longest
	}
	written, err := json.Marshal(s)
	if err != nil {
		return MaxSize + 1 // impossible: it has strings and numbers alone
	}
	return len(written)
}

// longest returns an upper bound of the length of a status as JSON.
func longest(s *v1alpha1.AdapterSetStatus) int {
	const fields = 256 // of one object, without its texts
	n := fields + maxEscape*(len(s.FieldManager)+len(s.LastHandledReconcileAt))
	if s.Target != nil {
		n += maxEscape * (len(s.Target.UID) + len(s.Target.Container))
	}
	for _, c := range s.Conditions {
		n += fields + maxEscape*(len(c.Type)+len(c.Reason)+len(c.Message))
	}
	ports := s.Ports
	for _, one := range s.Services {
		n += fields + maxEscape*(len(one.Name)+len(one.UID)+len(one.Reason)+len(one.Message))
		for _, w := range one.Warnings {
			n += fields + maxEscape*(len(w.Reason)+len(w.Message))
		}
		ports = slices.Concat(ports, one.Ports)
	}
	for i := range ports {
		p := &ports[i]
		n += fields + maxEscape*(len(p.Type)+len(p.Name)+len(p.Protocol)+len(p.State)+len(p.Reason)+len(p.Message))
		for _, o := range p.Owners {
			n += fields + maxEscape*(len(o.Manager)+len(o.Operation))
		}
		for _, w := range p.Warnings {
			n += fields + maxEscape*(len(w.Reason)+len(w.Manager))
		}
	}
	for _, c := range s.Changes {
		n += fields + maxEscape*len(c.Manager)
		for _, p := range c.Ports {
			n += fields + maxEscape*(len(p.Container)+len(p.Service)+len(p.Name)+len(p.Protocol))
		}
	}
	return n
}

// of returns the status within the bounds. It modifies no part of s.
func (b bounds) of(s v1alpha1.AdapterSetStatus) v1alpha1.AdapterSetStatus {
	s.FieldManager = b.cut(s.FieldManager)
	if s.Target != nil {
		s.Target = &v1alpha1.TargetStatus{UID: s.Target.UID, Container: b.cut(s.Target.Container)}
	}
	conditions := s.Conditions
	s.Conditions = nil
	for _, c := range conditions {
		c.Message = cut(c.Message, 4*b.text)
		s.Conditions = append(s.Conditions, c)
	}
	s.Ports = b.ports(s.Ports)
	services := s.Services
	s.Services = nil
	for _, one := range services {
		one.Message, one.Ports, one.Warnings = cut(one.Message, 4*b.text), b.ports(one.Ports), slices.Clone(one.Warnings)
		for i := range one.Warnings {
			one.Warnings[i].Message = b.cut(one.Warnings[i].Message)
		}
		s.Services = append(s.Services, one)
	}
	return s
}

func (b bounds) ports(ports []v1alpha1.PortStatus) []v1alpha1.PortStatus {
	var within []v1alpha1.PortStatus
	for i := range ports {
		within = append(within, b.port(ports[i]))
	}
	return within
}

func (b bounds) port(p v1alpha1.PortStatus) v1alpha1.PortStatus {
	p.Type, p.Name, p.Protocol = b.cut(p.Type), b.cut(p.Name), b.cut(p.Protocol)
	owners, rest := p.Owners, ""
	if more := len(owners) - b.owners; more > 0 {
		owners, rest = owners[:b.owners], fmt.Sprintf("and %d more owners", more)
		if p.Message != "" {
			rest = "; " + rest
		}
	}
	p.Message = cut(p.Message, b.text-len(rest)) + rest
	warnings := p.Warnings[:min(len(p.Warnings), b.owners)]
	p.Warnings = nil
	for _, w := range warnings {
		p.Warnings = append(p.Warnings, v1alpha1.PortWarning{Reason: w.Reason, Manager: b.cut(w.Manager)})
	}
	p.Owners = nil
	for _, o := range owners {
		p.Owners = append(p.Owners, v1alpha1.PortOwner{Manager: b.cut(o.Manager), Operation: o.Operation})
	}
	return p
}

func (b bounds) cut(text string) string { return cut(text, b.text) }
