package changes

import (
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/fieldmanager"
)

// ofService is [Of] for a Service. A port that is ours before or after was changed by us:
// where another manager changes it, it is no longer ours alone, and our apply leaves out
// what that manager changed.
func ofService(r apply.Result, manager string) (v1alpha1.PortsChange, bool) {
	change := v1alpha1.PortsChange{Manager: manager}
	if r.Outcome != apply.Applied || r.Before == nil || r.After == nil {
		return change, false
	}
	us := fieldmanager.Applier(manager)
	add := func(p corev1.ServicePort, edit v1alpha1.PortEdit) {
		change.Ports = append(change.Ports, v1alpha1.ChangedPort{
			Service: r.Target.Name, Name: p.Name, Port: p.Port, Protocol: string(p.Protocol), Change: edit,
		})
	}
	for _, was := range ownServicePorts(r.Before, us) {
		if now := findServicePort(r.After, was); now == nil || now.Name != was.Name {
			add(was, v1alpha1.PortRemoved)
		}
	}
	for _, now := range ownServicePorts(r.After, us) {
		switch was := findServicePort(r.Before, now); {
		case was == nil || was.Name != now.Name:
			add(now, v1alpha1.PortAdded)
		case was.TargetPort != now.TargetPort:
			add(now, v1alpha1.PortChanged)
		}
	}
	change.Time = storedAt(r, manager)
	return change, len(change.Ports) > 0
}

// ownServicePorts returns the ports of a Service that a manager owns, none where
// managedFields cannot be read.
func ownServicePorts(w *workload.Workload, us fieldmanager.Manager) []corev1.ServicePort {
	owned, err := apply.ServiceOwners(w)
	if err != nil {
		return nil
	}
	var own []corev1.ServicePort
	for _, p := range owned {
		if slices.Contains(p.Owners.Item, us) {
			own = append(own, p.Port)
		}
	}
	return own
}

// findServicePort returns the port of a Service with the number and protocol of another,
// or nil.
func findServicePort(w *workload.Workload, like corev1.ServicePort) *corev1.ServicePort {
	for i := range w.Service.Ports {
		if p := &w.Service.Ports[i]; p.Port == like.Port && p.Protocol == like.Protocol {
			return p
		}
	}
	return nil
}
