package apply

import (
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/portside-dev/portside/fieldmanager"
)

// A manager that created a container's list of ports by an Update owns the list
// itself, and still owns it when an apply of another manager removes the last port.
// Every later apply of a port is then a conflict with that manager, about a field
// that does not exist. We never leave a list so (see pruned), but others do.

// ownersOfEmpty returns the managers but us that own the list of ports of a container
// that has none.
func (o *Observed) ownersOfEmpty(container string) []fieldmanager.Manager {
	at := o.indexOf(container)
	if at < 0 || len(o.lists[at].Items) > 0 {
		return nil
	}
	return o.others().OwnersOf(o.lists[at].At)
}

// EmptyListError reports an apply that the API server refused because a manager
// owns a container's list of ports, which has none. [Applier.Adopt] takes the list
// from that manager. It unwraps to the API server's error.
type EmptyListError struct {
	// Container has the list. It is empty for a Service.
	Container string
	// Managers own the list, sorted.
	Managers []fieldmanager.Manager
	err      error
}

// Error names the container and the managers, and has the API server's error.
func (e *EmptyListError) Error() string { return fmt.Sprintf("%s: %v", e.Cause(), e.err) }

// Cause returns the error without the API server's.
func (e *EmptyListError) Cause() string {
	of := "container " + e.Container
	if e.Container == "" {
		of = "the Service"
	}
	return fmt.Sprintf("%s has no ports, and %s owns the empty list", of, fieldmanager.Join(e.Managers))
}

// Unwrap returns the API server's error.
func (e *EmptyListError) Unwrap() error { return e.err }

// explained returns a refusal because of an empty list of ports as an
// [EmptyListError], and every other one as it is.
func (o *Observed) explained(refusal error, container string) error {
	owners := o.ownersOfEmpty(container)
	if fieldmanager.Conflicts(refusal) == nil || len(owners) == 0 {
		return refusal
	}
	return &EmptyListError{Container: container, Managers: owners, err: refusal}
}

// withoutEmpty takes a list of ports that has none from the managers that own it.
func withoutEmpty(managed []metav1.ManagedFieldsEntry, list fieldmanager.List, owners []fieldmanager.Manager) (_ []metav1.ManagedFieldsEntry, err error) {
	for _, m := range owners {
		if managed, err = fieldmanager.WithoutBelow(managed, m, list.Path()); err != nil {
			return nil, err
		}
	}
	return managed, nil
}

// withNames keeps the managers of these names.
func withNames(managers []fieldmanager.Manager, names []string) []fieldmanager.Manager {
	return slices.DeleteFunc(managers, func(m fieldmanager.Manager) bool { return !slices.Contains(names, m.Name) })
}
