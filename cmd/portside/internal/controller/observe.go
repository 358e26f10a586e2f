package controller

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/port"
	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/adapterset"
	"github.com/portside-dev/portside/cmd/portside/internal/discovery"
	"github.com/portside-dev/portside/cmd/portside/internal/rollout"
	"github.com/portside-dev/portside/cmd/portside/internal/status"
)

// input is what a reconcile observes before it decides.
type input struct {
	now     time.Time
	manager string
	target  workload.Target
	set     *v1alpha1.AdapterSet
	status  v1alpha1.AdapterSetStatus // as last stored, and about this workload
	// undecided is why nothing can be decided about the ports, nil if something can.
	undecided *undecided

	workload  *workload.Workload // nil if it does not exist
	observed  *apply.Observed
	container *workload.Container // nil if it cannot be determined
	own       []port.Port         // the live ports of the container that we own
	// ignored reports that the ports of containers are not managed.
	ignored bool
	// stopped is why nothing is written to the workload: Suspended, Paused or empty.
	stopped status.ConditionReason
	// began reports that another manager has just changed the pod template.
	began bool
	// stuck reports that the rollout under way makes no progress.
	stuck bool

	// service is the entry of spec.services, where the input is about a Service, and
	// warnings are about that. services are the inputs about the Services of a workload.
	service  *v1alpha1.Service
	warnings []adapterset.ServiceWarning
	services []*input

	active    []apply.Adapter
	poll      rollout.Poll
	discovery *discovery.Condition // nil where the adapters are declared
	// polling reports that a poll is under way which a user requested.
	polling bool
	// silent reports that the source has not answered this process yet, and status
	// stays as it is until it does.
	silent bool
}

// lacksContainer reports whether the input is about a container that cannot be determined.
func (in *input) lacksContainer() bool { return in.service == nil && in.container == nil }

// containerName returns the name of the container, empty if it cannot be determined.
func (in *input) containerName() string {
	if in.container == nil {
		return ""
	}
	return in.container.Name
}

// waitsForRollout reports whether changes wait for the next rollout that another manager
// causes.
func (in *input) waitsForRollout() bool { return in.set.Spec.Rollout.Mode == v1alpha1.RolloutNext }

// joinsRollout reports whether another manager has just begun the rollout that changes
// wait for.
func (in *input) joinsRollout() bool { return in.began && in.waitsForRollout() }

// undecided is why nothing was decided. Without a reason it is a failure.
type undecided struct {
	reason  status.ConditionReason
	message string
}

// observe reads the workload and asks the source.
func (r *reconciler) observe(ctx context.Context, s *state, t workload.Target, set *v1alpha1.AdapterSet) (*input, error) {
	if r.excludes(t) {
		r.poller.Forget(t)
		in := r.newInput(s, t, set)
		in.undecided = &undecided{status.NamespaceExcluded, excludedText}
		return in, nil
	}
	in, err := r.observeWorkload(ctx, s, t, set)
	if err != nil || in.workload == nil {
		r.poller.Forget(t)
		return in, err
	}
	if !r.askSource(ctx, s, in) {
		return in, nil
	}
	if err := r.observeServices(ctx, s, in); err != nil {
		return in, err
	}
	if in.observed, err = r.applier.Observe(in.workload); err != nil {
		in.undecided = &undecided{message: err.Error()}
		return in, nil //nolint:nilerr // status reports it
	}
	if in.set.Spec.ContainerPorts == v1alpha1.ContainerPortsIgnore {
		in.ignored = true
		return in, nil
	}
	if in.container, err = in.workload.Container(set.Spec.Container); err != nil {
		in.undecided = &undecided{status.ContainerNotFound, err.Error()}
		return in, nil //nolint:nilerr // status reports it
	}
	if in.own, err = in.observed.OwnPorts(in.container.Name); err != nil {
		in.observed, in.undecided = nil, &undecided{message: err.Error()}
	}
	return in, nil
}

