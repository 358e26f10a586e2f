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

	"github.com/portside-dev/portside/apply/port"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/fieldmanager"
)

// Release gives up all that we own of a workload, in any of its containers.
// The ports that no other manager owns are removed, but for those that another manager
// has renamed: they stay, for that manager. With keepPorts all stay, the others without
// an owner, and the pod template does not change. A second release finds
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
	return a.ended(result, err)
}

// ended returns the result with the outcome that an error makes of it.
func (a *Applier) ended(r Result, err error) (Result, error) {
	switch {
	case err == nil:
		return r, nil
	case workload.IsContainerNotFound(err):
		r.Outcome = ContainerNotFound
		return r, err
	}
	if r.Outcome, err = a.notFoundOr(err, r.Target); r.Outcome == TargetNotFound {
		r = Result{Target: r.Target, Container: r.Container, Outcome: TargetNotFound}
	}
	return r, err
}

// overtaken is how often and how fast a release or an adoption reads the workload again
// when another manager was faster. Both write managedFields whole, so both
// require the object that they read.
var overtaken = wait.Backoff{Steps: 10, Duration: 10 * time.Millisecond, Factor: 1.5, Jitter: 0.1}

// isOvertaken reports whether the server refused because the object is no longer the one
// that was read. A failed "test" of a JSON patch has no reason of its own, and a workload
// that was recreated refuses its uid.
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
	o, err := a.Observe(w)
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
		if err := o.dedicated(); err != nil {
			return err
		}
	}
	if r.After, err = a.giveUp(ctx, o, keepPorts); err != nil {
		return err
	}
	after, err := a.Observe(r.After)
	if err != nil {
		return err
	}
	r.Outcome, r.ResourceVersion, r.Ports = Applied, r.After.ResourceVersion, o.released(after, keepPorts)
	return nil
}

// giveUp empties our entry: by an apply of nothing, which removes what only we own, or by
// removing the entry, which leaves the ports alone.
func (a *Applier) giveUp(ctx context.Context, o *Observed, keepPorts bool) (*workload.Workload, error) {
	renamed := o.renamed("", nil)
	if keepPorts {
		return a.transferring(o, renamed, func(managed []metav1.ManagedFieldsEntry) (*workload.Workload, error) {
			return a.patchManagedFields(ctx, o, fieldmanager.Without(managed, a.us()))
		})
	}
	if len(o.pruned(nil))+len(renamed) > 0 || o.isStuck() {
		// One patch for all: a part of them by an apply would be a second change.
		return a.takeOut(ctx, o, o.held())
	}
	return a.apply(ctx, o, "", nil, false)
}

// isStuck reports whether the server would refuse an apply of nothing: a Service would be
// without a port, or with a port that its owner gave no name.
func (o *Observed) isStuck() bool {
	return slices.ContainsFunc(o.ports, func(list *port.Observed) bool {
		return list.Last() != nil || len(list.NamedForOthers()) > 0
	})
}

// released returns for each port that was ours whether it is still live.
func (o *Observed) released(after *Observed, keepPorts bool) []PortStatus {
	own := o.own()
	removed, renamed := after.gone(own), o.renamed("", nil)
	ports := make([]PortStatus, 0, len(own))
	for _, p := range own {
		if at := slices.IndexFunc(renamed, func(r renamedPort) bool { return r.livePort == p }); at >= 0 {
			ports = append(ports, renamed[at].status(after))
			continue
		}
		s := p.status(port.Released)
		if last := o.portsOf(p.container).Last(); last != nil && last.Name == p.Name && !keepPorts {
			s.Reason, s.Message = port.ReasonLastPort, "it stays, without an owner: the Service cannot be without a port"
		}
		if s.Owners = after.ownersOf(p); slices.Contains(removed, p) {
			s = p.status(port.Removed)
		}
		ports = append(ports, s)
	}
	return ports
}
