package apply

import (
	"context"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/portside-dev/portside/apply/port"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/fieldmanager"
)

// A client-side merge of a static port onto the number of an adapter port
// changes its name and nothing else, so that its manager comes to own the name
// alone and the port stays ours (row 3). Only our apply keeps the port then, and
// what we do not apply any more is deleted: so it is transferred to the manager that
// named it instead, by a patch that does not change the pod template.

// renamedPort is a port that we own alone and that another manager has named.
type renamedPort struct {
	livePort
	by fieldmanager.Manager
}

// renamed returns those of these ports that an apply of nothing but the items to the
// container would delete.
func (o *Observed) renamed(container string, items []port.Item) []renamedPort {
	var renamed []renamedPort
	o.live(func(p livePort, live *port.Live) {
		stays := p.container == container && slices.ContainsFunc(items, func(i port.Item) bool { return i.Key == live.Key })
		if live.Renamed() && !stays {
			renamed = append(renamed, renamedPort{p, live.Namers[0]})
		}
	})
	return renamed
}

// transferring stores managedFields with each of the ports in the entry of the
// manager that named it. Where entries of other managers may not be written, by
// [WithoutTransfers] or because the API server refuses it, our entry gives the ports
// up: they stay then as well, and no manager owns more of them than before.
func (a *Applier) transferring(o *Observed, renamed []renamedPort, store func([]metav1.ManagedFieldsEntry) (*workload.Workload, error)) (*workload.Workload, error) {
	managed, err := o.without(renamed, !a.keepsOthers)
	if err != nil {
		return nil, err
	}
	answer, err := store(managed)
	if a.keepsOthers || len(renamed) == 0 || !apierrors.IsForbidden(err) && !apierrors.IsInvalid(err) {
		return answer, err
	}
	if managed, err = o.without(renamed, false); err != nil {
		return nil, err
	}
	return store(managed)
}

// without returns the managedFields without these ports in our entry. If they are
// transferred, they are in the entry of the manager that named them.
func (o *Observed) without(renamed []renamedPort, transferred bool) ([]metav1.ManagedFieldsEntry, error) {
	managed := o.ManagedFields
	for _, p := range renamed {
		list := o.portsOf(p.container).List
		t := fieldmanager.Transfer{List: list.At, Leaves: list.Leaves(), From: []fieldmanager.Manager{o.applier.us()}}
		if transferred {
			t.To = &fieldmanager.Recipient{Manager: p.by, APIVersion: o.definition.APIVersion()}
		}
		var err error
		if managed, _, err = t.Apply(managed, list.Item(p.Port).Key); err != nil {
			return nil, err
		}
	}
	return managed, nil
}

// transfer stores that. The patch requires the workload as it was read.
func (a *Applier) transfer(ctx context.Context, o *Observed, renamed []renamedPort) (*workload.Workload, error) {
	return a.transferring(o, renamed, func(managed []metav1.ManagedFieldsEntry) (*workload.Workload, error) {
		return a.patchManagedFields(ctx, o, managed)
	})
}

// status returns the status of the port after its transfer.
func (p renamedPort) status(after *Observed) PortStatus {
	s := p.livePort.status(port.Released)
	s.Reason, s.Owners = port.ReasonRenamed, after.ownersOf(p.livePort)
	s.Message = fmt.Sprintf("%s named it %q, so it stays and belongs to that manager", p.by, p.Name)
	return s
}
