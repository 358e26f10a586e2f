package apply

import (
	"fmt"
	"slices"
	"strings"

	"github.com/portside-dev/portside/apply/port"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/fieldmanager"
)

// held returns the containers that our entry names, whether or not the pod template has
// them. For a Service that is "", if our entry names ports.
func (o *Observed) held() []string {
	var names []string
	if o.Service != nil {
		if len(o.ours().In(o.lists[0].At).Managers()) > 0 {
			names = append(names, "")
		}
		return names
	}
	for _, key := range o.ours().In(workload.Containers()).Keys() {
		if name, ok := key.Value("name").(string); ok {
			names = append(names, name)
		}
	}
	return names
}

// vanished returns the containers that our entry names and that are gone.
func (o *Observed) vanished() []string {
	return slices.DeleteFunc(o.held(), func(name string) bool { return o.indexOf(name) >= 0 })
}

// givesUpVanished reports whether there is something to give up in a container that is
// gone.
func (o *Observed) givesUpVanished() bool { return !o.Paused && len(o.vanished()) > 0 }

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
// below their lists of ports, or the list of ports of a Service, but for a name that we own and that is no adapter
// port's: such a port is static.
func (o *Observed) dedicated() error {
	var lists []fieldmanager.List
	for _, name := range o.held() {
		if o.Service != nil {
			lists = append(lists, o.lists[0].At)
		} else {
			lists = append(lists, workload.Ports(name).At)
		}
	}
	other := &NotDedicatedError{Manager: o.applier.manager, Target: o.Target}
	add := func(field string, count int) {
		if other.Count == 0 {
			other.Field = field
		}
		other.Count += count
	}
	for _, e := range o.ours() {
		add(e.Outside(lists...))
	}
	o.eachItem(func(list port.List, live *port.Live) {
		if live.NameOurs && !live.Duplicate && live.Name != "" && !strings.HasPrefix(live.Name, port.NamePrefix) {
			add(list.At.Item(live.Key).Field(list.Name).String(), 1)
		}
	})
	if other.Count > 0 {
		return other
	}
	return nil
}

// eachItem calls with each observed item of each list.
func (o *Observed) eachItem(call func(port.List, *port.Live)) {
	for _, ports := range o.ports {
		for _, live := range ports.Items {
			call(ports.List, live)
		}
	}
}
