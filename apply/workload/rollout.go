package workload

// Rollout is how far a workload's controller is with its newest pod template,
// as kstatus reads it: https://github.com/kubernetes-sigs/cli-utils (package
// pkg/kstatus/status). None is under way where nothing happens until a user acts:
// with OnDelete, below a StatefulSet's partition, and in a Deployment that is paused.
type Rollout struct {
	// UnderWay reports that some pods are not of the newest template or not
	// ready, or that the controller has not seen the newest object yet.
	UnderWay bool
	// Failed reports that the Deployment's controller gave up waiting for its
	// pods (ProgressDeadlineExceeded). UnderWay stays what the counts say.
	Failed bool
	// Desired is how many pods are to be ready: spec.replicas or, for a
	// DaemonSet, status.desiredNumberScheduled. OnDelete, a partition and a
	// pause leave it as it is: they stop updates of pods, not their replacement.
	Desired int32
	// Progress changes whenever the rollout advances.
	Progress Progress
}

// Steady reports whether no rollout is under way and every desired pod is
// ready. The second does not follow from the first: with OnDelete, and in a
// Deployment that is paused, a pod that is not ready is no rollout.
func (r Rollout) Steady() bool { return !r.UnderWay && r.Progress.Ready >= r.Desired }

// Progress are the counts of a workload's status, in pods. Two of them that differ
// mean that something happened in between.
type Progress struct {
	ObservedGeneration                  int64
	Replicas, Updated, Ready, Available int32
}

// reached reports whether there are as many pods as desired by every count, and no
// more.
func (p Progress) reached(desired int32) bool {
	return p.Replicas == desired && p.Updated >= desired && p.Ready >= desired && p.Available >= desired
}
