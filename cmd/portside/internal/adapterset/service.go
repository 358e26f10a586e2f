package adapterset

import (
	"cmp"
	"slices"

	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/apply/workload"
)

// ServiceTarget returns the target of a Service that an AdapterSet names.
func ServiceTarget(set *v1alpha1.AdapterSet, name string) workload.Target {
	return workload.Target{Kind: workload.Service, Namespace: set.Namespace, Name: name}
}

// ServiceTargets returns the targets of the Services that an AdapterSet names, and of
// those that it named when its status was stored, in which we may own ports.
func ServiceTargets(set *v1alpha1.AdapterSet) []workload.Target {
	var targets []workload.Target
	for i := range set.Spec.Services {
		targets = append(targets, ServiceTarget(set, set.Spec.Services[i].Name))
	}
	for i := range set.Status.Services {
		if t := ServiceTarget(set, set.Status.Services[i].Name); !slices.Contains(targets, t) {
			targets = append(targets, t)
		}
	}
	return targets
}

// ServicePorts returns the ports that a Service should have while these adapters are
// active, in the order in which spec.services lists them, or else in that of the adapters.
func ServicePorts(set *v1alpha1.AdapterSet, service *v1alpha1.Service, active []apply.Adapter) []apply.ServicePort {
	listed := service.Ports
	if len(listed) == 0 {
		for _, a := range active {
			if !a.Companion {
				listed = append(listed, v1alpha1.ServicePort{Adapter: a.Type})
			}
		}
	}
	var ports []apply.ServicePort
	for _, entry := range listed {
		i := slices.IndexFunc(active, func(a apply.Adapter) bool {
			return a.Companion == (entry.Companion != "") && apply.PortName(a.Type) == apply.PortName(cmp.Or(entry.Adapter, entry.Companion))
		})
		if i < 0 {
			continue
		}
		p := apply.ServicePort{Adapter: active[i], NodePort: entry.NodePort, AppProtocol: entry.AppProtocol}
		if entry.Port != 0 {
			p.Adapter.Port = int64(entry.Port)
		}
		switch TargetPort(set, service) {
		case v1alpha1.TargetPortNumber:
			p.TargetPort = intstr.FromInt32(int32(active[i].Port)) //nolint:gosec // G115: an invalid number is reported Invalid
		case v1alpha1.TargetPortName:
			p.TargetPort = intstr.FromString(apply.PortName(active[i].Type))
		}
		ports = append(ports, p)
	}
	return ports
}

// TargetPort returns what the ports of a Service lead to.
func TargetPort(set *v1alpha1.AdapterSet, service *v1alpha1.Service) v1alpha1.TargetPortPolicy {
	switch {
	case service.TargetPort != "":
		return service.TargetPort
	case set.Spec.Discovery != nil:
		return v1alpha1.TargetPortNumber
	}
	return v1alpha1.TargetPortName
}
