package status

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/cmd/portside/internal/holding"
)

// said is a reason with its message.
type said struct{ reason, message string }

// conditions are all of them, without their times.
func (f Facts) conditions(ports []v1alpha1.PortStatus) []metav1.Condition {
	wrong, _ := f.wrong(ports)
	ready := condition(Ready, metav1.ConditionTrue, said{InPlace, "the workload declares every wanted port"})
	switch {
	case f.Why == AwaitingAnswer:
		ready = condition(Ready, metav1.ConditionUnknown, *wrong)
	case wrong != nil:
		ready = condition(Ready, metav1.ConditionFalse, *wrong)
	}
	conditions := []metav1.Condition{
		ready,
		problem(Reconciling, f.reconciling(), "nothing is about to change"),
		problem(Stalled, f.stalled(ports), "nothing waits for somebody to act"),
	}
	if d := f.Discovery; d != nil {
		met := metav1.ConditionFalse
		if d.Met {
			met = metav1.ConditionTrue
		}
		conditions = append(conditions, condition(Discovered, met, said{d.Reason, d.Message}))
	}
	return conditions
}

func condition(kind string, is metav1.ConditionStatus, says said) metav1.Condition {
	return metav1.Condition{Type: kind, Status: is, Reason: says.reason, Message: says.message}
}

// problem is a condition that is true where there is something to say.
func problem(kind string, says *said, otherwise string) metav1.Condition {
	if says == nil {
		return condition(kind, metav1.ConditionFalse, said{AsExpected, otherwise})
	}
	return condition(kind, metav1.ConditionTrue, *says)
}

// stalled is what somebody has to act on, nil if nothing is.
func (f Facts) stalled(ports []v1alpha1.PortStatus) *said {
	if wrong, stalls := f.wrong(ports); stalls {
		return wrong
	}
	if f.RollingOut && f.Stuck {
		return &said{RolloutStuck, "the ports are stored, but the rollout that brings them to the pods makes no progress; check the pods of the workload"}
	}
	return nil
}

// wrong is why not every wanted port is in place, nil if all are, and whether
// somebody has to act.
func (f Facts) wrong(ports []v1alpha1.PortStatus) (why *said, stalled bool) {
	blocked, invalid := listed(ports, string(apply.Blocked)), listed(ports, string(apply.Invalid))
	switch {
	case f.Why != "":
		return &said{f.Why, f.Because}, slices.Contains(stallingReasons, f.Why)
	case f.Stopped != "":
		return &said{f.Stopped, stoppedText[f.Stopped]}, false
	case f.Failure != "" && f.Refusal:
		return &said{Refused, f.Failure}, true
	case f.Failure != "":
		return &said{Unavailable, f.Failure}, false
	case f.Fight:
		return &said{Fighting, f.fightText()}, true
	case blocked != "":
		return &said{Conflicting, blocked}, true
	case invalid != "":
		return &said{InvalidAdapter, invalid}, true
	case f.Hold == holding.RolloutStuck:
		return &said{RolloutStuck, holdText(f)}, true
	case len(f.Pending) > 0:
		return &said{holdReason[f.Hold], holdText(f)}, false
	}
	return nil, false
}

// stallingReasons are the reasons for deciding nothing that wait for a person.
var stallingReasons = []string{TargetTaken, ContainerNotFound, FieldManagerNotDedicated, NamespaceExcluded, NoSource}

// WhyStopped returns what stops every write to the workload, for the reasons
// Suspended and Paused.
func WhyStopped(reason string) string { return stoppedText[reason] }

var stoppedText = map[string]string{
	Suspended: "spec.suspend is true; nothing is written to the workload",
	Paused:    "the workload carries the annotation " + apply.PausedAnnotation + "; nothing is written to it",
}

// reconciling is what is still to happen by itself, nil if nothing is.
func (f Facts) reconciling() *said {
	switch {
	case f.Why == Removing:
		return &said{Removing, f.Because}
	case f.Hold == holding.RolloutStuck || f.RollingOut && f.Stuck:
		return nil
	case f.RollingOut:
		return &said{RollingOut, "the pods are restarted to get the ports that are stored"}
	case f.Why != "" || f.Stopped != "":
		return nil
	case f.Failure != "" && !f.Refusal:
		return &said{Unavailable, f.Failure}
	case f.Hold != holding.Go:
		return &said{holdReason[f.Hold], holdText(f)}
	case len(f.Waiting) > 0:
		return &said{RemovalWaiting, "ports of inactive adapters go when removalDelaySeconds have passed"}
	}
	return nil
}

var holdReason = map[holding.Reason]string{
	holding.Unsettled:       Settling,
	holding.RolloutUnderWay: RolloutUnderWay,
	holding.RolloutStuck:    RolloutStuck,
	holding.RolloutLimit:    RolloutLimit,
}

// holdText says what a change waits for.
func holdText(f Facts) string {
	switch f.Hold {
	case holding.Unsettled:
		return "the change waits until it has been the same for stabilizationWindowSeconds"
	case holding.RolloutUnderWay:
		return "the change waits for the rollout that is under way"
	case holding.RolloutStuck:
		return "the change waits for a rollout that makes no progress; check the pods of the workload"
	case holding.RolloutLimit:
		return "the change waits until fewer workloads are in a rollout that portside caused" + HeldBy(f.namespace, f.Holders)
	case holding.BackingOff, holding.Go:
	}
	if f.Fight {
		return f.fightText()
	}
	return "the change is tried again in a while"
}

// taker is who takes ports away, in words.
func (f Facts) taker() string {
	if f.Taker == "" {
		return "somebody"
	}
	return f.Taker
}

func (f Facts) fightText() string {
	return f.taker() + " keeps taking the ports away; they are added again once an hour. Have it leave the adapter ports alone, or suspend this AdapterSet"
}
