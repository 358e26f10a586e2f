package apply

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/fieldmanager"
)

// When an apply gives up the last thing its manager owned below a list item,
// the API server prunes: it removes the item, and a field such as ports, as a
// whole, and puts back what others own. What no manager owns is removed along: a static
// port whose entry was lost, or the whole container when no manager owns its
// key. (See prune in sigs.k8s.io/structured-merge-diff merge/update.go.)
//
// And when an apply removes the last port, a manager that owns the list itself, as the
// one that created it by an Update does, still owns the list that is gone: every later
// apply of a port is a conflict with it.
//
// In both cases a patch removes our ports instead.

// pruned returns the held containers other than keep where an apply that names only keep
// would remove more than our ports, or would leave an empty list to its owner.
func (o *Observed) pruned(keep string) []string {
	given := slices.DeleteFunc(o.held(), func(name string) bool { return name == keep })
	if len(given) == 0 {
		return nil
	}
	others, own := o.others(), o.own()
	return slices.DeleteFunc(given, func(name string) bool { return o.leavesOthers(name, others, own) })
}

// leavesOthers reports whether all that is not ours stays when an apply of ours gives
// up a container, and no manager keeps a list without ports.
func (o *Observed) leavesOthers(name string, others fieldmanager.Entries, own []containerPort) bool {
	at, containers, list := o.indexOf(name), others.In(workload.Containers()), workload.Ports(name).At
	if at < 0 {
		return len(containers.Managers()) > 0
	}
	declared, err := containers.Of(fieldmanager.KeyOf("name", name))
	if err != nil || len(declared.Item) == 0 {
		return false
	}
	isOwn := func(p corev1.ContainerPort) bool { return slices.Contains(own, containerPort{name, p}) }
	if len(others.OwnersOf(list)) > 0 && !slices.ContainsFunc(o.Containers[at].Ports, func(p corev1.ContainerPort) bool {
		return !isOwn(p) || o.isShared(containerPort{name, p})
	}) {
		return false // the last port would be removed
	}
	if len(others.In(list).Managers()) > 0 {
		return true
	}
	// No other manager owns anything below ports, so all of them would be removed.
	return !slices.ContainsFunc(o.Containers[at].Ports, func(p corev1.ContainerPort) bool { return !isOwn(p) })
}

// isShared reports whether another manager owns a live port.
func (o *Observed) isShared(p containerPort) bool {
	return slices.ContainsFunc(o.ownersOf(p), func(m fieldmanager.Manager) bool { return m != o.applier.us() })
}

// takeOut removes our claim on containers and the ports that only we own, by one patch.
// A port that another manager renamed is transferred to that manager. The patch requires
// the workload as it was read.
func (a *Applier) takeOut(ctx context.Context, o *Observed, containers []string) (*workload.Workload, error) {
	own := o.own()
	renamed := slices.DeleteFunc(o.renamed("", nil), func(p renamedPort) bool { return !slices.Contains(containers, p.container) })
	stays := func(p containerPort) bool {
		return slices.ContainsFunc(renamed, func(r renamedPort) bool { return r.containerPort == p }) ||
			!slices.Contains(own, p) || o.isShared(p)
	}
	var claims []fieldmanager.Path
	var remove []fieldmanager.PatchOperation
	for _, name := range containers {
		claims = append(claims, workload.Containers().Item(fieldmanager.KeyOf("name", name)))
		at := o.indexOf(name)
		if at < 0 {
			continue
		}
		for i, p := range slices.Backward(o.Containers[at].Ports) { // backward, so that indices hold
			if !stays(containerPort{name, p}) {
				remove = append(remove, removal(at, i, p)...)
			}
		}
	}
	return a.transferring(o, renamed, func(managed []metav1.ManagedFieldsEntry) (*workload.Workload, error) {
		managed, err := fieldmanager.WithoutBelow(managed, a.us(), claims...)
		if err != nil {
			return nil, err
		}
		return a.patchManagedFields(ctx, o, managed, remove...)
	})
}

// removal returns the operations that remove a port by its index, provided that it is
// the one that was read.
func removal(container, port int, was corev1.ContainerPort) []fieldmanager.PatchOperation {
	path := fmt.Sprintf("/spec/template/spec/containers/%d/ports/%d", container, port)
	return []fieldmanager.PatchOperation{{Op: "test", Path: path, Value: was}, {Op: "remove", Path: path}}
}
