package apply

import (
	"fmt"
	"strings"

	"github.com/portside-dev/portside/fieldmanager"
)

// NotDedicatedError reports that our field manager owns fields that are no
// adapter port: something else applies under the same name. An apply of ours
// would remove those fields, so nothing is written.
type NotDedicatedError struct {
	// Manager is the name of the field manager, see [WithFieldManager].
	Manager string
	Target  workload.Target
	// Field is one of those fields, as managedFields order them, such as
	// .spec.replicas, and Count how many there are.
	Field string
	Count int
}

// Error names the manager, the field, how many there are, and the way out.
func (e *NotDedicatedError) Error() string {
	owns := fmt.Sprintf("%d other fields, such as %s; an apply would remove them", e.Count, e.Field)
	if e.Count == 1 {
		owns = fmt.Sprintf("another field, %s; an apply would remove it", e.Field)
	}
	return fmt.Sprintf("%s: field manager %q already owns %s. Use a field manager of its own", e.Target, e.Manager, owns)
}

// dedicated returns a [NotDedicatedError] where our entry holds more than an
// apply of ours repeats. It may hold the keys and names of containers and what is
// below their lists of ports, but for a name that we own and that is no adapter
// port's: such a port is static.
func (a *Applier) dedicated(w *workload.Workload) error {
	entries, err := a.own(w)
	if err != nil {
		return err
	}
	held, err := a.held(w)
	if err != nil {
		return err
	}
	lists := make([]fieldmanager.List, len(held))
	for i, name := range held {
		lists[i] = portsOf(name)
	}
	other := &NotDedicatedError{Manager: a.manager, Target: w.target()}
	add := func(field string, count int) {
		if other.Count == 0 {
			other.Field = field
		}
		other.Count += count
	}
	for _, e := range entries {
		add(e.Outside(lists...))
	}
	for i := range w.Containers {
		for _, p := range lookAt(entries, a.us(), &w.Containers[i]).ports {
			if p.nameIsOurs && !p.twice && p.name != "" && !strings.HasPrefix(p.name, port.NamePrefix) {
				add(portsOf(w.Containers[i].Name).Item(p.key.fields()).String()+".name", 1)
			}
		}
	}
	if other.Count > 0 {
		return other
	}
	return nil
}
