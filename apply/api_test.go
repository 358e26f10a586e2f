package apply_test

import (
	"context"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/port"
	"github.com/portside-dev/portside/apply/workload"
)

// read reads an object of a built-in kind.
func read(object workload.Object) *workload.Workload {
	w, err := workload.Read(object)
	if err != nil {
		panic(err)
	}
	return w
}

// trimmed returns a workload as a cache of this field manager has it.
func trimmed(w *workload.Workload, manager string) *workload.Workload {
	if w.TrimmedFor == manager {
		return w
	}
	kept, err := workload.ReadTrimmed(w.Object(), manager)
	if err != nil {
		panic(err)
	}
	return kept
}

// decide returns the plan for what was read.
func decide(a *apply.Applier, w *workload.Workload, desired apply.Desired) (*apply.Plan, error) {
	observed, err := a.Observe(w)
	if err != nil {
		return nil, err
	}
	return observed.Decide(desired)
}

// ownPorts returns our ports of what was read.
func ownPorts(a *apply.Applier, w *workload.Workload, container string) ([]port.Port, error) {
	observed, err := a.Observe(w)
	if err != nil {
		return nil, err
	}
	return observed.OwnPorts(container)
}

// applyFrom applies what is desired, from what was read.
func applyFrom(ctx context.Context, a *apply.Applier, w *workload.Workload, desired apply.Desired) (apply.Result, error) {
	plan, err := decide(a, w, desired)
	if plan == nil {
		return apply.Result{Target: w.Target, Outcome: apply.Failed}, err
	}
	return a.ApplyFrom(ctx, plan) // with the decision's error, if there is one
}

// upToDate reports whether what was read is up to date, and the result that applying from
// it has then: without a request, so that an applier without a client knows it.
func upToDate(a *apply.Applier, w *workload.Workload, desired apply.Desired) (apply.Result, bool, error) {
	result := apply.Result{Target: w.Target, Outcome: apply.Failed}
	plan, err := decide(a, w, desired)
	if plan == nil {
		return result, false, err
	}
	upToDate, err := plan.UpToDate()
	if result.Warnings = plan.Warnings; plan.Container != "" || w.Service != nil && err == nil {
		result.Plan = plan
	}
	switch {
	case workload.IsContainerNotFound(err):
		result.Outcome = apply.ContainerNotFound
	case err != nil:
	case !upToDate:
		result.Outcome = ""
	case w.Paused:
		result, err = a.ApplyFrom(context.Background(), plan)
	default:
		result.Outcome, result.Ports = apply.Unchanged, plan.Ports
	}
	return result, upToDate, err
}

// pure is an applier without a client, for what needs no request.
var pure = func() *apply.Applier {
	a, err := apply.New(nil)
	if err != nil {
		panic(err)
	}
	return a
}()
