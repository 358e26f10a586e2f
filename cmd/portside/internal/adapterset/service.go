package adapterset

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/port"
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

// UnlistedError refuses to open ports outside the cluster that no user listed: those of
// the adapters that a pod answers.
type UnlistedError struct {
	Service workload.Target
	Type    corev1.ServiceType
}

// Error names the Service, and what to do.
func (e *UnlistedError) Error() string {
	return fmt.Sprintf("%s has type %s, which opens its ports outside the cluster: list in spec.services which of the discovered adapters it exposes", e.Service, e.Type)
}

// CheckListed returns an [UnlistedError] where a Service needs the list of its ports and
// has none.
func CheckListed(set *v1alpha1.AdapterSet, service *v1alpha1.Service, live *workload.Workload) error {
	if set.Spec.Discovery != nil && len(service.Ports) == 0 && live.Service.HasNodePorts() {
		return &UnlistedError{live.Target, live.Service.Type}
	}
	return nil
}

// RetainedPort returns a port of ours in a Service as it is, for an adapter of this type.
// What the API server fills in is not applied.
func RetainedPort(typ string, own port.Port) apply.ServicePort {
	return apply.ServicePort{
		Adapter:    apply.Adapter{Type: typ, Port: int64(own.Number), Protocol: string(own.Protocol)},
		TargetPort: own.TargetPort, AppProtocol: own.AppProtocol,
	}
}

// KeptPorts returns those of our ports in a Service that stay while their adapters are
// inactive, by whenInactive. The types are those of adapters that the source lists as
// inactive; the port of an adapter that it does not list stays as well.
func KeptPorts(service *v1alpha1.Service, active, inactive []apply.Adapter, own []port.Port) []apply.ServicePort {
	if service.WhenInactive != v1alpha1.WhenInactiveKeep {
		return nil
	}
	var kept []apply.ServicePort
	for _, p := range own {
		named := func(a apply.Adapter) bool { return apply.PortName(a.Type) == p.Name }
		typ, adapters := strings.CutPrefix(p.Name, port.NamePrefix)
		if !adapters || slices.ContainsFunc(active, named) {
			continue
		}
		if i := slices.IndexFunc(inactive, named); i >= 0 {
			typ = inactive[i].Type
		}
		kept = append(kept, RetainedPort(typ, p))
	}
	return kept
}

// Leaving returns the names of those of our ports that an apply of these items removes.
func Leaving(own, items []port.Port) []string {
	var names []string
	for _, p := range own {
		if !slices.ContainsFunc(items, func(q port.Port) bool { return q.Name == p.Name }) {
			names = append(names, p.Name)
		}
	}
	return names
}
