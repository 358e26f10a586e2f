package status

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/portside-dev/portside/apply/port"
	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/rollout"
)

// cause is the reason of a condition and its message.
type cause struct {
	reason  ConditionReason
	message string
}

// verdict holds what the conditions report.
type verdict struct {
	ready metav1.ConditionStatus
	why   cause // of Ready
	// reconciling and stalled are nil where the condition is false.
	reconciling, stalled *cause
	// idle is why Reconciling is false.
	idle cause
}

// conditions returns all conditions, without their times.
func (f Facts) conditions(set *v1alpha1.AdapterSet, s v1alpha1.AdapterSetStatus) []metav1.Condition {
	v := f.verdict(set, s)
	conditions := []metav1.Condition{
		condition(Ready, v.ready, v.why),
		conditionOf(Reconciling, v.reconciling, v.idle),
		conditionOf(Stalled, v.stalled, cause{AsExpected, "no manual action required"}),
	}
	if d := f.Discovery; d != nil {
		met := metav1.ConditionFalse
		if d.Met {
			met = metav1.ConditionTrue
		}
		conditions = append(conditions, condition(Discovered, met, cause{ConditionReason(d.Reason), d.Message}))
	}
	return conditions
}

func condition(kind string, is metav1.ConditionStatus, because cause) metav1.Condition {
	return metav1.Condition{Type: kind, Status: is, Reason: string(because.reason), Message: because.message}
}

// conditionOf returns a condition that is True where there is a cause.
func conditionOf(kind string, because *cause, otherwise cause) metav1.Condition {
	if because == nil {
		return condition(kind, metav1.ConditionFalse, otherwise)
	}
	return condition(kind, metav1.ConditionTrue, *because)
}

// inPlace returns the message of a Ready that is true.
func (f Facts) inPlace() string {
	if len(f.Services) > 0 {
		return "the workload and the Services declare every desired port"
	}
	return "the workload declares every desired port"
}

// verdict applies the rules of the package comment.
func (f Facts) verdict(set *v1alpha1.AdapterSet, s v1alpha1.AdapterSetStatus) verdict {
	if f.Stopped != "" {
		return f.stopped(set.Status.Conditions)
	}
	v := verdict{
		ready: metav1.ConditionTrue, why: cause{InPlace, f.inPlace()},
		reconciling: cmp.Or(f.reconciling(), f.pendingServices()), idle: cause{AsExpected, "no changes pending"},
	}
	if f.Deferred == rollout.NextRollout {
		v.why = *f.deferred()
		v.why.message += waiting(s.Ports)
		v.idle = v.why
	}
	problem, needsAction := f.problem(s.Ports)
	if problem == nil {
		problem, needsAction = f.serviceProblem(s.Services)
	}
	switch {
	case needsAction:
		v.stalled = problem
	case f.RollingOut && f.Stuck:
		v.stalled = &cause{RolloutStuck, "the ports are stored, but the rollout that brings them to the pods makes no progress; check the pods of the workload"}
	case f.discoveryStalled(set):
		v.stalled = &cause{ConditionReason(f.Discovery.Reason), f.Discovery.Message}
	}
	if problem == nil {
		return v
	}
	v.ready, v.why = metav1.ConditionFalse, *problem
	if f.Why == AwaitingAnswer {
		v.ready = metav1.ConditionUnknown
	}
	if v.reconciling == nil && v.stalled == nil {
		v.reconciling = problem
	}
	return v
}

// stopped keeps Ready, and a Stalled that is true, as they were. An AdapterSet that
// was not ready stays so until a person lets portside continue. One whose workload does
// not exist is not ready: no port is in place.
func (f Facts) stopped(before []metav1.Condition) verdict {
	stop := cause{f.Stopped, WhyStopped("the workload", f.Stopped)}
	v := verdict{ready: metav1.ConditionTrue, why: stop, idle: stop}
	if f.Why == TargetNotFound {
		v.ready, v.why, v.stalled = metav1.ConditionFalse, cause{f.Why, f.Because}, &stop
		return v
	}
	if c := meta.FindStatusCondition(before, Ready); c != nil && !isStop(c.Reason) && c.Reason != string(TargetNotFound) {
		v.ready, v.why = c.Status, cause{ConditionReason(c.Reason), c.Message}
	}
	switch c := meta.FindStatusCondition(before, Stalled); {
	case c != nil && c.Status == metav1.ConditionTrue && !isStop(c.Reason):
		v.stalled = &cause{ConditionReason(c.Reason), c.Message}
	case v.ready != metav1.ConditionTrue:
		v.stalled = &stop
	}
	if f.RollingOut && !f.Stuck {
		v.reconciling = f.reconciling()
	}
	return v
}

// isStop reports whether the reason of a condition is that a user stopped all
// writes to the workload.
func isStop(reason string) bool { return reason == string(Suspended) || reason == string(Paused) }

// WhyStopped returns what stops every write to an object, such as "the workload", for the
// reasons Suspended and Paused.
func WhyStopped(object string, reason ConditionReason) string {
	if reason == Suspended {
		return "spec.suspend is true; nothing is written to " + object
	}
	return object + " has the annotation " + workload.PausedAnnotation + "; nothing is written to it"
}

