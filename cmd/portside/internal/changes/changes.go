// Package changes records the changes of pod templates that portside stored, so
// that `portside history` knows them for certain:
//
//  1. [Of] reads the change from the result of an apply, an adoption or a
//     release.
//  2. The service keeps the last ones in the AdapterSet's status ([Append]).
//  3. A command keeps each in an Event about the workload ([NewEvent]), which
//     the API server deletes after an hour by default.
package changes

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/fieldmanager"
)

// Most changes that a status keeps, and the most ports of all of them. One
// change has at most 64 ports added and 64 removed.
const (
	MaxChanges = 10
	MaxPorts   = 128
)

// Append returns the changes with newer ones, without the oldest beyond
// [MaxChanges] and [MaxPorts]. A change that is larger by itself is left out.
func Append(all []v1alpha1.PortsChange, newer ...v1alpha1.PortsChange) []v1alpha1.PortsChange {
	all = slices.DeleteFunc(slices.Concat(all, newer), func(c v1alpha1.PortsChange) bool { return len(c.Ports) > MaxPorts })
	ports := 0
	for i, change := range slices.Backward(all) {
		if ports += len(change.Ports); len(all)-i > MaxChanges || ports > MaxPorts {
			return all[i+1:]
		}
	}
	return all
}

// Of returns what a result changed of the pod template's ports. It is false
// where the server stored no change of them by the manager.
//
// The time is that of the manager's entry in managedFields. It is zero where
// the change left no entry, or not a new time, such as when the manager's last
// port was removed.
func Of(r apply.Result, manager string) (v1alpha1.PortsChange, bool) {
	change := v1alpha1.PortsChange{Manager: manager}
	if r.Target.Kind == workload.Service {
		return ofService(r, manager)
	}
	if !r.TemplateChanged() {
		return change, false
	}
	mine := changedBy(r, fieldmanager.Applier(manager))
	for _, before := range r.Before.Containers {
		at := slices.IndexFunc(r.After.Containers, func(c workload.Container) bool { return c.Name == before.Name })
		if at < 0 {
			continue // another manager removed the container
		}
		after := r.After.Containers[at]
		add := func(ports, without []corev1.ContainerPort, edit v1alpha1.PortEdit) {
			for _, p := range ports {
				if !has(without, p) && mine(before.Name, p) {
					change.Ports = append(change.Ports, Port(before.Name, p, edit))
				}
			}
		}
		add(before.Ports, after.Ports, v1alpha1.PortRemoved)
		add(after.Ports, before.Ports, v1alpha1.PortAdded)
	}
	change.Time = storedAt(r, manager)
	return change, len(change.Ports) > 0
}

// has reports whether a list has a port of the same name, number and protocol.
func has(ports []corev1.ContainerPort, p corev1.ContainerPort) bool {
	return slices.ContainsFunc(ports, func(q corev1.ContainerPort) bool {
		return q.Name == p.Name && q.ContainerPort == p.ContainerPort && q.Protocol == p.Protocol
	})
}

// Port describes a port that was added or removed.
func Port(container string, p corev1.ContainerPort, edit v1alpha1.PortEdit) v1alpha1.ChangedPort {
	return v1alpha1.ChangedPort{Container: container, Name: p.Name, Port: p.ContainerPort, Protocol: string(p.Protocol), Change: edit}
}

// item identifies a port to server-side apply.
type item struct {
	container string
	number    int32
	protocol  corev1.Protocol
}

func itemOf(container string, p corev1.ContainerPort) item {
	return item{container, p.ContainerPort, p.Protocol}
}

// changedBy returns which ports the manager's own writes changed. An adoption
// and a release refuse an object that has changed since it was read, so there
// it is every port. During an apply another manager may have written too: there
// it is a port that only the manager, or no manager, owned before, or that the
// manager alone gave its name.
func changedBy(r apply.Result, us fieldmanager.Manager) func(container string, p corev1.ContainerPort) bool {
	if r.Plan == nil {
		return func(string, corev1.ContainerPort) bool { return true }
	}
	mine := map[item]bool{}
	onlyUs := func(managers []fieldmanager.Manager) bool { return len(managers) == 1 && managers[0] == us }
	for _, p := range ownersOf(r.Before) {
		if len(p.Owners.Item) == 0 || onlyUs(p.Owners.Item) || onlyUs(p.Owners.Leaves["name"]) {
			mine[itemOf(p.Container, p.Port)] = true
		}
	}
	for _, p := range ownersOf(r.After) {
		if onlyUs(p.Owners.Leaves["name"]) {
			mine[itemOf(p.Container, p.Port)] = true
		}
	}
	return func(container string, p corev1.ContainerPort) bool { return mine[itemOf(container, p)] }
}

// ownersOf returns no ports where managedFields cannot be read: the change is
// then not recorded.
func ownersOf(w *workload.Workload) []apply.OwnedPort {
	owned, err := apply.Owners(w)
	if err != nil {
		return nil
	}
	return owned
}

// storedAt returns the time of the manager's entry after the change, or zero.
// An apply that changes the object sets it. A patch of managedFields leaves it
// as it was, which shows unless the workload came from the cache, without
// times; the library then applies and never patches.
func storedAt(r apply.Result, manager string) metav1.Time {
	after := lastApply(r.After, manager)
	if before := lastApply(r.Before, manager); after.Equal(&before) {
		return metav1.Time{}
	}
	return after
}

func lastApply(w *workload.Workload, manager string) metav1.Time {
	var last metav1.Time
	for i := range w.ManagedFields {
		e := &w.ManagedFields[i]
		if e.Manager == manager && e.Operation == metav1.ManagedFieldsOperationApply && e.Subresource == "" && e.Time != nil && last.Before(e.Time) {
			last = *e.Time
		}
	}
	return last
}
