package controller

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/port"
	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/adapterset"
	"github.com/portside-dev/portside/cmd/portside/internal/remedy"
	"github.com/portside-dev/portside/cmd/portside/internal/rollout"
	"github.com/portside-dev/portside/cmd/portside/internal/status"
)

// services is what the stage of the Services came to.
type services struct {
	facts []status.Facts
	// leaving are the names of the ports that a Service is about to lose. Their container
	// ports go after them.
	leaving []string
	changed bool
	// at is when to reconcile again, zero if an event follows, and resync when to do so for
	// a resync.
	at, resync time.Time
}

// observeServices reads the Services of an AdapterSet.
func (r *reconciler) observeServices(ctx context.Context, s *state, in *input) error {
	in.services = []*input{}
	for i := range in.set.Spec.Services {
		service := &in.set.Spec.Services[i]
		one := &input{
			now: in.now, manager: in.manager, set: in.set, service: service, active: in.active, poll: in.poll,
			target: adapterset.ServiceTarget(in.set, service.Name), status: statusOfService(&in.status, service.Name),
		}
		if err := r.observeService(ctx, s.service(service.Name), one, in); err != nil {
			return err
		}
		in.services = append(in.services, one)
	}
	return nil
}

// statusOfService returns the status of a Service in the form of a workload's.
func statusOfService(all *v1alpha1.AdapterSetStatus, name string) v1alpha1.AdapterSetStatus {
	for i := range all.Services {
		if one := &all.Services[i]; one.Name == name && one.UID != "" {
			return v1alpha1.AdapterSetStatus{Target: &v1alpha1.TargetStatus{UID: one.UID}, Ports: one.Ports}
		}
	}
	return v1alpha1.AdapterSetStatus{}
}

func (r *reconciler) observeService(ctx context.Context, s *state, one, in *input) error {
	if !r.cluster.CachesServices() {
		one.undecided = &undecided{status.ServicesDisabled, "this installation of portside does not manage Services; install it with --services, or start portside run with --services"}
		return nil
	}
	if taken, err := r.takenBy(one); taken != nil || err != nil {
		one.undecided = taken
		return err
	}
	w, err := r.workload(ctx, s, one.target)
	switch {
	case err != nil:
		return err
	case w == nil:
		one.undecided = &undecided{status.ServiceNotFound, one.target.String() + " not found; waiting for it to be created"}
		return nil
	}
	one.workload = w
	r.recall(s, one)
	switch {
	case in.set.Spec.Suspend:
		one.stopped = status.Suspended
	case w.Paused:
		one.stopped = status.Paused
	}
	one.warnings = adapterset.ServiceWarnings(in.workload, w, adapterset.ServicePorts(in.set, one.service, in.active))
	if err := adapterset.CheckListed(in.set, one.service, w); err != nil {
		one.undecided = &undecided{status.PortsNotListed, err.Error()}
		return nil //nolint:nilerr // status reports it
	}
	if one.observed, err = r.applier.Observe(w); err == nil {
		one.own, err = one.observed.OwnPorts("")
	}
	if err != nil {
		one.observed, one.undecided = nil, &undecided{message: err.Error()}
	}
	return nil
}

// takenBy returns why a Service is another AdapterSet's, nil if it is not.
func (r *reconciler) takenBy(one *input) (*undecided, error) {
	sets, err := r.cluster.AdapterSets(one.target)
	if err != nil {
		return nil, err
	}
	if first, _ := winner(sets); first != nil && first.UID != one.set.UID {
		return &undecided{status.ServiceTaken, fmt.Sprintf("AdapterSet %s is older and has %s too; take it out of one of them", first.Name, one.target)}, nil
	}
	return nil, nil
}

// syncServices syncs the ports of the Services. It does that before those of the
// container, so that no Service leads to a port that is no longer declared.
func (r *reconciler) syncServices(ctx context.Context, s *state, in *input, removals []rollout.Removal) services {
	if in.services == nil {
		return services{} // they were not observed
	}
	all := services{facts: []status.Facts{}}
	for _, one := range in.services {
		own := s.service(one.service.Name)
		desired := r.desiredOfService(ctx, own, one, removals)
		plan := r.decide(ctx, own, one, desired)
		verdict := r.ask(own, one, plan)
		outcome := r.apply(ctx, own, one, plan, verdict)
		facts := one.facts(own, desired, plan, verdict, outcome)
		facts.Service, facts.ServiceWarnings = one.service.Name, one.warnings
		all.facts = append(all.facts, facts)
		all.changed = all.changed || outcome.changed
		all.at = earliest(in.now, all.at, desired.contentionDue, plan.retryAt, verdict.Until, outcome.retryAt)
		all.resync = earliest(in.now, all.resync, own.nextResync(verdict, outcome))
		if verdict.Reason == rollout.Stabilizing {
			all.leaving = append(all.leaving, adapterset.Leaving(one.own, plan.Items)...)
		}
	}
	return all
}

// desiredOfService returns the desired ports of a Service: those of active adapters, and
// as they are those of inactive ones until the removal delay is over.
func (r *reconciler) desiredOfService(ctx context.Context, s *state, in *input, removals []rollout.Removal) desired {
	if in.observed == nil {
		return desired{}
	}
	ports := adapterset.ServicePorts(in.set, in.service, in.poll.Agreed(in.active, numbersOf(in.own)))
	d := desired{Desired: apply.Desired{ServicePorts: ports}}
	for _, own := range in.own {
		i := slices.IndexFunc(removals, func(one rollout.Removal) bool { return one.Name == own.Name })
		if i < 0 || hasKeyOf(ports, own) {
			continue
		}
		removal := removals[i]
		kept := adapterset.RetainedPort(removal.Adapter.Type, own)
		removal.Adapter = kept.Adapter
		if in.service.WhenInactive == v1alpha1.WhenInactiveKeep {
			d.ServicePorts = append(d.ServicePorts, kept)
			continue
		} else if !removal.Due {
			d.ServicePorts = append(d.ServicePorts, kept)
		}
		d.removals = append(d.removals, removal)
	}
	if in.stopped != "" {
		return d
	}
	return r.withhold(ctx, s, in, d)
}