// discoveryStalled reports whether discovery fails until a person acts. A process
// that has just started has not counted enough polls yet, so it keeps the Stalled
// of the same generation while polls fail for the same reason.
func (f Facts) discoveryStalled(set *v1alpha1.AdapterSet) bool {
	if f.Discovery == nil || f.Discovery.Met {
		return false
	}
	was := meta.FindStatusCondition(set.Status.Conditions, Stalled)
	return f.Discovery.Stalled || was != nil && was.Status == metav1.ConditionTrue &&
		was.Reason == string(f.Discovery.Reason) && was.ObservedGeneration == set.Generation
}

// problem returns why not every desired port is in place, nil if all are, and
// whether a person must act.
func (f Facts) problem(ports []v1alpha1.PortStatus) (why *cause, needsAction bool) {
	blocked, invalid := listed(ports, string(port.Blocked)), listed(ports, string(port.Invalid))
	switch {
	case f.Why != "":
		return &cause{f.Why, f.Because}, slices.Contains(stallingReasons, f.Why)
	case f.Failure != "" && f.Refusal:
		return &cause{Refused, f.Failure}, true
	case f.Failure != "":
		return &cause{Unavailable, f.Failure}, false
	case f.Contended:
		return &cause{Contended, f.contentionText()}, true
	case blocked != "":
		return &cause{Conflicting, blocked}, true
	case invalid != "":
		return &cause{InvalidAdapter, invalid}, true
	case f.Deferred == rollout.Stuck:
		return f.deferred(), true
	case len(f.Pending) > 0 && f.Deferred != rollout.NextRollout:
		return f.deferred(), false
	}
	return nil, false
}

// stallingReasons are those of Facts.Why that need manual action.
var stallingReasons = []ConditionReason{TargetTaken, ContainerNotFound, FieldManagerNotDedicated, NamespaceExcluded, NoSource, InvalidExpression, ServiceTaken, ServicesDisabled, PortsNotListed}

// reconciling returns what is going to change without manual action, or nil.
func (f Facts) reconciling() *cause {
	switch {
	case f.Why == Removing:
		return &cause{Removing, f.Because}
	case f.Deferred == rollout.Stuck || f.RollingOut && f.Stuck:
		return nil
	case f.RollingOut:
		return &cause{RollingOut, "the ports are stored, and pods are restarting to get them"}
	case f.Why != "":
		return nil
	case f.Failure != "" && !f.Refusal:
		return &cause{Unavailable, f.Failure}
	case f.Deferred == rollout.NextRollout:
		return nil
	case f.Deferred != rollout.NotDeferred:
		return f.deferred()
	}
	if pending := f.policy.Pending(f.Removals); pending != "" {
		return &cause{RemovalWaiting, pending}
	}
	return nil
}

// deferred returns why the change is not applied yet.
func (f Facts) deferred() *cause {
	switch f.Deferred {
	case rollout.Stabilizing:
		return &cause{Stabilizing, fmt.Sprintf("the change is applied when it has stayed the same for %s", f.settle)}
	case rollout.NextRollout:
		return &cause{Deferred, "the change waits for the next rollout that another manager causes (spec.rollout.mode NextRollout); " + f.cost()}
	case rollout.UnderWay:
		return &cause{RolloutUnderWay, "the change waits for the rollout that is under way"}
	case rollout.Stuck:
		return &cause{RolloutStuck, "the change waits for a rollout that makes no progress; check the pods of the workload"}
	case rollout.LimitReached:
		return &cause{RolloutLimit, "the change waits until fewer workloads are in a rollout that portside caused" + HeldBy(f.namespace, f.Holders)}
	case rollout.BackingOff, rollout.NotDeferred:
	}
	switch {
	case f.Stopped != "":
		return &cause{f.Stopped, WhyStopped("the workload", f.Stopped)}
	case f.Contended:
		return &cause{Contended, f.contentionText()}
	}
	return &cause{Unavailable, "the change could not be applied; it is retried with back-off"}
}

// cost returns how many pods a change costs that waits for the next rollout.
func (f Facts) cost() string {
	text := fmt.Sprintf("by itself it would restart at most %d pods", f.Restarts)
	switch {
	case f.Surge == 0:
		return text + ", and with that rollout none"
	case f.Surge >= f.Restarts:
		return text + ", and with that rollout every pod starts twice (maxSurge), so that nothing is gained"
	}
	return text + fmt.Sprintf(", and with that rollout at most %d more pods start (maxSurge)", f.Surge)
}

// waiting returns the ports that wait for the next rollout, and since when.
func waiting(ports []v1alpha1.PortStatus) string {
	var all []string
	for _, p := range ports {
		if p.DeferredSince == nil {
			continue
		}
		change := "removes "
		if p.State == string(Pending) {
			change = "adds "
		}
		all = append(all, change+of(p)+" since "+p.DeferredSince.UTC().Format(time.RFC3339))
	}
	if len(all) == 0 {
		return ""
	}
	return "; it " + strings.Join(all, ", ")
}

func (f Facts) contentionText() string {
	return fmt.Sprintf("%s keeps removing the ports; they are added again at most once an hour. Have it leave the adapter ports alone; to try again now, run portside reconcile -n %s adapterset/%s; or suspend the AdapterSet",
		contenderText(f.Contender), f.namespace, f.name)
}

// contenderText names the manager that removed ports.
func contenderText(t rollout.Contender) string {
	switch {
	case t.Manager == "":
		return "another manager"
	case !t.Certain:
		return "another manager (most likely " + t.Manager + ")"
	}
	return t.Manager
}
