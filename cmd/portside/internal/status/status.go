package status

import (
	"cmp"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/advice"
	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/adapterset"
	"github.com/portside-dev/portside/cmd/portside/internal/changes"
	"github.com/portside-dev/portside/cmd/portside/internal/discovery"
	"github.com/portside-dev/portside/cmd/portside/internal/rollout"
)

// Facts are what a reconciliation observed and did.
type Facts struct {
	// Why is the reason that nothing was decided about ports at all, such as
	// TargetTaken; it is empty where something was. Because is its message.
	Why     ConditionReason
	Because string

	FieldManager string
	UID          types.UID
	Container    string
	// Ports are the desired ones in their order.
	Ports []apply.PortStatus
	// Warnings are about those of the ports that are live.
	Warnings []advice.Warning
	// Removals are the ports whose adapters are inactive.
	Removals []rollout.Removal
	// Pending are the names of desired ports that are not applied yet, because of
	// Deferred.
	Pending  []string
	Deferred rollout.Reason
	// Restarts is how many pods a change that waits for the next rollout would
	// restart by itself, and Surge how many more pods start if it goes with that
	// rollout.
	Restarts, Surge int32
	// Holders are the targets that hold a place where Deferred is LimitReached.
	Holders []workload.Target
	// Service is the name of the Service that the facts are about, empty for the
	// workload. ServiceWarnings are about it. Services are the facts about the Services,
	// in the AdapterSet's order, nil if they were not observed.
	Service         string
	ServiceWarnings []adapterset.ServiceWarning
	Services        []Facts
	// Stopped is why nothing is written to the target: Suspended, Paused or empty.
	Stopped ConditionReason
	// Failure is why the last apply failed, or empty. Refusal reports that the API
	// server refused it.
	Failure string
	Refusal bool
	// Contended reports whether ports are not added for now because another manager
	// keeps removing them. Contender is that manager, where it is known.
	Contended bool
	Contender rollout.Contender
	// Lost are the names of ports that another manager removed since status was
	// last stored, whether or not they are back.
	Lost []string
	// Changes are the changes of the pod template's ports that we stored since
	// status was last stored.
	Changes []v1alpha1.PortsChange
	// RollingOut reports whether a rollout that we caused is under way, Stuck
	// whether the rollout under way makes no progress.
	RollingOut, Stuck bool
	// GaveUpPlace reports whether our rollout is stuck and no longer counts among
	// those that may be under way.
	GaveUpPlace bool
	// Discovery is the last answer; nil where the adapters are declared.
	Discovery *discovery.Condition
	// Polling reports whether a poll is under way which a user requested. Until it has
	// ended, the request is not handled.
	Polling bool

	// These are of the AdapterSet.
	namespace, name string
	settle          time.Duration
	policy          rollout.Policy
}

// Of returns the status of an AdapterSet, from its last one and the facts. The
// API server accepts it whatever the facts quote: it is printable, and of at most
// [MaxSize].
func Of(set *v1alpha1.AdapterSet, f Facts, now time.Time) v1alpha1.AdapterSetStatus {
	f = f.ofSet(set)
	s := v1alpha1.AdapterSetStatus{
		ObservedGeneration: set.Generation,
		FieldManager:       f.FieldManager,
		Target:             set.Status.Target,
		Ports:              set.Status.Ports,
		DesiredPorts:       set.Status.DesiredPorts,
		ReadyPorts:         set.Status.ReadyPorts,
		Changes:            set.Status.Changes,
		Services:           f.services(set.Status.Services, now),
	}
	s.LastHandledReconcileAt = set.Status.LastHandledReconcileAt
	if !f.Polling {
		s.LastHandledReconcileAt = cmp.Or(RequestedAt(set), s.LastHandledReconcileAt)
	}
	if s.Target != nil && f.UID != "" && s.Target.UID != f.UID {
		s.Target, s.Ports, s.Changes = nil, nil, nil // they are another workload's
		s.DesiredPorts, s.ReadyPorts = 0, 0
	}
	s.Changes = changes.Append(s.Changes, f.allChanges()...)
	if f.UID != "" {
		container := f.Container
		if container == "" && s.Target != nil {
			container = s.Target.Container
		}
		s.Target = &v1alpha1.TargetStatus{UID: f.UID, Container: container}
	}
	if f.Why == "" {
		s.Ports = f.times(f.ports(), s.Ports, now)
		s.DesiredPorts, s.ReadyPorts = count(s.Ports)
		for _, one := range s.Services {
			desired, ready := count(one.Ports)
			s.DesiredPorts, s.ReadyPorts = s.DesiredPorts+desired, s.ReadyPorts+ready
		}
	}
	before := slices.Clone(set.Status.Conditions)
	for _, c := range f.conditions(set, s) {
		c.ObservedGeneration, c.LastTransitionTime = set.Generation, metav1.NewTime(now.Truncate(time.Second))
		meta.SetStatusCondition(&before, c)
		s.Conditions = append(s.Conditions, *meta.FindStatusCondition(before, c.Type))
	}
	return bounded(s)
}

// allChanges returns the changes of the pod template, and of Services.
func (f Facts) allChanges() []v1alpha1.PortsChange {
	all := f.Changes
	for _, of := range f.Services {
		all = slices.Concat(all, of.Changes)
	}
	return all
}

// ofSet returns the facts with what they need of the AdapterSet.
func (f Facts) ofSet(set *v1alpha1.AdapterSet) Facts {
	f.namespace, f.name = set.Namespace, set.Name
	f.settle, f.policy = seconds(set.Spec.Rollout.StabilizationWindowSeconds), rollout.PolicyOf(set.Spec.Rollout)
	f.Services = slices.Clone(f.Services)
	for i := range f.Services {
		f.Services[i] = f.Services[i].ofSet(set)
	}
	return f
}

func seconds(n *int32) time.Duration { return time.Duration(ptr.Deref(n, 0)) * time.Second }

// RequestedAt returns the value of the annotation that requests a reconcile, as
// status has it after that reconcile; empty without the annotation.
func RequestedAt(set *v1alpha1.AdapterSet) string {
	return printable(set.Annotations[v1alpha1.RequestedAtAnnotation])
}

// Prompt reports whether a status that differs is written at once: it is
// about another generation, target or request, or lists other ports of ours. Only a
// user or a write of ours causes such a difference; others may come with each answer
// of a source.
func Prompt(before, after v1alpha1.AdapterSetStatus) bool {
	return before.ObservedGeneration != after.ObservedGeneration ||
		before.LastHandledReconcileAt != after.LastHandledReconcileAt || !equality.Semantic.DeepEqual(before.Target, after.Target) ||
		!slices.Equal(inUse(before), inUse(after))
}

// inUse returns the ports that are ours, sorted.
func inUse(s v1alpha1.AdapterSetStatus) []string {
	var own []string
	for _, one := range append([]v1alpha1.ServiceStatus{{Ports: s.Ports}}, s.Services...) {
		for _, p := range one.Ports {
			if ours(p) {
				own = append(own, one.Name+" "+of(p))
			}
		}
	}
	slices.Sort(own)
	return own
}

// Same reports whether two statuses are equal, so that nothing is written.
func Same(a, b v1alpha1.AdapterSetStatus) bool { return equality.Semantic.DeepEqual(a, b) }
