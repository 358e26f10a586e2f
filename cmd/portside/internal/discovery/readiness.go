package discovery

import "fmt"

// Readiness is how ready a workload was when its pods were asked. The zero value
// is that of a workload that is steady and wants no pods.
type Readiness struct {
	// Ready is how many pods are ready, Desired how many the workload wants.
	Ready, Desired int
	// Waiting is how many pods are asked although they are not ready, because
	// they wait for a port to be declared.
	Waiting int
	// RollingOut reports whether a rollout is under way.
	RollingOut bool
	// Unobserved reports whether the workload's controller has yet to observe
	// the newest spec. That takes a moment after each change, so it is not
	// reported.
	Unobserved bool
}

// Steady reports whether every desired pod is ready and none is about to be
// replaced. If not, the answers may lack a pod that serves an adapter or knows its
// new number.
func (r Readiness) Steady() bool { return r.Ready >= r.Desired && !r.RollingOut && !r.Unobserved }

// Problem returns the reason and the message of a workload that is not steady.
// The reason is empty if there is nothing to report.
func (r Readiness) Problem() (Reason, string) {
	switch {
	case r.Ready < r.Desired:
		return NotAllReady, fmt.Sprintf("pods ready: %d of %d; no port is removed or renumbered until all are ready", r.Ready, r.Desired)
	case r.RollingOut:
		return RolloutUnderWay, "no port is removed or renumbered until the rollout that is under way is complete"
	}
	return "", ""
}
