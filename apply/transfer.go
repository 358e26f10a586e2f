package apply

import (
	"context"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/portside-dev/portside/fieldmanager"
)

// A client-side merge of a static port onto the number of an adapter port
// changes its name and nothing else, so that its manager comes to own the name
// alone and the port stays ours (row 3). Nothing but us keeps the port then, and
// what we do not apply any more is deleted: so it goes to the manager who named
// it instead, in a patch that does not change the pod template.

// namedPort is a port that we own alone and that another manager has named.
type namedPort struct {
	containerPort
	namer fieldmanager.Manager
}

// named are those ports that an apply of nothing but these to this container
// would delete.
func (a *Applier) named(w *workload.Workload, container string, emit []port.Port) ([]namedPort, error) {
	var named []namedPort
	for i := range w.Containers {
		c := &w.Containers[i]
		now, err := w.lookAt(a.us(), c)
		if err != nil {
			return nil, err
		}
		for _, port := range c.Ports {
			p := now.byKey[portKey{port.ContainerPort, port.Protocol}]
			stays := c.Name == container && slices.ContainsFunc(emit, func(e port.Port) bool { return p.key == portKey{e.Number, e.Protocol} })
			if p.namedByAnother() && !stays {
				named = append(named, namedPort{containerPort{c.Name, port}, p.namers[0]})
			}
		}
	}
	return named, nil
}

// handingOver stores managedFields with each of the ports in the entry of the
// manager that named it. Where entries of other managers may not be written, by
// [WithoutTransfers] or because the API server refuses it, our entry gives the ports
// up: they stay then as well, and no manager owns more of them than before.
func (a *Applier) handingOver(w *workload.Workload, named []namedPort, store func([]metav1.ManagedFieldsEntry) (*workload.Workload, error)) (*workload.Workload, error) {
	managed, err := a.without(w.ManagedFields, named, !a.keepsOthers)
	if err != nil {
		return nil, err
	}
	answer, err := store(managed)
	if a.keepsOthers || len(named) == 0 || !apierrors.IsForbidden(err) && !apierrors.IsInvalid(err) {
		return answer, err
	}
	if managed, err = a.without(w.ManagedFields, named, false); err != nil {
		return nil, err
	}
	return store(managed)
}

// without are the managedFields without these ports in our entry. They are in
// that of who named them, if they are handed over.
func (a *Applier) without(managed []metav1.ManagedFieldsEntry, named []namedPort, handOver bool) (_ []metav1.ManagedFieldsEntry, err error) {
	for _, p := range named {
		h := fieldmanager.Transfer{List: portsOf(p.container), Leaves: portLeaves, From: []fieldmanager.Manager{a.us()}}
		if handOver {
			h.To = &fieldmanager.Recipient{Manager: p.namer, APIVersion: APIVersion}
		}
		if managed, _, err = h.Apply(managed, portKey{p.ContainerPort.ContainerPort, p.Protocol}.fields()); err != nil {
			return nil, err
		}
	}
	return managed, nil
}

// handOver stores that. The patch insists on the workload as it was read.
func (a *Applier) handOver(ctx context.Context, w *workload.Workload, named []namedPort) (*workload.Workload, error) {
	return a.handingOver(w, named, func(managed []metav1.ManagedFieldsEntry) (*workload.Workload, error) {
		return a.patchManagedFields(ctx, w, managed)
	})
}

// status tells of the port after it was handed over.
func (p namedPort) status(after *workload.Workload) PortStatus {
	return PortStatus{
		Name: p.Name, Port: int64(p.ContainerPort.ContainerPort), Protocol: p.Protocol, State: port.Released, Reason: port.ReasonRenamed,
		Owners: ownersOf(after, p.containerPort), Message: fmt.Sprintf("%s named it %q, so it stays and is theirs now", p.namer, p.Name),
	}
}
