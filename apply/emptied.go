package apply

import (
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/portside-dev/portside/fieldmanager"
)

// A manager that made a container's list of ports by an update owns the list
// itself, and goes on owning it when somebody's apply takes out the last port.
// Whoever applies a port then meets a conflict with that manager, about a field
// that is not there. We never leave a list so (see pruned), but others do.

// ownersOfNothing are the managers but us that own the list of ports of a
// container that has none.
func (a *Applier) ownersOfNothing(w *Workload, c *Container) ([]fieldmanager.Manager, error) {
	if len(c.Ports) > 0 {
		return nil, nil
	}
	others, err := a.others(w)
	return others.OwnersOf(portsOf(c.Name)), err
}

// explained says what to do about a refusal because of a list that is not there.
func (a *Applier) explained(refusal error, w *Workload, c *Container) error {
	conflict := fieldmanager.Conflicts(refusal)
	owners, err := a.ownersOfNothing(w, c)
	if conflict == nil || err != nil || len(owners) == 0 {
		return refusal
	}
	return fmt.Errorf("container %s has no ports, and %s owns the list of them all the same; run portside adopt -n %s %s/%s --from %s: %w",
		c.Name, list(owners), w.Namespace, strings.ToLower(string(w.Kind)), w.Name, strings.Join(fieldmanager.Names(owners), ","), refusal)
}

// withoutNothing takes the list of ports from the managers that own it of a
// container that has none.
func withoutNothing(managed []metav1.ManagedFieldsEntry, container string, owners []fieldmanager.Manager) (_ []metav1.ManagedFieldsEntry, err error) {
	for _, m := range owners {
		if managed, err = fieldmanager.WithoutBelow(managed, m, portsOf(container).Path()); err != nil {
			return nil, err
		}
	}
	return managed, nil
}

// withNames keeps the managers of these names.
func withNames(managers []fieldmanager.Manager, names []string) []fieldmanager.Manager {
	return slices.DeleteFunc(managers, func(m fieldmanager.Manager) bool { return !slices.Contains(names, m.Name) })
}
