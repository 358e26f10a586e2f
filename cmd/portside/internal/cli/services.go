package cli

import (
	"context"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/advice"
	"github.com/portside-dev/portside/apply/port"
	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/adapterset"
)

// serviceJob is a Service of a job. Its plan is nil where nothing can be applied, for
// which done has the reason.
type serviceJob struct {
	own      []port.Port
	plan     *apply.Plan
	warnings []adapterset.ServiceWarning
	done     Done
}

// planService decides what a Service is to have, for a workload that exists.
func (w *Writer) planService(ctx context.Context, j Job, service *v1alpha1.Service, target *workload.Workload) *serviceJob {
	s := &serviceJob{done: Done{Job: j, Result: apply.Result{Target: adapterset.ServiceTarget(j.set, service.Name), Outcome: apply.Failed}}}
	live, err := w.applier.Get(ctx, s.done.Result.Target)
	if err != nil {
		if s.done.Err = err; apierrors.IsNotFound(err) {
			s.done.Result.Outcome, s.done.Err = apply.TargetNotFound, nil
		}
		return s
	}
	ports := adapterset.ServicePorts(j.set, service, j.active)
	s.warnings = adapterset.ServiceWarnings(target, live, ports)
	if s.done.Err = adapterset.CheckListed(j.set, service, live); s.done.Err != nil {
		return s
	}
	observed, err := w.applier.Observe(live)
	if err == nil {
		s.own, err = observed.OwnPorts("")
	}
	if err == nil {
		kept := adapterset.KeptPorts(service, j.active, j.inactive, s.own)
		s.plan, err = observed.Decide(apply.Desired{ServicePorts: slices.Concat(ports, kept)})
	}
	s.done.Err = err
	return s
}

// loses reports whether the Service is about to lose ports of ours.
func (s *serviceJob) loses() bool {
	return s.plan != nil && len(adapterset.Leaving(s.own, s.plan.Items)) > 0
}

// syncService carries the plan out, if there is one.
func (w *Writer) syncService(ctx context.Context, s *serviceJob) {
	d := &s.done
	if s.plan != nil && d.Err == nil {
		d.Result, d.Err = w.concluded(ctx, "")(w.applier.ApplyFrom(ctx, s.plan))
		nameTypes(d.Result.Ports, d.inactive)
	}
	for _, warning := range s.warnings {
		d.Result.Warnings = append(d.Result.Warnings, advice.Warning{Reason: advice.Reason(warning.Reason), Message: warning.Message})
	}
}
