package status

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/apply/workload"
)

// ServiceWarningReason is the reason of a warning about a Service.
type ServiceWarningReason string

// Reasons of warnings about Services.
const (
	// NoSelector: the Service has no selector, so its endpoints are not the target's
	// pods unless another controller makes them so.
	NoSelector ServiceWarningReason = "NoSelector"
	// SelectorMismatch: the Service does not select the target's pods.
	SelectorMismatch ServiceWarningReason = "SelectorMismatch"
	// HeadlessNumber: the Service is headless, so its clients connect to the pods, and
	// exposes another number than the adapter's.
	HeadlessNumber ServiceWarningReason = "HeadlessNumber"
)

// ServiceWarning is a warning about a Service.
type ServiceWarning struct {
	Reason  ServiceWarningReason
	Message string
}

// ServiceWarnings returns the warnings about a Service with these desired ports that is
// to lead to the pods of a workload.
func ServiceWarnings(target, service *workload.Workload, ports []apply.ServicePort) []ServiceWarning {
	var warnings []ServiceWarning
	switch pods, err := labels.ConvertSelectorToLabelsMap(target.PodLabels); {
	case service.Selector == "":
		warnings = append(warnings, ServiceWarning{NoSelector, fmt.Sprintf("%s has no selector: its ports lead nowhere unless something else maintains its EndpointSlices", service.Target)})
	case err == nil && !selects(service.Selector, pods):
		warnings = append(warnings, ServiceWarning{SelectorMismatch, fmt.Sprintf("%s does not select the pods of %s: correct its selector %q", service.Target, target.Target, service.Selector)})
	}
	for _, p := range ports {
		if service.Service.Headless && p.TargetPort.IntVal != 0 && int64(p.TargetPort.IntVal) != p.Port {
			warnings = append(warnings, ServiceWarning{HeadlessNumber, fmt.Sprintf(
				"%s is headless, so its clients connect to the pods: %s is reached on %s and not on %d", service.Target, apply.PortName(p.Type), p.TargetPort.String(), p.Port)})
		}
	}
	return warnings
}

func selects(selector string, pods labels.Set) bool {
	parsed, err := labels.Parse(selector)
	return err == nil && parsed.Matches(pods)
}

// services returns the statuses of the Services, from the last ones.
func (f Facts) services(before []v1alpha1.ServiceStatus, now time.Time) []v1alpha1.ServiceStatus {
	if f.Services == nil {
		return before // they were not observed
	}
	var all []v1alpha1.ServiceStatus
	for _, of := range f.Services {
		s := v1alpha1.ServiceStatus{Name: of.Service, UID: of.UID, Reason: string(cmp.Or(of.Why, of.Stopped)), Message: of.Because}
		if of.Stopped != "" && of.Why == "" {
			s.Message = stoppedText[of.Stopped]
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
