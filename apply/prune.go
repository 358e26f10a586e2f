package apply

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/structured-merge-diff/v4/fieldpath"

	"github.com/portside-dev/portside/fieldmanager"
)

// When an apply gives up the last thing its manager owned below a list item,
// the API server prunes: it takes out the item, and a field such as ports, as a
// whole, and puts back what others own. What nobody owns goes with it: a static
// port after its entry was lost, or the whole container when nobody owns its
// key. (See prune in sigs.k8s.io/structured-merge-diff merge/update.go.)
//
// And when an apply takes out the last port, a manager that owns the list itself,
// as who made it by an update does, goes on owning the list that is gone: our next
// port would be a conflict with it, for good.
//
// In both cases we take our ports out ourselves, by a patch that says so.

// containersOf is the keyed list of a pod template's containers.
var containersOf = fieldmanager.ListAt("spec", "template", "spec", "containers")

// held are the containers that our entry names, live or not.
func (a *Applier) held(w *workload.Workload) ([]string, error) {
	entries, err := a.own(w)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, key := range entries.In(containersOf).Keys() {
		for _, field := range *key.Key {
			if field.Name == "name" && field.Value.IsString() {
				names = append(names, field.Value.AsString())
			}
		}
	}
	return names, nil
}

// others are the entries that are not ours.
type others struct{ fieldmanager.Entries }

func (a *Applier) others(w *workload.Workload) (others, error) {
	all, err := w.entries()
	return others{slices.DeleteFunc(slices.Clone(all), func(e fieldmanager.Entry) bool { return e.Manager == a.us() })}, err
}

// pruned are those containers of which an apply that names only the container
// keep would give up all we own, and by which others would lose something, or
// we our way back.
func (a *Applier) pruned(w *workload.Workload, keep string) ([]string, error) {
	held, err := a.held(w)
	if err != nil {
		return nil, err
	}
	given := slices.DeleteFunc(held, func(name string) bool { return name == keep })
	if len(given) == 0 {
		return nil, nil
	}
	others, err := a.others(w)
	if err != nil {
		return nil, err
	}
	ours, err := a.ownPorts(w)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(given, func(name string) bool { return others.keep(w, name, ours) }), nil
}

// keep tells whether all that is not ours stays when an apply of ours lets the
// container go, and nobody keeps a list without ports.
func (o others) keep(w *workload.Workload, name string, ours []containerPort) bool {
	at := slices.IndexFunc(w.Containers, func(c workload.Container) bool { return c.Name == name })
	if at < 0 {
		return len(o.In(containersOf).Managers()) > 0
	}
	if len(o.In(containersOf).Of(fieldmanager.KeyOf("name", name)).Item) == 0 {
		return false
	}
	if len(o.OwnersOf(portsOf(name))) > 0 && o.lastGo(w.Containers[at], ours) {
		return false
	}
	if len(o.In(portsOf(name)).Managers()) > 0 {
		return true
	}
	// Nobody else owns anything below ports, so all of them would go.
	return !slices.ContainsFunc(w.Containers[at].Ports, func(p corev1.ContainerPort) bool {
		return !slices.Contains(ours, containerPort{name, p})
	})
}

// lastGo tells that no port is left once ours have gone that nobody else owns.
func (o others) lastGo(c workload.Container, ours []containerPort) bool {
	owners := o.In(portsOf(c.Name))
	return !slices.ContainsFunc(c.Ports, func(p corev1.ContainerPort) bool {
		return !slices.Contains(ours, containerPort{c.Name, p}) || len(owners.Of(portKey{p.ContainerPort, p.Protocol}.fields()).Item) > 0
	})
}

// takeOut takes us out of containers by one patch: our claim, and the ports
// that only we own. One that another manager named goes to that manager. The
// patch insists on the workload as it was read.
func (a *Applier) takeOut(ctx context.Context, w *workload.Workload, containers []string) (*workload.Workload, error) {
	others, err := a.others(w)
	if err != nil {
		return nil, err
	}
	ours, err := a.ownPorts(w)
	if err != nil {
		return nil, err
	}
	named, err := a.named(w, "", nil)
	if err != nil {
		return nil, err
	}
	named = slices.DeleteFunc(named, func(p namedPort) bool { return !slices.Contains(containers, p.container) })
	var paths []fieldpath.Path
	var remove []fieldmanager.PatchOperation
	for _, name := range containers {
		paths = append(paths, containersOf.Item(fieldmanager.KeyOf("name", name)))
		at := slices.IndexFunc(w.Containers, func(c workload.Container) bool { return c.Name == name })
		if at < 0 {
			continue
		}
		owners := others.In(portsOf(name))
		for i, p := range slices.Backward(w.Containers[at].Ports) { // backward, so that indices hold
			key := portKey{p.ContainerPort, p.Protocol}.fields()
			stays := slices.ContainsFunc(named, func(n namedPort) bool { return n.containerPort == containerPort{name, p} })
			if !stays && slices.Contains(ours, containerPort{name, p}) && len(owners.Of(key).Item) == 0 {
				remove = append(remove, removal(at, i, p)...)
			}
		}
	}
	return a.handingOver(w, named, func(managed []metav1.ManagedFieldsEntry) (*workload.Workload, error) {
		managed, err := fieldmanager.WithoutBelow(managed, a.us(), paths...)
		if err != nil {
			return nil, err
		}
		return a.patchManagedFields(ctx, w, managed, remove...)
	})
}

// removal takes out a port by its index, provided that it is the one we saw.
func removal(container, port int, was corev1.ContainerPort) []fieldmanager.PatchOperation {
	path := fmt.Sprintf("/spec/template/spec/containers/%d/ports/%d", container, port)
	return []fieldmanager.PatchOperation{{Op: "test", Path: path, Value: was}, {Op: "remove", Path: path}}
}

// takeOutAll takes us out of the whole workload.
func (a *Applier) takeOutAll(ctx context.Context, w *workload.Workload) (*workload.Workload, error) {
	held, err := a.held(w)
	if err != nil {
		return nil, err
	}
	return a.takeOut(ctx, w, held)
}
