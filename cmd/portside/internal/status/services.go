package status

import (
	"cmp"
	"slices"
	"time"

	"github.com/portside-dev/portside/apply/v1alpha1"
)

// services returns the statuses of the Services, from the last ones.
func (f Facts) services(before []v1alpha1.ServiceStatus, now time.Time) []v1alpha1.ServiceStatus {
	if f.Services == nil {
		return before // they were not observed
	}
	var all []v1alpha1.ServiceStatus
	for _, of := range f.Services {
		s := v1alpha1.ServiceStatus{Name: of.Service, UID: of.UID, Reason: string(cmp.Or(of.Why, of.Stopped)), Message: of.Because}
		if of.Stopped != "" && of.Why == "" {
			s.Message = WhyStopped("the Service", of.Stopped)
		}
		was := serviceOf(before, of.Service)
		if was.UID != of.UID {
			was.Ports = nil // they are another Service's
		}
		if s.Ports = was.Ports; of.Why == "" {
			s.Ports = of.times(of.ports(), was.Ports, now)
		}
		for _, w := range of.ServiceWarnings {
			s.Warnings = append(s.Warnings, v1alpha1.ServiceWarning{Reason: string(w.Reason), Message: w.Message})
		}
		all = append(all, s)
	}
	return all
}

// serviceOf returns the status of a Service, the zero value if there is none.
func serviceOf(all []v1alpha1.ServiceStatus, name string) v1alpha1.ServiceStatus {
	if i := slices.IndexFunc(all, func(s v1alpha1.ServiceStatus) bool { return s.Name == name }); i >= 0 {
		return all[i]
	}
	return v1alpha1.ServiceStatus{}
}

// serviceProblem returns why not every desired port of every Service is in place, nil if
// all are, and whether a person must act. A Service that a user paused is no problem.
func (f Facts) serviceProblem(services []v1alpha1.ServiceStatus) (why *cause, needsAction bool) {
	for _, of := range f.Services {
		if of.Stopped != "" {
			continue
		}
		problem, acts := of.problem(serviceOf(services, of.Service).Ports)
		if problem == nil || why != nil && !(acts && !needsAction) {
			continue
		}
		why, needsAction = &cause{problem.reason, of.place(problem.message)}, acts
	}
	return why, needsAction
}

// place returns a message with the Service that it is about.
func (f Facts) place(message string) string {
	if f.Service == "" {
		return message
	}
	return "Service " + f.Service + ": " + message
}

// pendingServices returns what is going to change in a Service without manual action, or
// nil.
func (f Facts) pendingServices() *cause {
	for _, of := range f.Services {
		if of.Stopped != "" {
			continue
		}
		switch pending := of.reconciling(); {
		case pending != nil:
			return &cause{pending.reason, of.place(pending.message)}
		case of.Why == ServiceNotFound:
			return &cause{of.Why, of.Because}
		}
	}
	return nil
}
