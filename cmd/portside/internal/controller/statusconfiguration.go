package controller

import (
	applymetav1 "k8s.io/client-go/applyconfigurations/meta/v1"

	"github.com/portside-dev/portside/apply/v1alpha1"
	applyv1alpha1 "github.com/portside-dev/portside/apply/v1alpha1/applyconfiguration/apply/v1alpha1"
)

// statusConfiguration returns a status as it is applied.
func statusConfiguration(s v1alpha1.AdapterSetStatus) *applyv1alpha1.AdapterSetStatusApplyConfiguration {
	config := applyv1alpha1.AdapterSetStatus().
		WithObservedGeneration(s.ObservedGeneration).WithFieldManager(s.FieldManager).
		WithDesiredPorts(s.DesiredPorts).WithReadyPorts(s.ReadyPorts)
	if s.Target != nil {
		config.WithTarget(applyv1alpha1.TargetStatus().WithUID(s.Target.UID).WithContainer(s.Target.Container))
	}
	if s.LastHandledReconcileAt != "" {
		config.WithLastHandledReconcileAt(s.LastHandledReconcileAt)
	}
	for i := range s.Ports {
		config.WithPorts(portConfiguration(&s.Ports[i]))
	}
	for i := range s.Services {
		config.WithServices(serviceConfiguration(&s.Services[i]))
	}
	for i := range s.Changes {
		config.WithChanges(changeConfiguration(&s.Changes[i]))
	}
	for _, c := range s.Conditions {
		config.WithConditions(applymetav1.Condition().WithType(c.Type).WithStatus(c.Status).WithReason(c.Reason).
			WithMessage(c.Message).WithObservedGeneration(c.ObservedGeneration).WithLastTransitionTime(c.LastTransitionTime))
	}
	return config
}

func serviceConfiguration(s *v1alpha1.ServiceStatus) *applyv1alpha1.ServiceStatusApplyConfiguration {
	config := applyv1alpha1.ServiceStatus().WithName(s.Name)
	if s.UID != "" {
		config.WithUID(s.UID)
	}
	if s.Reason != "" {
		config.WithReason(s.Reason)
	}
	if s.Message != "" {
		config.WithMessage(s.Message)
	}
	for i := range s.Ports {
		config.WithPorts(portConfiguration(&s.Ports[i]))
	}
	for _, w := range s.Warnings {
		config.WithWarnings(applyv1alpha1.ServiceWarning().WithReason(w.Reason).WithMessage(w.Message))
	}
	return config
}

func portConfiguration(p *v1alpha1.PortStatus) *applyv1alpha1.PortStatusApplyConfiguration {
	config := applyv1alpha1.PortStatus().WithType(p.Type).WithName(p.Name).WithPort(p.Port).WithState(p.State)
	if p.Protocol != "" {
		config.WithProtocol(p.Protocol)
	}
	if p.Reason != "" {
		config.WithReason(p.Reason)
	}
	if p.Message != "" {
		config.WithMessage(p.Message)
	}
	if p.InactiveSince != nil {
		config.WithInactiveSince(*p.InactiveSince)
	}
	if p.DeferredSince != nil {
		config.WithDeferredSince(*p.DeferredSince)
	}
	if p.LastChangeTime != nil {
		config.WithLastChangeTime(*p.LastChangeTime)
	}
	for _, w := range p.Warnings {
		config.WithWarnings(applyv1alpha1.PortWarning().WithReason(w.Reason).WithManager(w.Manager))
	}
	for _, o := range p.Owners {
		config.WithOwners(applyv1alpha1.PortOwner().WithManager(o.Manager).WithOperation(o.Operation))
	}
	return config
}

func changeConfiguration(c *v1alpha1.PortsChange) *applyv1alpha1.PortsChangeApplyConfiguration {
	config := applyv1alpha1.PortsChange().WithTime(c.Time).WithManager(c.Manager)
	for _, p := range c.Ports {
		port := applyv1alpha1.ChangedPort().WithPort(p.Port).WithProtocol(p.Protocol).WithChange(p.Change)
		if p.Container != "" {
			port.WithContainer(p.Container)
		}
		if p.Service != "" {
			port.WithService(p.Service)
		}
		if p.Name != "" {
			port.WithName(p.Name)
		}
		config.WithPorts(port)
	}
	return config
}
