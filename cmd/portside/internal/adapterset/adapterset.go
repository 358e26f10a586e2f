// Package adapterset translates AdapterSets to the types of package apply.
package adapterset

import (
	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/apply/workload"
)

// Target returns the workload that an AdapterSet names. It has no container, so
// that it identifies the workload in maps and queues.
func Target(set *v1alpha1.AdapterSet) workload.Target {
	ref := set.Spec.TargetRef
	return workload.Target{Kind: workload.KindOf(ref.APIVersion, ref.Kind), Namespace: set.Namespace, Name: ref.Name}
}

// Adapters returns the adapters that an AdapterSet lists. The result is not nil.
func Adapters(set *v1alpha1.AdapterSet) []apply.Adapter {
	adapters := make([]apply.Adapter, 0, len(set.Spec.Adapters))
	for _, a := range set.Spec.Adapters {
		adapters = append(adapters, apply.Adapter{Type: a.Type, Port: int64(a.Port), Protocol: a.Protocol})
	}
	return adapters
}

// Desired returns what an AdapterSet asks for while these adapters are active.
func Desired(set *v1alpha1.AdapterSet, active []apply.Adapter) apply.Desired {
	return apply.Desired{Container: set.Spec.Container, Adapters: active, AllowHostNetwork: set.Spec.HostNetwork == v1alpha1.HostNetworkAllow}
}