const excludedText = "this installation of portside excludes the namespace; nothing is written to its workloads"

func (r *reconciler) newInput(s *state, t workload.Target, set *v1alpha1.AdapterSet) *input {
	return &input{now: r.clock.Now(), manager: r.manager, target: t, set: set, status: s.statusOf(set)}
}

// observeWorkload reads the workload, and how far its rollout is.
func (r *reconciler) observeWorkload(ctx context.Context, s *state, t workload.Target, set *v1alpha1.AdapterSet) (*input, error) {
	in := r.newInput(s, t, set)
	w, err := r.workload(ctx, s, t)
	if err != nil {
		return in, err
	}
	if w == nil {
		s.rolling = false
		in.undecided = notFound(t)
		return in, nil
	}
	in.workload = w
	r.recall(s, in)
	s.Progress.Observe(in.now, w.Rollout)
	if !w.Rollout.UnderWay {
		s.rolling = false
	}
	in.began = s.Templates.Observe(w.Template)
	in.stuck = s.Progress.Stuck(in.now, w.Rollout)
	if s.rolling && in.stuck && r.gate.GiveUp(t) {
		s.gaveUpPlace = true
	}
	switch {
	case set.Spec.Suspend:
		in.stopped = status.Suspended
	case w.Paused:
		in.stopped = status.Paused
	}
	return in, nil
}

func notFound(t workload.Target) *undecided {
	return &undecided{status.TargetNotFound, fmt.Sprintf("%s not found; waiting for it to be created", t)}
}

// recall drops the state and the status of another workload of this name, which this one
// replaced. For a workload that this process observes for the first time it continues from
// status.
func (r *reconciler) recall(s *state, in *input) {
	if in.status.Target != nil && in.status.Target.UID != in.workload.UID {
		in.status.Target, in.status.Ports, in.status.Conditions = nil, nil, nil
	}
	if !r.begin(s, in.workload.UID) {
		return
	}
	switch {
	case stuckRollout(&in.status, in.workload):
		s.rolling = true
		s.Progress.ResumeStuck(in.now, in.workload.Rollout)
	case causedRollout(&in.status, in.workload):
		s.rolling = true
		r.gate.Resume(in.target)
	}
	if s.ports.resume(in.status.Ports) {
		s.Contention.Resume(in.now)
	}
}

// causedRollout reports whether the rollout under way is one that portside caused before
// this process began, and holds a place: where status reports it, and where a change was
// pending, since it may have been applied. A rollout that was stuck has given its place
// up, and a restart does not change that.
func causedRollout(s *v1alpha1.AdapterSetStatus, w *workload.Workload) bool {
	return isUnderWay(s, w) && meta.IsStatusConditionTrue(s.Conditions, status.Reconciling) &&
		(hasReason(s, status.Reconciling, status.RollingOut) ||
			slices.ContainsFunc(s.Ports, func(p v1alpha1.PortStatus) bool { return p.State == string(status.Pending) }))
}

// stuckRollout reports whether the rollout under way was stuck before this process began.
func stuckRollout(s *v1alpha1.AdapterSetStatus, w *workload.Workload) bool {
	return isUnderWay(s, w) && hasReason(s, status.Stalled, status.RolloutStuck)
}

// isUnderWay reports whether a rollout of the workload that status is about is under way.
func isUnderWay(s *v1alpha1.AdapterSetStatus, w *workload.Workload) bool {
	return w.Rollout.UnderWay && s.Target != nil && s.Target.UID == w.UID
}

func hasReason(s *v1alpha1.AdapterSetStatus, kind string, reason status.ConditionReason) bool {
	c := meta.FindStatusCondition(s.Conditions, kind)
	return c != nil && c.Reason == string(reason)
}

