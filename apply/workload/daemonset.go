package workload

import (
	appsv1 "k8s.io/api/apps/v1"
	applyappsv1 "k8s.io/client-go/applyconfigurations/apps/v1"
	applycorev1 "k8s.io/client-go/applyconfigurations/core/v1"
	applymetav1 "k8s.io/client-go/applyconfigurations/meta/v1"
)

// DaemonSet is the kind of DaemonSets.
var DaemonSet = Kind{Group: appsv1.GroupName, Kind: "DaemonSet"}

var daemonSet = Definition{
	Kind:       DaemonSet,
	Version:    "v1",
	Resource:   "daemonsets",
	ShortNames: []string{"ds"},
	New:        func() Object { return &appsv1.DaemonSet{} },
	NewList:    func() ObjectList { return &appsv1.DaemonSetList{} },
	Read:       reads(readDaemonSet),
	Configure: func(meta *applymetav1.ObjectMetaApplyConfiguration, template *applycorev1.PodTemplateSpecApplyConfiguration) any {
		d := applyappsv1.DaemonSet(*meta.Name, *meta.Namespace)
		d.ObjectMetaApplyConfiguration = meta
		if template != nil {
			d.WithSpec(applyappsv1.DaemonSetSpec().WithTemplate(template))
		}
		return d
	},
	Revisions: &controllerRevisions,
}

func readDaemonSet(d *appsv1.DaemonSet) State {
	restarts := d.Status.DesiredNumberScheduled
	if d.Spec.UpdateStrategy.Type == appsv1.OnDeleteDaemonSetStrategyType {
		restarts = 0
	}
	state := State{Selector: d.Spec.Selector, Template: &d.Spec.Template, Restarts: restarts, Rollout: rolloutOfDaemonSet(d)}
	if rolling := d.Spec.UpdateStrategy.RollingUpdate; rolling != nil {
		state.Surge = surgeOf(rolling.MaxSurge, restarts)
	}
	return state
}

func rolloutOfDaemonSet(d *appsv1.DaemonSet) Rollout {
	r := Rollout{Desired: d.Status.DesiredNumberScheduled, Progress: Progress{
		ObservedGeneration: d.Status.ObservedGeneration,
		Replicas:           d.Status.CurrentNumberScheduled, Updated: d.Status.UpdatedNumberScheduled,
		Ready: d.Status.NumberReady, Available: d.Status.NumberAvailable,
	}}
	switch {
	case r.Progress.ObservedGeneration < d.Generation:
		r.UnderWay = true
	case d.Spec.UpdateStrategy.Type == appsv1.OnDeleteDaemonSetStrategyType:
	default:
		r.UnderWay = !r.Progress.reached(r.Desired)
	}
	return r
}
