package cmd

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/port"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/cli"
	"github.com/portside-dev/portside/fieldmanager"
)

// ownersOf are the names of the managers that own any field of some containers or of the
// ports of a Service, of those that own a port there, and of those that own an adapter
// port.
type ownersOf struct{ fields, ports, adapterPorts sets.Set[string] }

func newOwnersOf() ownersOf {
	return ownersOf{sets.New[string](), sets.New[string](), sets.New[string]()}
}

// add adds the owners in a Service or a workload: in one container if it is named, or else
// in all. Its error is managedFields that cannot be read.
func (o ownersOf) add(w *workload.Workload, container string) error {
	if w.Service != nil {
		owned, err := apply.ServiceOwners(w)
		for _, p := range owned {
			o.addFields(p.Owners)
			o.addPort(p.Port.Name, p.Owners)
		}
		return err
	}
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
		o.addFields(owners)
	}
	owned, err := apply.Owners(w)
	for _, p := range owned {
		if container == "" || p.Container == container {
			o.addPort(p.Port.Name, p.Owners)
		}
	}
	return err
}

func (o ownersOf) addFields(owners fieldmanager.ItemOwners) {
	o.fields.Insert(fieldmanager.Names(owners.Item)...)
	for _, managers := range owners.Leaves {
		o.fields.Insert(fieldmanager.Names(managers)...)
	}
}

func (o ownersOf) addPort(name string, owners fieldmanager.ItemOwners) {
	o.ports.Insert(fieldmanager.Names(owners.Item)...)
	if strings.HasPrefix(name, port.NamePrefix) {
		o.adapterPorts.Insert(fieldmanager.Names(owners.Item)...)
	}
}

// checkFrom prints an error for each manager of --from that owns nothing there, whose
// name may be misspelt, and returns the exit code. If none of them owns anything and
// still something was adopted, an adoption that had been interrupted was completed.
func (a *adoption) checkFrom(owners ownersOf, adopted bool, where string) int {
	missing := slices.DeleteFunc(slices.Clone(a.from), owners.fields.Has)
	if len(missing) == 0 || adopted && len(missing) == len(a.from) {
		return cli.OK
	}
	owned := "the ports are owned by: " + names(owners.ports)
	if owners.fields.Len() == 0 {
		owned = "no manager owns a field there: let portside apply its ports first, by portside sync or portside reconcile"
	}
	for _, name := range missing {
		a.Messages.Error("field manager %q owns no fields of %s; %s", name, where, owned)
	}
	return cli.Refused
}

func names(managers sets.Set[string]) string {
	if len(managers) == 0 {
		return "no manager"
	}
	return strings.Join(sets.List(managers), ", ")
}
