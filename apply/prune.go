package apply

import (
	"context"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/portside-dev/portside/apply/port"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/fieldmanager"
)

// When an apply gives up the last thing its manager owned below a list item,
// the API server prunes: it removes the item, and a field such as ports, as a
// whole, and puts back what others own. What no manager owns is removed along: a static
// port whose entry was lost, the whole container when no manager owns its key, or the
// selector of a Service when no manager owns anything in its spec. (See prune in sigs.k8s.io/structured-merge-diff merge/update.go.)
//
// And when an apply removes the last port, a manager that owns the list itself, as the
// one that created it by an Update does, still owns the list that is gone: every later
// apply of a port is a conflict with it.
//
// In both cases a patch removes our ports instead.

// pruned returns the held containers that an apply of these ports does not name and where
// it would remove more than our ports, or would leave an empty list to its owner.
func (o *Observed) pruned(applied map[string][]port.Port) []string {
	given := slices.DeleteFunc(o.held(), func(name string) bool { return len(applied[name]) > 0 })
	if len(given) == 0 {
		return nil
	}
	others := o.others()
	return slices.DeleteFunc(given, func(name string) bool { return o.leavesOthers(name, others) })
}

// specOfService is what the server prunes of a Service where no other manager owns anything
// in it.
var specOfService = fieldmanager.ListAt("spec")

// leavesOthers reports whether all that is not ours stays when an apply of ours gives
// up a container, or a Service, and no manager keeps a list without ports.
func (o *Observed) leavesOthers(name string, others fieldmanager.Entries) bool {
	at, containers := o.indexOf(name), others.In(workload.Containers())
	if at < 0 {
		return len(containers.Managers()) > 0
	}
	if o.Service == nil {
		declared, err := containers.Of(fieldmanager.KeyOf("name", name))
		if err != nil || len(declared.Item) == 0 {
			return false
		}
	}
	if o.Service != nil && !slices.ContainsFunc(others, func(e fieldmanager.Entry) bool { return !e.Fields.Of(specOfService).Empty() }) {
		return false // the server would remove the whole spec, with the selector
	}
	list, ports := o.lists[at].At, o.ports[at].Items
	if len(others.OwnersOf(list)) > 0 && !slices.ContainsFunc(ports, func(p *port.Live) bool { return !p.Ours || len(p.Others) > 0 }) {
		return false // the last port would be removed
	}
	if len(others.In(list).Managers()) > 0 {
		return true
	}
	// No other manager owns anything below ports, so all of them would be removed.
	return !slices.ContainsFunc(ports, func(p *port.Live) bool { return !p.Ours })
}

// takeOut removes our claim on containers, or on a Service, and the ports that only we
// own, by one patch, but for the last port of a Service that cannot be without one. A port
// that another manager renamed is transferred to that manager. The patch requires the
// object as it was read.
func (a *Applier) takeOut(ctx context.Context, o *Observed, containers []string) (*workload.Workload, error) {
	renamed := slices.DeleteFunc(o.renamed("", nil), func(p renamedPort) bool { return !slices.Contains(containers, p.container) })
	var claims []fieldmanager.Path
	var remove []fieldmanager.PatchOperation
	for _, name := range containers {
		at := o.indexOf(name)
		if at < 0 {
			claims = append(claims, workload.Containers().Item(fieldmanager.KeyOf("name", name)))
			continue
		}
		list, observed := &o.lists[at], o.ports[at]
		claims = append(claims, list.Claim())
		for i, item := range slices.Backward(list.Items) { // backward, so that indices hold
			if p := observed.Find(item.Key); p.Ours && len(p.Others) == 0 && !p.Renamed() && p != observed.Last() {
				remove = append(remove, list.Remove(i)...)
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