// hasKeyOf reports whether an active adapter's port has the number and protocol of a port of
// ours: then that one is not the port of an inactive adapter, although another manager gave
// it the name of one.
func hasKeyOf(active []apply.ServicePort, own port.Port) bool {
	return slices.ContainsFunc(active, func(p apply.ServicePort) bool {
		id := idOf(p.Adapter)
		return id.number == int64(own.Number) && id.protocol == string(own.Protocol)
	})
}

// numbersOf returns the ports of a Service with the numbers of the adapters that they
// lead to, where these are numbers.
func numbersOf(own []port.Port) []port.Port {
	var ports []port.Port
	for _, p := range own {
		if p.TargetPort.Type == intstr.Int && p.TargetPort.IntVal != 0 {
			ports = append(ports, port.Port{Name: p.Name, Number: p.TargetPort.IntVal, Protocol: p.Protocol})
		}
	}
	return ports
}

// leaveServices gives up the ports of Services that the AdapterSet named and does not
// name any more: they stay or are removed, as its deletionPolicy says. It also gives up
// those that an earlier AdapterSet of the target named, which stay. Nothing is given up while
// the AdapterSet is suspended, and nothing of a paused Service. It returns the facts about the
// Services that wait for that; an event follows.
func (r *reconciler) leaveServices(ctx context.Context, s *state, in *input) ([]status.Facts, error) {
	isNamed := func(t workload.Target) bool {
		return slices.ContainsFunc(in.set.Spec.Services, func(one v1alpha1.Service) bool { return one.Name == t.Name })
	}
	set := *in.set
	set.Status = in.status
	leaving := slices.DeleteFunc(s.withServices(adapterset.ServiceTargets(&set), set.Namespace), isNamed)
	var waiting []status.Facts
	if set.Spec.Suspend {
		for _, service := range leaving {
			facts, err := r.leavingService(ctx, in, service, status.Suspended)
			if err != nil {
				return nil, err
			}
			waiting = append(waiting, facts)
		}
		return waiting, nil
	}
	var failed []error
	if left := r.watches.Left(in.target); left != nil {
		gaveUp := true
		for _, service := range left.Services {
			if !isNamed(service) {
				released, err := r.releaseService(ctx, service, set.UID, true)
				gaveUp, failed = gaveUp && released, append(failed, err)
			}
		}
		if gaveUp {
			r.watches.GaveUp(in.target, left)
		}
	}
	for _, service := range leaving {
		released, err := r.releaseService(ctx, service, set.UID, set.Spec.DeletionPolicy != v1alpha1.DeletionRemove)
		if released {
			delete(s.services, service.Name)
			continue
		}
		if err == nil {
			var facts status.Facts
			facts, err = r.leavingService(ctx, in, service, status.Paused)
			waiting = append(waiting, facts)
		}
		failed = append(failed, err)
	}
	return waiting, errors.Join(failed...)
}

// leavingService returns the facts about a Service that the AdapterSet no longer names, and
// whose ports something stops portside from giving up.
func (r *reconciler) leavingService(ctx context.Context, in *input, t workload.Target, stopped status.ConditionReason) (status.Facts, error) {
	facts := status.Facts{
		Service: t.Name, Stopped: stopped, Why: stopped,
		Because: "spec.services no longer has the Service, whose ports are given up later: " + status.WhyStopped("the Service", stopped),
	}
	if last := statusOfService(&in.status, t.Name).Target; last != nil {
		facts.UID = last.UID
	}
	if !r.cluster.CachesServices() {
		return facts, nil
	}
	w, err := r.cluster.Workload(ctx, t)
	if w != nil {
		facts.UID = w.UID
	}
	return facts, err
}

// withServices adds the Services that this process has observed for the AdapterSet to those
// that the AdapterSet names. One that is no longer named may have our ports although no
// status has it: status is stored after the ports.
func (s *state) withServices(named []workload.Target, namespace string) []workload.Target {
	for _, name := range slices.Sorted(maps.Keys(s.services)) {
		if t := (workload.Target{Kind: workload.Service, Namespace: namespace, Name: name}); !slices.Contains(named, t) {
			named = append(named, t)
		}
	}
	return named
}

// releaseService gives up the ports of a Service, unless another AdapterSet names it, it
// does not exist, or it may not be written to. It reports false for a paused Service, and if
// it fails. The UID is that of the AdapterSet that gives it up, empty if it is gone.
func (r *reconciler) releaseService(ctx context.Context, t workload.Target, uid types.UID, keepPorts bool) (released bool, err error) {
	if !r.cluster.CachesServices() || r.excludes(t) {
		return true, nil
	}
	sets, err := r.cluster.AdapterSets(t)
	if err != nil || slices.ContainsFunc(sets, func(other *v1alpha1.AdapterSet) bool { return other.UID != uid }) {
		return err == nil, err
	}
	if w, err := r.cluster.Workload(ctx, t); err != nil || w == nil {
		return err == nil, err
	}
	result, err := r.applier.Release(ctx, t, keepPorts)
	r.metrics.Reconciled(result)
	if err != nil {
		return false, remedy.For{Target: t, FieldManager: r.manager}.Error(err)
	}
	return result.Outcome != apply.Paused, nil
}
