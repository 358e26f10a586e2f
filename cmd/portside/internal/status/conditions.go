package status

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/cmd/portside/internal/holding"
)

// said is a reason with its message.
type said struct{ reason, message string }

// conditions are all of them, without their times.
func (f Facts) conditions(ports []v1alpha1.PortStatus) []metav1.Condition {
	wrong, stalled := f.wrong(ports)
	conditions := []metav1.Condition{
		condition(Ready, wrong == nil, wrong, said{InPlace, "the workload declares every wanted port"}),
		condition(Reconciling, f.reconciling() == nil, f.reconciling(), said{AsExpected, "nothing is about to change"}),
	}
	conditions[1].Status = opposite(conditions[1].Status)
	if !stalled {
		wrong = nil
	}
	stall := condition(Stalled, wrong == nil, wrong, said{AsExpected, "nothing waits for somebody to act"})
	stall.Status = opposite(stall.Status)
	conditions = append(conditions, stall)
	if f.Why == AwaitingAnswer {
		conditions[0].Status = metav1.ConditionUnknown
	}
	if f.Discovery != nil {
		conditions = append(conditions, condition(Discovered, f.Discovery.Met,
			&said{f.Discovery.Reason, f.Discovery.Message}, said{f.Discovery.Reason, f.Discovery.Message}))
	}
	return conditions
}

func condition(kind string, good bool, otherwise *said, says said) metav1.Condition {
	c := metav1.Condition{Type: kind, Status: metav1.ConditionTrue}
	if !good {
		c.Status, says = metav1.ConditionFalse, *otherwise
	}
	c.Reason, c.Message = says.reason, says.message
	return c
}

func opposite(s metav1.ConditionStatus) metav1.ConditionStatus {
	if s == metav1.ConditionTrue {
		return metav1.ConditionFalse
	}
	return metav1.ConditionTrue
}

// wrong is why not every wanted port is in place, nil if all are, and whether
// somebody has to act.
func (f Facts) wrong(ports []v1alpha1.PortStatus) (why *said, stalled bool) {
	blocked, invalid := listed(ports, string(apply.Blocked)), listed(ports, string(apply.Invalid))
	switch {
	case f.Why != "":
		return &said{f.Why, f.Because}, f.Why == TargetTaken || f.Why == ContainerNotFound
	case f.Stopped != "":
		return &said{f.Stopped, stoppedText[f.Stopped]}, false
	case f.Failure != "" && f.Refusal:
		return &said{Refused, f.Failure}, true
	case f.Failure != "":
		return &said{Unavailable, f.Failure}, false
	case f.Fight:
		return &said{Fighting, fightText(f.Taker)}, true
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

var stoppedText = map[string]string{
	Suspended: "spec.suspend is true; nothing is written to the workload",
	Paused:    "the workload carries the annotation " + apply.PausedAnnotation + "; nothing is written to it",
}

// reconciling is what is still to happen by itself, nil if nothing is.
func (f Facts) reconciling() *said {
	switch {
	case f.Why == Removing:
		return &said{Removing, f.Because}
	case f.Why != "" || f.Stopped != "":
		return nil
	case f.Hold == holding.RolloutStuck:
		return nil
	case f.Hold != holding.Go:
		return &said{holdReason[f.Hold], holdText(f)}
	case f.RollingOut:
		return &said{RollingOut, "the ports are stored, and the pods are restarted to get them"}
	case len(f.Waiting) > 0:
		return &said{RemovalWaiting, "ports of inactive adapters go when removalDelaySeconds have passed"}
	}
	return nil
}

var holdReason = map[holding.Reason]string{
	holding.Unsettled:       Settling,
	holding.BackingOff:      Unavailable,
	holding.RolloutUnderWay: RolloutUnderWay,
	holding.RolloutStuck:    RolloutStuck,
	holding.RolloutLimit:    RolloutLimit,
}

// holdText says what a change waits for.
func holdText(f Facts) string {
	switch f.Hold {
	case holding.Unsettled:
		return "the change waits until it has been the same for settleSeconds"
	case holding.RolloutUnderWay:
		return "the change waits for the rollout that is under way"
	case holding.RolloutStuck:
		return "the change waits for a rollout that does not get on; see to the pods of the workload"
	case holding.RolloutLimit:
		return "the change waits until fewer workloads are in a rollout that portside caused"
	case holding.BackingOff, holding.Go:
	}
	if f.Fight {
		return fightText(f.Taker)
	}
	return "the change is tried again in a while"
}

func fightText(taker string) string {
	if taker == "" {
		taker = "somebody"
	}
	return fmt.Sprintf("%s keeps taking the ports away; they are added again once an hour. Have it leave the adapter ports alone, or suspend this AdapterSet", taker)
}
