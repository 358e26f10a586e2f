package controller

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/port"
	"github.com/portside-dev/portside/cmd/portside/internal/adapterset"
	"github.com/portside-dev/portside/cmd/portside/internal/rollout"
	"github.com/portside-dev/portside/cmd/portside/internal/status"
)

// desired are the ports that should be there: those of active adapters, and retained
// ones, less contended ones.
type desired struct {
	apply.Desired
	// removals are of the ports whose adapters are inactive, and nextRemoval is when
	// the next of them is due.
	removals    []rollout.Removal
	nextRemoval time.Time
	// withheld are contended ports. They are added again at contentionDue, or, if there
	// are none, the contention is over then.
	withheld      []apply.PortStatus
	contentionDue time.Time
}

// desired returns the desired ports.
func (r *reconciler) desired(ctx context.Context, s *state, in *input) desired {
	if in.container == nil {
		return desired{Desired: apply.Desired{Container: in.set.Spec.Container, Adapters: in.active}}
	}
	active := in.poll.Agreed(in.active, in.own)
	d := desired{Desired: adapterset.Desired(in.set, active)}
	d.removals, d.nextRemoval = s.Removals.Keep(rollout.Known{
		Now: in.now, Active: active, Own: in.own, Status: in.status.Ports, Poll: in.poll,
		// A removal that waited for the next rollout goes with it.
		UnderWay: in.workload.Rollout.UnderWay && !(in.began && in.waitsForRollout()),
		Delay:    seconds(in.set.Spec.Rollout.RemovalDelaySeconds),
	})
	for _, removal := range d.removals {
		if !removal.Due {
			d.Retained = append(d.Retained, removal.Adapter)
		}
	}
	if in.stopped != "" {
		return d
	}
	return r.withhold(ctx, s, in, d)
}

// withhold takes the ports out that another manager keeps removing, while they must not
// be added again.
func (r *reconciler) withhold(ctx context.Context, s *state, in *input, d desired) desired {
	missing := s.ports.missingOf(in, d.Desired)
	removed := s.ports.lose(missing, s.Contention.Counts())
	_, mayReadd := s.Contention.MayReadd(in.now)
	d.contentionDue = s.Contention.Due()
	if removed || s.Contention.UnderWay() && s.Contention.Contender == nil {
		s.Contention.Contender = new(r.contender(ctx, in.target))
	}
	if len(missing) == 0 || mayReadd {
		return d
	}
	all := d.Adapters
	d.Adapters = nil
	for _, a := range all {
		id := idOf(a)
		if !id.isIn(missing) {
			d.Adapters = append(d.Adapters, a)
			continue
		}
		d.withheld = append(d.withheld, apply.PortStatus{
			Type: a.Printable().Type, Name: id.name, Port: id.number, Protocol: corev1.Protocol(id.protocol),
			State: port.Blocked, Reason: status.PortContended, Message: withheldText,
		})
	}
	return d
}

func seconds(n *int32) time.Duration { return time.Duration(ptr.Deref(n, 0)) * time.Second }
