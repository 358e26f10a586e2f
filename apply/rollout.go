package apply

import (
	"math"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"
)

// Rollout is how far a workload's controller is with its newest pod template,
// as kstatus reads it: https://github.com/kubernetes-sigs/cli-utils (package
// pkg/kstatus/status). Where nothing happens until somebody acts, none is under
// way: with OnDelete, below a StatefulSet's partition, and in a Deployment that
// is paused.
type Rollout struct {
	// UnderWay tells that some pods are not of the newest template or not
	// ready, or that the controller has not seen the newest object yet.
	UnderWay bool
	// Failed tells that the Deployment's controller gave up waiting for its
	// pods (ProgressDeadlineExceeded). UnderWay stays what the counts say.
	Failed bool
	// Desired is how many pods are to be ready: spec.replicas or, for a
	// DaemonSet, status.desiredNumberScheduled. OnDelete, a partition and a
	// pause leave it as it is: they stop updates of pods, not their replacement.
	Desired int32
	// Progress changes whenever the rollout gets on.
	Progress workload.Progress
}

// Steady reports whether no rollout is under way and every desired pod is
// ready. The second does not follow from the first: with OnDelete, and in a
// Deployment that is paused, a pod that is not ready is no rollout.
func (r workload.Rollout) Steady() bool { return !r.UnderWay && r.Progress.Ready >= r.Desired }

// RolloutProgress are the counts of a workload's status, in pods. Two of them
// that differ mean that something happened in between.
type Progress struct {
	ObservedGeneration                  int64
	Replicas, Updated, Ready, Available int32
}

// reached tells that pods are as many as wanted by every count, and no more.
func (p workload.Progress) reached(want int32) bool {
	return p.Replicas == want && p.Updated >= want && p.Ready >= want && p.Available >= want
}

func rolloutOfStatefulSet(s *appsv1.StatefulSet) workload.Rollout {
	r := workload.Rollout{Desired: ptr.Deref(s.Spec.Replicas, 1), Progress: workload.Progress{
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

func rolloutOfDeployment(d *appsv1.Deployment) workload.Rollout {
	r := workload.Rollout{Desired: ptr.Deref(d.Spec.Replicas, 1), Progress: workload.Progress{
		ObservedGeneration: d.Status.ObservedGeneration,
		Replicas:           d.Status.Replicas, Updated: d.Status.UpdatedReplicas,
		Ready: d.Status.ReadyReplicas, Available: d.Status.AvailableReplicas,
	}}
	if r.Progress.ObservedGeneration < d.Generation {
		r.UnderWay = true // what the conditions say is of an older template
		return r
	}
	// Without a deadline the controller does not tell when it is done.
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

// The reasons that the deployment controller gives the condition Progressing:
// https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#deployment-status
const (
	deadlineExceeded       = "ProgressDeadlineExceeded"
	newReplicaSetAvailable = "NewReplicaSetAvailable"
)

func rolloutOfDaemonSet(d *appsv1.DaemonSet) workload.Rollout {
	r := workload.Rollout{Desired: d.Status.DesiredNumberScheduled, Progress: workload.Progress{
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
