package apply

import (
	"context"
	"errors"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/util/retry"

	"github.com/portside-dev/portside/fieldmanager"
)

// Release gives up all that we own of a workload, in any of its containers.
// The ports that nobody else owns go, but for those that another manager has
// named: they stay, for that manager. With keepPorts all stay, the others
// owned by nobody, and the pod template does not change. A second release finds
// nothing to do.
//
// The outcome is Applied, Unchanged, TargetNotFound, Paused or Failed; only
// the last has an error. That is a [NotDedicatedError] where our field manager owns
// other fields: without keepPorts they would be removed.
func (a *Applier) Release(ctx context.Context, t workload.Target, keepPorts bool) (Result, error) {
	result := Result{Target: t}
	err := retry.OnError(overtaken, isOvertaken, func() error {
		return a.releaseOnce(ctx, &result, keepPorts)
	})
	return result.ended(err)
}

// ended is the result with the outcome that an error makes of it.
func (r Result) ended(err error) (Result, error) {
	switch {
	case err == nil:
		return r, nil
	case workload.IsContainerNotFound(err):
		r.Outcome = ContainerNotFound
		return r, err
	}
	if r.Outcome, err = notFoundOr(err, r.Target); r.Outcome == TargetNotFound {
		r = Result{Target: r.Target, Outcome: TargetNotFound}
	}
	return r, err
}

// overtaken is how often and how fast a release or an adoption looks again
// when another writer was faster. Both write managedFields whole, so both
// insist on the object that they read.
var overtaken = wait.Backoff{Steps: 10, Duration: 10 * time.Millisecond, Factor: 1.5, Jitter: 0.1}

// isOvertaken tells a refusal because of what was read from every other. A
// failed "test" of a JSON patch has no reason of its own, and a workload that
// was made anew refuses its uid.
func isOvertaken(err error) bool {
	if apierrors.IsConflict(err) {
		return true
	}
	var status apierrors.APIStatus
	if !apierrors.IsInvalid(err) || !errors.As(err, &status) || status.Status().Details == nil {
		return false
	}
	return slices.ContainsFunc(status.Status().Details.Causes, func(c metav1.StatusCause) bool {
		return c.Type == metav1.CauseTypeUnexpectedServerResponse || c.Field == "metadata.uid"
	})
}

func (a *Applier) releaseOnce(ctx context.Context, r *Result, keepPorts bool) error {
	w, err := a.Get(ctx, r.Target)
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
	case !a.HasClaim(w):
		r.Outcome = Unchanged
		return nil
	}
	if !keepPorts {
		if err := a.dedicated(w); err != nil {
			return err
		}
	}
	if r.After, err = a.giveUp(ctx, w, keepPorts); err != nil {
		return err
	}
	named, err := a.named(w, "", nil)
	if err != nil {
		return err
	}
	r.Outcome, r.ResourceVersion, r.Ports = Applied, r.After.ResourceVersion, released(was, named, r.After)
	return nil
}

// giveUp empties our entry: by an apply of nothing, which takes along what
// only we own, or by taking the entry out, which leaves the ports alone.
func (a *Applier) giveUp(ctx context.Context, w *workload.Workload, keepPorts bool) (*workload.Workload, error) {
	named, err := a.named(w, "", nil)
	if err != nil {
		return nil, err
	}
	if keepPorts {
		return a.handingOver(w, named, func(managed []metav1.ManagedFieldsEntry) (*workload.Workload, error) {
			return a.patchManagedFields(ctx, w, fieldmanager.Without(managed, a.us()))
		})
	}
	pruned, err := a.pruned(w, "")
	if err != nil {
		return nil, err
	}
	if len(pruned)+len(named) > 0 {
		// One patch for all: a part of them by an apply would be a second change.
		return a.takeOutAll(ctx, w)
	}
	return a.apply(ctx, configuration{workload: w})
}

// released tells of each port that was ours whether it is still there.
func released(was []containerPort, named []namedPort, after *workload.Workload) []PortStatus {
	left := gone(was, after)
	ports := make([]PortStatus, 0, len(was))
	for _, p := range was {
		if at := slices.IndexFunc(named, func(n namedPort) bool { return n.containerPort == p }); at >= 0 {
			ports = append(ports, named[at].status(after))
			continue
		}
		s := PortStatus{Name: p.Name, Port: int64(p.ContainerPort.ContainerPort), Protocol: p.Protocol, State: port.Released}
		if slices.Contains(left, p) {
			s.State = port.Removed
		} else {
			s.Owners = ownersOf(after, p)
		}
		ports = append(ports, s)
	}
	return ports
}
