package apply

import (
	"cmp"
	"errors"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/portside-dev/portside/apply/advice"
	"github.com/portside-dev/portside/apply/port"
	"github.com/portside-dev/portside/apply/workload"
)

// Outcome is how a reconciliation, a release or an adoption of a target ended.
type Outcome string

// The outcomes of a reconciliation, a release or an adoption.
const (
	// Applied: the server stored a change.
	Applied Outcome = "Applied"
	// Unchanged: it saw none, or there was nothing to send.
	Unchanged Outcome = "Unchanged"
	// TargetNotFound: the workload or Service does not exist. It may be created later.
	TargetNotFound Outcome = "TargetNotFound"
	// ContainerNotFound: the container does not exist, or cannot be determined.
	ContainerNotFound Outcome = "ContainerNotFound"
	// Paused: the workload carries [workload.PausedAnnotation]; nothing was written.
	Paused Outcome = "Paused"
	// Failed: the server refused, or could not be asked.
	Failed Outcome = "Failed"
)

// Result is what a reconciliation, a release or an adoption came to.
type Result struct {
	Target workload.Target
	// Container is the container's name or, where it was not found, the name that
	// was asked for.
	Container       string
	Outcome         Outcome
	ResourceVersion string
	// Ports are the desired ones in the order of [Desired], then the
	// removed ones in the order they had, then the released ones.
	Ports []PortStatus
	// Warnings are about ports that are as desired, or were adopted, in their
	// order. A release has none.
	Warnings []advice.Warning
	// Before and After are the workload as first and as last seen; both are
	// nil where it was not found. After a dry run, After is what would be stored.
	// Before is what the plan given to [Applier.ApplyFrom] observed, unless that had
	// to read the workload before it wrote anything.
	Before, After *workload.Workload
	// Plan is the last decision; nil where nothing could be decided. A release and an
	// adoption have none.
	Plan *Plan
	// UpToDate reports of a reconciliation that was Applied or Unchanged that
	// another one would change nothing, see [Plan.UpToDate].
	UpToDate bool
}

// TemplateChanged reports whether the pod template changed by this write, so that
// the workload's controller may restart pods: something of ours was stored, and
// a container's ports are not what they were. It does not compare the generation,
// which also moves with what others write at the same time, such as a scale.
//
// What another manager changed of the ports meanwhile counts too where something
// of ours was stored. After a dry run it reports what would be.
func (r Result) TemplateChanged() bool {
	return r.Outcome == Applied && r.Before != nil && r.After != nil &&
		!slices.EqualFunc(r.Before.Containers, r.After.Containers, func(a, b workload.Container) bool {
			return a.Name == b.Name && slices.Equal(a.Ports, b.Ports)
		})
}

// record is what a reconciliation read, decided and wrote, of which its result is made.
type record struct {
	// first and last are the observations, nil without one. after is the workload
	// of the last, or the answer to a write that was not observed.
	first, last *Observed
	after       *workload.Workload
	// plan is the last decision, nil before the first.
	plan        *Plan
	changed     bool
	transferred []renamedPort
	// foreseen reports that after was computed, and not answered by the server.
	foreseen bool
}

// decided records a decision and what it was made on.
func (r *record) decided(p *Plan) {
	r.last, r.after = p.Observed, p.Observed.Workload
	if r.first == nil {
		r.first = p.Observed
	}
	if p.err == nil {
		r.plan = p
	}
}

// cannotRead records a workload whose managedFields cannot be read, for the reason that
// it returns.
func (r *record) cannotRead(w *workload.Workload, err error) error {
	r.last, r.after = nil, w
	if r.first == nil {
		r.first = &Observed{Workload: w}
	}
	return err
}

func (r *record) outcome() Outcome {
	if r.changed {
		return Applied
	}
	return Unchanged
}

// result returns the result of a reconciliation that ends so, and its error.
func (r *record) result(t workload.Target, desired Desired, outcome Outcome, err error) (Result, error) {
	result := Result{Target: t, Container: desired.Container, Outcome: outcome, After: r.after, Plan: r.plan}
	if r.plan != nil {
		result.Container = cmp.Or(r.plan.Container, desired.Container)
	}
	if r.first != nil {
		result.Before = r.first.Workload
	}
	if r.after != nil {
		result.ResourceVersion = r.after.ResourceVersion
	}
	switch outcome {
	case TargetNotFound, ContainerNotFound:
	case Paused:
		result.Ports = r.unwritten(port.ReasonPaused, "the annotation "+workload.PausedAnnotation+" stops every write to the "+noun(t.Kind))
	case Failed:
		result.Ports = r.unwritten(port.ReasonNotApplied, "not written: the reconcile failed")
	case Applied, Unchanged:
		result.Ports = slices.Concat(
			r.unwritten(port.ReasonNotApplied, "another manager changed the "+noun(t.Kind)+" meanwhile; the next reconcile decides again"),
			r.removed(desired), r.released())
		result.UpToDate = r.upToDate(desired)
	}
	if r.last != nil {
		result.Warnings = r.last.warnings(result.Container, result.Ports)
	}
	return result, err
}

// noun returns what a target of this kind is called.
func noun(kind workload.Kind) string {
	if kind == workload.Service {
		return "Service"
	}
	return "workload"
}

// upToDate reports whether the reconciliation ends where another one would change nothing:
// also what the server refused on the way must be as desired, for which the decision is
// made again without the refusals.
func (r *record) upToDate(desired Desired) bool {
	plan := r.plan
	if plan.Observed != r.last || len(plan.refused) > 0 {
		plan = r.last.decide(desired, nil)
	}
	upToDate, err := plan.UpToDate()
	return upToDate && err == nil
}

// notFoundOr returns the outcome and error of a failure: TargetNotFound for a workload
// that does not exist. Any server may answer 404; the API server says what it did not
// find.
func (a *Applier) notFoundOr(err error, t workload.Target) (Outcome, error) {
	var status apierrors.APIStatus
	if apierrors.IsNotFound(err) && !apierrors.HasStatusCause(err, metav1.CauseTypeUnexpectedServerResponse) && errors.As(err, &status) {
		d, unknown := a.define(t.Kind)
		if missing := status.Status().Details; unknown == nil && missing != nil && missing.Name == t.Name && missing.Kind == d.Resource {
			return TargetNotFound, nil
		}
	}
	return Failed, err
}
