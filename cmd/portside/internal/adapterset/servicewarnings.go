package adapterset

import (
	"fmt"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/portside-dev/portside/apply"
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
// to lead to the pods of a workload. The messages do not name the Service.
func ServiceWarnings(target, service *workload.Workload, ports []apply.ServicePort) []ServiceWarning {
	var warnings []ServiceWarning
	switch pods, err := labels.ConvertSelectorToLabelsMap(target.PodLabels); {
	case service.Selector == "":
		warnings = append(warnings, ServiceWarning{NoSelector, "it has no selector: its ports lead nowhere unless another controller maintains its EndpointSlices"})
	case err == nil && !selects(service.Selector, pods):
		warnings = append(warnings, ServiceWarning{SelectorMismatch, fmt.Sprintf("its selector %q does not select the pods of %s; correct it", service.Selector, target.Target)})
	}
	for _, p := range ports {
		if service.Service.Headless && p.TargetPort.IntVal != 0 && int64(p.TargetPort.IntVal) != p.Port {
			warnings = append(warnings, ServiceWarning{HeadlessNumber, fmt.Sprintf(
				"it is headless, so its clients connect to the pods: %s is reached on %s and not on %d", apply.PortName(p.Type), p.TargetPort.String(), p.Port)})
		}
	}
	return warnings
}

func selects(selector string, pods labels.Set) bool {
	parsed, err := labels.Parse(selector)
	return err == nil && parsed.Matches(pods)
}
