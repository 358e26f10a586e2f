package apply

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/portside-dev/portside/fieldmanager"
)

// HasClaim tells whether we have an entry in a workload's managedFields: whether
// a [Applier.Release] has something to give up.
func (a *Applier) HasClaim(look *workload.Workload) bool { return len(a.entries(look)) > 0 }

// OwnPorts are the live ports that we own in a container, in order; the
// container is found as [Workload.Container] finds it. Its errors are a
// [ContainerError] and managedFields that cannot be read.
func (a *Applier) OwnPorts(look *workload.Workload, container string) ([]corev1.ContainerPort, error) {
	c, err := look.Container(container)
	if err != nil {
		return nil, err
	}
	all, err := a.ownPorts(look)
	var ports []corev1.ContainerPort
	for _, p := range all {
		if p.container == c.Name {
			ports = append(ports, p.ContainerPort)
		}
	}
	return ports, err
}

func (a *Applier) entries(w *workload.Workload) []metav1.ManagedFieldsEntry {
	var ours []metav1.ManagedFieldsEntry
	for _, e := range w.ManagedFields {
		if e.Manager == a.manager && e.Operation == metav1.ManagedFieldsOperationApply && e.Subresource == "" {
			ours = append(ours, e)
		}
	}
	return ours
}

// own are our entries, decoded. One of somebody else that cannot be read is
// nothing in the way of giving up our own.
func (a *Applier) own(w *workload.Workload) (fieldmanager.Entries, error) {
	all, err := w.entries()
	if err != nil {
		return (&workload.Workload{Kind: w.Kind, Namespace: w.Namespace, Name: w.Name, ManagedFields: a.entries(w)}).entries()
	}
	return slices.DeleteFunc(slices.Clone(all), func(e fieldmanager.Entry) bool { return e.Manager != a.us() }), nil
}

// changed tells whether a write of ours was one to the server. It asks our
// entry and our ports alone: the resourceVersion also moves with what others
// write at the same time.
func (a *Applier) changed(before, after *workload.Workload) (bool, error) {
	if before.ResourceVersion == after.ResourceVersion && !a.dryRun {
		return false, nil
	}
	ours := a.entries(after)
	if before.TrimmedFor != "" {
		ours = reducedEntries(ours, a.manager)
	}
	if !equality.Semantic.DeepEqual(a.entries(before), ours) {
		return true, nil
	}
	was, err := a.ownPorts(before)
	if err != nil {
		return false, err
	}
	is, err := a.ownPorts(after)
	return !slices.Equal(was, is), err
}

// containerPort is a port together with the container it is in.
type containerPort struct {
	container string
	corev1.ContainerPort
}

// ownPorts are all live ports that we own, of all containers, in order.
func (a *Applier) ownPorts(w *workload.Workload) ([]containerPort, error) {
	var ours []containerPort
	for i := range w.Containers {
		c := &w.Containers[i]
		now, err := w.lookAt(a.us(), c)
		if err != nil { // as in own
			entries, err := a.own(w)
			if err != nil {
				return nil, err
			}
			now = lookAt(entries, a.us(), c)
		}
		for _, p := range c.Ports {
			if now.byKey[portKey{p.ContainerPort, p.Protocol}].ours {
				ours = append(ours, containerPort{c.Name, p})
			}
		}
	}
	return ours, nil
}

// gone are those of our ports before that the workload does not have after.
func gone(before []containerPort, after *workload.Workload) []containerPort {
	return slices.DeleteFunc(slices.Clone(before), func(p containerPort) bool {
		return slices.ContainsFunc(after.Containers, func(c workload.Container) bool {
			return c.Name == p.container && slices.ContainsFunc(c.Ports, func(q corev1.ContainerPort) bool {
				return q.ContainerPort == p.ContainerPort.ContainerPort && q.Protocol == p.Protocol
			})
		})
	})
}
