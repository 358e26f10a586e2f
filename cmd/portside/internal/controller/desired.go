package controller

import (
	"context"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/port"
	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/cmd/portside/internal/adapterset"
	"github.com/portside-dev/portside/cmd/portside/internal/rollout"
	"github.com/portside-dev/portside/cmd/portside/internal/status"
)

// desired are the ports that should be there: those of active adapters, and retained
// ones, less contended ones.
type desired struct {
	apply.Desired
	// removals are of the ports of this list whose adapters are inactive. inactive are
	// those of the workload and all its Services, by name, and nextRemoval is when the
	// next of them is due.
	removals, inactive []rollout.Removal
	nextRemoval        time.Time
	// withheld are contended ports. They are added again at contentionDue, or, if there
	// are none, the contention is over then.
	withheld      []apply.PortStatus
	contentionDue time.Time
}

// desired returns the desired ports of the container, and how long adapters have been
// inactive.
func (r *reconciler) desired(ctx context.Context, s *state, in *input) desired {
	if in.container == nil && len(in.services) == 0 {
		return desired{Desired: apply.Desired{Container: in.set.Spec.Container, Adapters: in.active}}
	}
	active := in.poll.Agreed(in.active, in.own)
	d := desired{Desired: adapterset.Desired(in.set, active)}
	own, reported := in.everywhere()
	d.inactive, d.nextRemoval = s.Removals.Keep(rollout.Known{
		Now: in.now, Active: active, Own: own, Status: reported, Poll: in.poll,
		// A removal that waited for the next rollout goes with it.
		UnderWay: in.workload.Rollout.UnderWay && !in.joinsRollout(),
		Policy:   rollout.PolicyOf(in.set.Spec.Rollout),
	})
	for _, removal := range d.inactive {
		if !hasName(in.own, removal.Name) {
			continue
		}
		d.removals = append(d.removals, removal)
		if !removal.Due {
			d.Retained = append(d.Retained, removal.Adapter)
		}
	}
	if in.stopped != "" || in.container == nil {
		return d
	}
	return r.withhold(ctx, s, in, d)
}

// everywhere returns the ports of ours in the container, then those that are in Services
// alone, by name, and what status has of all of them.
func (in *input) everywhere() (own []port.Port, reported []v1alpha1.PortStatus) {
	own, reported = slices.Clone(in.own), slices.Clone(in.status.Ports)
	for _, one := range in.services {
		for _, p := range one.own {
			if !hasName(own, p.Name) {
				own = append(own, port.Port{Name: p.Name})
			}
		}
		reported = append(reported, one.status.Ports...)
	}
	return own, reported
}

func hasName(ports []port.Port, name string) bool {
	return slices.ContainsFunc(ports, func(p port.Port) bool { return p.Name == name })
}

// hold retains ports that are due to be removed, since a Service is about to lose them.
func (d desired) hold(leaving []string) desired {
	d.removals = slices.Clone(d.removals)
	for i := range d.removals {
		if removal := &d.removals[i]; removal.Due && slices.Contains(leaving, removal.Name) {
			removal.Due = false
			d.Retained = append(d.Retained, removal.Adapter)
		}
	}
	return d
}

// withhold takes the ports out that another manager keeps removing, while they must not
// be added again.
func (r *reconciler) withhold(ctx context.Context, s *state, in *input, d desired) desired {
	missing := s.ports.missingOf(in, d)
	removed := s.ports.lose(missing, s.Contention.Counts())
	_, mayReadd := s.Contention.MayReadd(in.now)
	d.contentionDue = s.Contention.Due()
	if removed || s.Contention.UnderWay() && s.Contention.Contender == nil {
		s.Contention.Contender = new(r.contender(ctx, in.target))
	}
	if len(missing) == 0 || mayReadd {
		return d
	}
	kept := d.Desired
	kept.Adapters, kept.ServicePorts = nil, nil
	for _, a := range d.Adapters {
		if !d.withholds(a, missing) {
			kept.Adapters = append(kept.Adapters, a)
		}
	}
	for _, p := range d.ServicePorts {
		if !d.withholds(p.Adapter, missing) {
			kept.ServicePorts = append(kept.ServicePorts, p)
		}
	}
	d.Desired = kept
	return d
}

// withholds reports whether a port is missing, and adds it to the withheld ones if it is.
func (d *desired) withholds(a apply.Adapter, missing []portID) bool {
	id := idOf(a)
	if !id.isIn(missing) {
		return false
	}
	d.withheld = append(d.withheld, apply.PortStatus{
		Type: a.Printable().Type, Name: id.name, Port: id.number, Protocol: corev1.Protocol(id.protocol),
		State: port.Blocked, Reason: status.PortContended, Message: withheldText,
	})
	return true
}

// ids returns the ports of active adapters, and those of a Service.
func (d desired) ids() []portID {
	var ids []portID
	for _, a := range d.Adapters {
		ids = append(ids, idOf(a))
	}
	for _, p := range d.ServicePorts {
		ids = append(ids, idOf(p.Adapter))
	}
	return ids
}

func seconds(n *int32) time.Duration { return time.Duration(ptr.Deref(n, 0)) * time.Second }
