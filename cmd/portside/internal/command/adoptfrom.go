package command

import (
	"maps"
	"slices"
	"strings"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/fieldmanager"
)

// containerOwners are the managers that own something in the containers of an
// adoption, by name.
type containerOwners struct {
	// fields are those that own any field of a container, ports those that own a
	// port.
	fields, ports map[string]bool
}

func newContainerOwners() containerOwners {
	return containerOwners{fields: map[string]bool{}, ports: map[string]bool{}}
}

// add adds the managers that own something in a workload, or in one container of
// it if that is named.
func (o containerOwners) add(w *workload.Workload, container string) error {
	entries, err := w.Entries()
	if err != nil {
		return err
	}
	containers := entries.In(workload.Containers())
	for _, c := range w.Containers {
		if container != "" && c.Name != container {
			continue
		}
		owners, err := containers.Of(fieldmanager.KeyOf("name", c.Name))
		if err != nil {
			return err
		}
		managers := slices.Concat(owners.Item, slices.Concat(slices.Collect(maps.Values(owners.Leaves))...))
		for _, name := range fieldmanager.Names(managers) {
			o.fields[name] = true
		}
	}
	owned, err := apply.Owners(w)
	if err != nil {
		return err
	}
	for _, p := range owned {
		if container != "" && p.Container != container {
			continue
		}
		for _, name := range fieldmanager.Names(p.Owners.Item) {
			o.ports[name] = true
		}
	}
	return nil
}

// missing returns the managers of a list that own nothing.
func (o containerOwners) missing(from []string) []string {
	return slices.DeleteFunc(slices.Clone(from), func(name string) bool { return o.fields[name] })
}

// portOwners names the managers that own ports.
func (o containerOwners) portOwners() string {
	if len(o.ports) == 0 {
		return "no manager"
	}
	return strings.Join(slices.Sorted(maps.Keys(o.ports)), ", ")
}

// checkFrom reports the managers of --from that own nothing of what was adopted
// from, whose names may be misspelt, and returns the exit code. Where none owns
// anything and still something was adopted, the adoption completed one that had
// been interrupted.
func (a *adoptCommand) checkFrom(owners containerOwners, adopted bool, where string) int {
	missing := owners.missing(a.from)
	if len(missing) == 0 || adopted && len(missing) == len(a.from) {
		return exitOK
	}
	for _, name := range missing {
		a.messages.Error("field manager %q owns no fields of %s; the ports are owned by: %s", name, where, owners.portOwners())
	}
	return exitRefused
}