// askSource finds the active adapters. It reports whether they are known.
func (r *reconciler) askSource(ctx context.Context, s *state, in *input) bool {
	source, err := r.sources.Of(in.set, meta.FindStatusCondition(in.status.Conditions, status.Discovered) != nil)
	if err != nil {
		r.poller.Forget(in.target)
		s.Removals.Stop(in.now)
		in.undecided = &undecided{status.ConditionReason(discovery.ReasonOf(err)), err.Error()}
		in.discovery = &discovery.Condition{Reason: discovery.ReasonOf(err), Message: err.Error()}
		return false
	}
	requested := r.requested(ctx, s, in)
	container := in.set.Spec.Container
	if c, err := in.workload.Container(container); err == nil {
		container = c.Name
	}
	answer, answered := r.poller.Answer(ctx, discovery.Query{
		Workload: discovery.Workload{Target: in.target, UID: in.workload.UID, Selector: in.workload.Selector, Container: container},
		Source:   source,
		InPlace:  func() []apply.Adapter { return r.inPlace(in) },
		// What the pods answered before the rollout that a change waited for is still complete.
		Steady: in.workload.Rollout.Steady() || in.joinsRollout(),
	})
	in.polling = answer.Requested || requested && r.poller.PollNow(in.target)
	if !answered {
		in.silent = in.status.ObservedGeneration == in.set.Generation && in.status.Target != nil && in.status.Target.UID == in.workload.UID
		answer.Condition = discovery.Condition{Reason: discovery.Reason(status.AwaitingAnswer), Message: "the source has not answered yet"}
	}
	if answer.Reason != "" {
		in.discovery = &answer.Condition
	}
	if answer.Active != nil {
		in.active = adapterset.WithCompanions(in.set, answer.Active)
	}
	in.poll = rollout.Poll{Complete: answer.Complete, Disagreed: slices.Concat(answer.Disagreed, adapterset.Renumbered(in.set, answer.Disagreed))}
	if in.active == nil {
		s.Removals.Stop(in.now)
		in.undecided = &undecided{status.AwaitingAnswer, "waiting for a first successful discovery response; no changes until then"}
	}
	return in.active != nil
}

// inPlace returns the adapters whose ports are in place, in the order of status, without
// companions, which no source lists.
func (r *reconciler) inPlace(in *input) []apply.Adapter {
	observed, err := r.applier.Observe(in.workload)
	if err != nil {
		return nil
	}
	own, err := observed.OwnPorts(in.set.Spec.Container)
	if err != nil {
		return nil
	}
	adapters := slices.DeleteFunc(rollout.InPlace(own, in.status.Ports), func(a apply.Adapter) bool {
		return adapterset.IsCompanion(in.set, apply.PortName(a.Type))
	})
	place := func(a apply.Adapter) int {
		return slices.IndexFunc(in.status.Ports, func(p v1alpha1.PortStatus) bool { return p.Type == a.Type })
	}
	slices.SortStableFunc(adapters, func(a, b apply.Adapter) int { return place(a) - place(b) })
	return adapters
}

// requested reports whether a user requested a reconcile that was not handled yet. If so,
// contention and back-off end, and the API server is asked even if the ports are up to
// date.
func (r *reconciler) requested(ctx context.Context, s *state, in *input) bool {
	at := status.RequestedAt(in.set)
	if at == "" || at == in.status.LastHandledReconcileAt || at == s.requestedAt {
		return false
	}
	s.requestedAt, s.resyncAt = at, in.now
	r.retry(s)
	for _, service := range s.services {
		service.resyncAt = in.now
		r.retry(service)
	}
	logr.FromContextOrDiscard(ctx).Info("reconciling as requested", "requestedAt", at)
	return true
}

// retry ends contention and back-off.
func (r *reconciler) retry(s *state) {
	s.Contention = rollout.Contention{}
	s.ports.endContention()
	r.gate.Retry(&s.State, s.uid)
	s.failed = nil
}

// isInPlace reports whether a port of this state is declared because of us.
func isInPlace(s string) bool { return port.State(s).Applied() }
