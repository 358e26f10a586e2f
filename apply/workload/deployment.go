package workload

import (
	"math"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	applyappsv1 "k8s.io/client-go/applyconfigurations/apps/v1"
	applycorev1 "k8s.io/client-go/applyconfigurations/core/v1"
	applymetav1 "k8s.io/client-go/applyconfigurations/meta/v1"
	"k8s.io/utils/ptr"
)

// Deployment is the kind of Deployments.
var Deployment = Kind{Group: appsv1.GroupName, Kind: "Deployment"}

// ReplicaSet is the kind of the objects that control a Deployment's pods.
var ReplicaSet = appsv1.SchemeGroupVersion.WithKind("ReplicaSet")

var deployment = Definition{
	Kind:       Deployment,
	Version:    "v1",
	Resource:   "deployments",
	ShortNames: []string{"deploy"},
	New:        func() Object { return &appsv1.Deployment{} },
	NewList:    func() ObjectList { return &appsv1.DeploymentList{} },
	Read:       reads(readDeployment),
	Configure: func(meta *applymetav1.ObjectMetaApplyConfiguration, template *applycorev1.PodTemplateSpecApplyConfiguration) any {
		d := applyappsv1.Deployment(*meta.Name, *meta.Namespace)
		d.ObjectMetaApplyConfiguration = meta
		if template != nil {
			d.WithSpec(applyappsv1.DeploymentSpec().WithTemplate(template))
		}
		return d
	},
	PodController: ReplicaSet,
	Revisions:     &replicaSets,
}

func readDeployment(d *appsv1.Deployment) State {
	restarts := ptr.Deref(d.Spec.Replicas, 1)
	if d.Spec.Paused {
		restarts = 0
	}
	state := State{Selector: d.Spec.Selector, Template: &d.Spec.Template, Restarts: restarts, Rollout: rolloutOfDeployment(d)}
	if rolling := d.Spec.Strategy.RollingUpdate; rolling != nil {
		state.Surge = surgeOf(rolling.MaxSurge, restarts)
	}
	return state
}

// surgeOf returns the number of pods that maxSurge allows, which is rounded up:
// https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#max-surge
func surgeOf(maxSurge *intstr.IntOrString, pods int32) int32 {
	surge, err := intstr.GetScaledValueFromIntOrPercent(maxSurge, int(pods), true)
	if err != nil {
		return 0 // the API server refuses what is neither a number nor a percentage
	}
	return int32(min(surge, int(pods))) //nolint:gosec // G115: it is at most pods.
}

// The reasons that the deployment controller gives the condition Progressing:
// https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#deployment-status
const (
	deadlineExceeded       = "ProgressDeadlineExceeded"
	newReplicaSetAvailable = "NewReplicaSetAvailable"
)

func rolloutOfDeployment(d *appsv1.Deployment) Rollout {
	r := Rollout{Desired: ptr.Deref(d.Spec.Replicas, 1), Progress: Progress{
		ObservedGeneration: d.Status.ObservedGeneration,
		Replicas:           d.Status.Replicas, Updated: d.Status.UpdatedReplicas,
		Ready: d.Status.ReadyReplicas, Available: d.Status.AvailableReplicas,
	}}
	if r.Progress.ObservedGeneration < d.Generation {
		r.UnderWay = true // the conditions are of an older template
		return r
	}
	// Without a deadline the controller does not report when it is done.
	done := ptr.Deref(d.Spec.ProgressDeadlineSeconds, math.MaxInt32) == math.MaxInt32
	available := false
	for _, c := range d.Status.Conditions {
		switch c.Type {
		case appsv1.DeploymentProgressing:
			r.Failed = c.Reason == deadlineExceeded
			done = done || (c.Status == corev1.ConditionTrue && c.Reason == newReplicaSetAvailable)
		case appsv1.DeploymentAvailable:
			available = c.Status == corev1.ConditionTrue
		}
	}
	r.UnderWay = !d.Spec.Paused && !(r.Progress.reached(r.Desired) && done && available)
	return r
}
