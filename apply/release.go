package apply

import (
	"context"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/util/retry"

	"github.com/portside-dev/portside/fieldmanager"
)

// Release gives up all that we own of a workload, in any of its containers.
// The ports that nobody else owns go; with keepPorts they stay, owned by
// nobody, and the pod template does not change. A second release finds
// nothing to do.
//
// The outcome is Applied, Unchanged, TargetNotFound, Paused or Failed; only
// the last has an error.
func (a *Applier) Release(ctx context.Context, t Target, keepPorts bool) (Result, error) {
	result := Result{Target: t}
	err := retry.OnError(overtaken, isOvertaken, func() error {
		return a.releaseOnce(ctx, &result, keepPorts)
	})
	if err != nil {
		result.Outcome, err = notFoundOr(err, t)
	}
	return result, err
}

// overtaken is how often and how fast a release or an adoption looks again
// when another writer was faster. Both write managedFields whole, so both
// insist on the object that they read.
var overtaken = wait.Backoff{Steps: 10, Duration: 10 * time.Millisecond, Factor: 1.5, Jitter: 0.1}

func isOvertaken(err error) bool { return apierrors.IsConflict(err) || apierrors.IsInvalid(err) }

func (a *Applier) releaseOnce(ctx context.Context, r *Result, keepPorts bool) error {
	w, err := a.Look(ctx, r.Target)
	if err != nil {
		return err
	}
	was, err := a.ownPorts(w)
	if err != nil {
		return err
	}
	r.Before, r.After, r.ResourceVersion = w, w, w.ResourceVersion
	switch {
	case w.Paused:
		r.Outcome = Paused
		return nil
	case !a.holds(w):
		r.Outcome = Unchanged
		return nil
	}
	if r.After, err = a.giveUp(ctx, w, keepPorts); err != nil {
		return err
	}
	r.Outcome, r.ResourceVersion, r.Ports = Applied, r.After.ResourceVersion, released(was, r.After)
	return nil
}

// giveUp empties our entry: by an apply of nothing, which takes along what
// only we own, or by taking the entry out, which leaves the ports alone.
func (a *Applier) giveUp(ctx context.Context, w *Workload, keepPorts bool) (*Workload, error) {
	if keepPorts {
		return a.patchManagedFields(ctx, w, fieldmanager.Without(w.ManagedFields, a.us()))
	}
	return a.apply(ctx, configuration{workload: w})
}

// released tells of each port that was ours whether it is still there.
func released(was []containerPort, after *Workload) []PortStatus {
	left := gone(was, after)
	ports := make([]PortStatus, 0, len(was))
	for _, p := range was {
		s := PortStatus{Name: p.Name, Port: int64(p.ContainerPort.ContainerPort), Protocol: p.Protocol, State: Released}
		for _, q := range left {
			if q == p {
				s.State = Removed
			}
		}
		ports = append(ports, s)
	}
	return ports
}
