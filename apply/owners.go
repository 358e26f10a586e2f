package apply

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/fieldmanager"
)

// OwnedPort is a container port with the managers that own it.
type OwnedPort struct {
	Container string
	Port      corev1.ContainerPort
	Owners    fieldmanager.ItemOwners
}

// Owners returns every port of every container, in order, with its owners, none for a
// Service. It is pure. Its error is managedFields that cannot be read.
func Owners(w *workload.Workload) ([]OwnedPort, error) {
	entries, err := w.Entries()
	if err != nil {
		return nil, err
	}
	var owned []OwnedPort
	if w.Service != nil {
		return owned, nil
	}
	for i, list := range w.Lists() {
		owners := entries.In(list.At)
		for j, item := range list.Items {
			of, err := owners.Of(item.Key)
			if err != nil {
				return nil, err
			}
			owned = append(owned, OwnedPort{list.Container, w.Containers[i].Ports[j], of})
		}
	}
	return owned, nil
}

// OwnedServicePort is a port of a Service with the managers that own it.
type OwnedServicePort struct {
	Port   corev1.ServicePort
	Owners fieldmanager.ItemOwners
}

// ServiceOwners returns every port of a Service, in order, with its owners, none for a
// workload. It is pure. Its error is managedFields that cannot be read.
func ServiceOwners(w *workload.Workload) ([]OwnedServicePort, error) {
	entries, err := w.Entries()
	if err != nil || w.Service == nil {
		return nil, err
	}
	list := w.Lists()[0]
	owners, owned := entries.In(list.At), make([]OwnedServicePort, len(list.Items))
	for i, item := range list.Items {
		of, err := owners.Of(item.Key)
		if err != nil {
			return nil, err
		}
		owned[i] = OwnedServicePort{w.Service.Ports[i], of}
	}
	return owned, nil
}
