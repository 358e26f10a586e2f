package status

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/cmd/portside/internal/changes"
	"github.com/portside-dev/portside/cmd/portside/internal/holding"
)

// Facts are what a reconciliation found and did.
type Facts struct {
	// Why says in one reason why nothing was decided about ports at all, such
	// as TargetTaken; empty if it was. Because is its message.
	Why, Because string

	FieldManager string
	UID          types.UID
	Container    string
	// Ports are the wanted ones in their order.
	Ports []apply.PortStatus
	// Warnings are about those ports that are live.
	Warnings []apply.Warning
	// Waiting are the ports whose adapters are inactive.
	Waiting []holding.Removal
	// Pending are the names of wanted ports that are not applied yet, for
	// reason Hold.
	Pending []string
	Hold    holding.Reason
	// Holders are the targets that hold a place where Hold is RolloutLimit.
	Holders []apply.Target
	// Stopped says why nothing is written to the target: Suspended or Paused.
	Stopped string
	// Failure is why the last pass failed, empty if it did not; Refusal tells
	// that it was the API server's answer.
	Failure string
	Refusal bool
	// Fight tells that somebody keeps taking ports away, Taker who, where that
	// is known.
	Fight bool
	Taker string
	// Taken are the names of ports that were taken away since status was last
	// told, whether or not they are back.
	Taken []string
	// Changes are the changes of the pod template's ports that we stored since
	// status was last told.
	Changes []v1alpha1.PortsChange
	// RollingOut tells that a rollout that we caused is under way, Stuck that
	// the one that is under way does not get on.
	RollingOut, Stuck bool
	// GaveUpPlace tells that our rollout is stuck and no longer counts among those
	// that may be under way.
	GaveUpPlace bool
	// Discovery is the last answer; nil where the adapters are declared.
	Discovery *Discovery

	namespace string // of the AdapterSet
}

// Discovery is the condition Discovered.
type Discovery struct {
	Met             bool
	Reason, Message string
}

// Of returns the status of an AdapterSet, from its last one and the facts. The
// API server can store it whatever the facts quote: it is printable, and of at
// most [MaxSize].
func Of(set *v1alpha1.AdapterSet, f Facts, now time.Time) v1alpha1.AdapterSetStatus {
	f.namespace = set.Namespace
	s := v1alpha1.AdapterSetStatus{
		ObservedGeneration: set.Generation,
		FieldManager:       f.FieldManager,
		Target:             set.Status.Target,
		Ports:              set.Status.Ports,
		DesiredPorts:       set.Status.DesiredPorts,
		ReadyPorts:         set.Status.ReadyPorts,
		Changes:            set.Status.Changes,
	}
	if s.Target != nil && f.UID != "" && s.Target.UID != f.UID {
		s.Target, s.Ports, s.Changes = nil, nil, nil // they are another workload's
		s.DesiredPorts, s.ReadyPorts = 0, 0
	}
	s.Changes = changes.Append(s.Changes, f.Changes...)
	if f.UID != "" {
		container := f.Container
		if container == "" && s.Target != nil {
			container = s.Target.Container
		}
		s.Target = &v1alpha1.TargetStatus{UID: f.UID, Container: container}
	}
	if f.Why == "" {
		s.Ports = f.changeTimes(f.ports(), s.Ports)
		s.DesiredPorts, s.ReadyPorts = count(s.Ports)
	}
	before := slices.Clone(set.Status.Conditions)
	for _, c := range f.conditions(s.Ports) {
		c.ObservedGeneration, c.LastTransitionTime = set.Generation, metav1.NewTime(now.Truncate(time.Second))
		meta.SetStatusCondition(&before, c)
		s.Conditions = append(s.Conditions, *meta.FindStatusCondition(before, c.Type))
	}
	return bounded(s)
}

// Prompt reports whether a status that differs is to be written at once: it is
// about another generation or target, or lists other ports of ours. A user or a
// write of ours brings that about. All else may change with each answer of a
// source.
func Prompt(before, after v1alpha1.AdapterSetStatus) bool {
	return before.ObservedGeneration != after.ObservedGeneration || !equality.Semantic.DeepEqual(before.Target, after.Target) ||
		!slices.Equal(inUse(before.Ports), inUse(after.Ports))
}

// inUse returns the ports that are ours, sorted.
func inUse(ports []v1alpha1.PortStatus) []string {
	var own []string
	for _, p := range ports {
		if ours(p) {
			own = append(own, of(p))
		}
	}
	slices.Sort(own)
	return own
}

// Same tells that nothing needs to be written.
func Same(a, b v1alpha1.AdapterSetStatus) bool { return equality.Semantic.DeepEqual(a, b) }

func (f Facts) ports() []v1alpha1.PortStatus {
	ports := make([]v1alpha1.PortStatus, 0, len(f.Ports))
	for _, p := range f.Ports {
		if p.State == apply.Removed || p.State == apply.Released {
			continue
		}
		s := v1alpha1.PortStatus{
			Type: p.Type, Name: p.Name, Port: p.Port, Protocol: string(p.Protocol),
			State: string(p.State), Reason: string(p.Reason), Message: p.Message,
		}
		for _, o := range p.Owners {
			s.Owners = append(s.Owners, v1alpha1.PortOwner{Manager: o.Name, Operation: o.Operation})
		}
		if (p.State == apply.Owned || p.State == apply.Shared) && slices.Contains(f.Pending, p.Name) {
			s.State, s.Reason, s.Message, s.Owners = Pending, holdReason[f.Hold], holdText(f), nil
		}
		if i := slices.IndexFunc(f.Waiting, func(r holding.Removal) bool { return r.Name == p.Name && r.Adapter.Type == p.Type }); i >= 0 {
			s.InactiveSince = f.Waiting[i].InactiveSince()
			if s.Message == "" {
				s.Message = "its adapter is not active; the port is removed when that has lasted for removalDelaySeconds, rollouts and polls that are not complete not counted"
			}
		}
		for _, w := range f.Warnings {
			if ours(s) && about(w, s) {
				s.Message = strings.TrimPrefix(s.Message+"; "+w.Message, "; ")
			}
		}
		ports = append(ports, s)
	}
	return ports
}

// about tells that a warning is about a port.
func about(w apply.Warning, p v1alpha1.PortStatus) bool {
	return w.Port.Name == p.Name && int64(w.Port.Number) == p.Port && string(w.Port.Protocol) == p.Protocol
}

// inPlace tells that the port is declared as wanted.
func inPlace(p v1alpha1.PortStatus) bool {
	switch apply.State(p.State) {
	case apply.Owned, apply.Shared, apply.Shadowed:
		return true
	default:
		return false
	}
}

// count returns how many ports are desired, and how many of them are in place.
func count(ports []v1alpha1.PortStatus) (desired, ready int32) {
	for _, p := range ports {
		desired++
		if inPlace(p) {
			ready++
		}
	}
	return desired, ready
}

// listed are the ports of a state as "adapter-nfs 12049/TCP: message".
func listed(ports []v1alpha1.PortStatus, state string) string {
	var lines []string
	for _, p := range ports {
		if p.State == state {
			lines = append(lines, fmt.Sprintf("%s %d/%s: %s", p.Name, p.Port, p.Protocol, p.Message))
		}
	}
	return strings.Join(lines, "; ")
}
