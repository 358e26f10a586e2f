package apply

import (
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/portside-dev/portside/fieldmanager"
)

// A manager that made a container's list of ports by an update owns the list
// itself, and goes on owning it when somebody's apply takes out the last port.
// Whoever applies a port then meets a conflict with that manager, about a field
// that is not there. We never leave a list so (see pruned), but others do.

// ownersOfNothing are the managers but us that own the list of ports of a
// container that has none.
func (a *Applier) ownersOfNothing(w *workload.Workload, c *workload.Container) ([]fieldmanager.Manager, error) {
	if len(c.Ports) > 0 {
		return nil, nil
	}
	others, err := a.others(w)
	return others.OwnersOf(portsOf(c.Name)), err
}

// EmptyListError reports an apply that the API server refused because a manager
// owns a container's list of ports, which has none. [Applier.Adopt] takes the list
// from that manager. It unwraps to the API server's error.
type EmptyListError struct {
	Container string
	// Managers own the list, sorted.
	Managers []fieldmanager.Manager
	err      error
}

// Error names the container and the managers, and has the API server's words.
func (e *EmptyListError) Error() string { return fmt.Sprintf("%s: %v", e.Cause(), e.err) }

// Cause is the error without the API server's words.
func (e *EmptyListError) Cause() string {
	return fmt.Sprintf("container %s has no ports, and %s owns the empty list", e.Container, list(e.Managers))
}

// Unwrap is the API server's error.
func (e *EmptyListError) Unwrap() error { return e.err }

// explained returns a refusal because of an empty list of ports as an
// [EmptyListError], and every other one as it is.
func (a *Applier) explained(refusal error, w *workload.Workload, c *workload.Container) error {
	conflict := fieldmanager.Conflicts(refusal)
	owners, err := a.ownersOfNothing(w, c)
	if conflict == nil || err != nil || len(owners) == 0 {
		return refusal
	}
	return &EmptyListError{Container: c.Name, Managers: owners, err: refusal}
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
