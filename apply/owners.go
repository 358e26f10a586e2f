package apply

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/portside-dev/portside/fieldmanager"
)

// OwnedPort is a container port with the managers that own it.
type OwnedPort struct {
	Container string
	Port      corev1.ContainerPort
	Owners    fieldmanager.ItemOwners
}

// ownersOf are the managers that own a live port.
func ownersOf(w *workload.Workload, p containerPort) []fieldmanager.Manager {
	entries, err := w.entries()
	if err != nil {
		return nil // the server has just taken them
	}
	return entries.In(portsOf(p.container)).Of(portKey{p.ContainerPort.ContainerPort, p.Protocol}.fields()).Item
}

// Owners lists every port of every container, in order, with its owners. It
// is pure. Its error is managedFields that cannot be read.
func Owners(w *workload.Workload) ([]OwnedPort, error) {
	entries, err := w.entries()
	if err != nil {
		return nil, err
	}
	var owned []OwnedPort
	for _, c := range w.Containers {
		owners := entries.In(portsOf(c.Name))
		for _, p := range c.Ports {
			owned = append(owned, OwnedPort{c.Name, p, owners.Of(portKey{p.ContainerPort, p.Protocol}.fields())})
		}
	}
	return owned, nil
}
