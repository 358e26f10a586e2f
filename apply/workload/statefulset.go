package workload

import (
	appsv1 "k8s.io/api/apps/v1"
	applyappsv1 "k8s.io/client-go/applyconfigurations/apps/v1"
	applycorev1 "k8s.io/client-go/applyconfigurations/core/v1"
	applymetav1 "k8s.io/client-go/applyconfigurations/meta/v1"
	"k8s.io/utils/ptr"
)

// StatefulSet is the kind of StatefulSets.
var StatefulSet = Kind{Group: appsv1.GroupName, Kind: "StatefulSet"}

var statefulSet = Definition{
	Kind:       StatefulSet,
	Version:    "v1",
	Resource:   "statefulsets",
	ShortNames: []string{"sts"},
	New:        func() Object { return &appsv1.StatefulSet{} },
	NewList:    func() ObjectList { return &appsv1.StatefulSetList{} },
	Read:       reads(readStatefulSet),
	Configure: func(meta *applymetav1.ObjectMetaApplyConfiguration, template *applycorev1.PodTemplateSpecApplyConfiguration) any {
		s := applyappsv1.StatefulSet(*meta.Name, *meta.Namespace)
		s.ObjectMetaApplyConfiguration = meta
		if template != nil {
			s.WithSpec(applyappsv1.StatefulSetSpec().WithTemplate(template))
		}
		return s
	},
	Revisions: &controllerRevisions,
}

func readStatefulSet(s *appsv1.StatefulSet) State {
	restarts := ptr.Deref(s.Spec.Replicas, 1)
	switch u := s.Spec.UpdateStrategy; {
	case u.Type == appsv1.OnDeleteStatefulSetStrategyType:
		restarts = 0
	case u.RollingUpdate != nil:
		restarts = max(0, restarts-ptr.Deref(u.RollingUpdate.Partition, 0))
	}
	return State{Selector: s.Spec.Selector, Template: &s.Spec.Template, Restarts: restarts, Rollout: rolloutOfStatefulSet(s)}
}

func rolloutOfStatefulSet(s *appsv1.StatefulSet) Rollout {
	r := Rollout{Desired: ptr.Deref(s.Spec.Replicas, 1), Progress: Progress{
		ObservedGeneration: s.Status.ObservedGeneration,
		Replicas:           s.Status.Replicas, Updated: s.Status.UpdatedReplicas,
		Ready: s.Status.ReadyReplicas, Available: s.Status.AvailableReplicas,
	}}
	update := r.Desired
	if rolling := s.Spec.UpdateStrategy.RollingUpdate; rolling != nil {
		update -= ptr.Deref(rolling.Partition, 0)
	}
	switch {
	case r.Progress.ObservedGeneration < s.Generation:
		r.UnderWay = true
	case s.Spec.UpdateStrategy.Type == appsv1.OnDeleteStatefulSetStrategyType:
	default:
		// A pod that is ready counts, also before minReadySeconds are over.
		r.UnderWay = r.Progress.Replicas != r.Desired || r.Progress.Ready < r.Desired || r.Progress.Updated < update
	}
	return r
}
