package port

import (
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/portside-dev/portside/fieldmanager"
)

// namersOrOwners returns the managers, other than us, that own the item's name,
// or else those that own the item.
func (l *Live) namersOrOwners() []fieldmanager.Manager {
	if len(l.Namers) > 0 {
		return l.Namers
	}
	return l.Others
}

func (l *Live) holders() string {
	if managers := l.namersOrOwners(); len(managers) > 0 {
		return fieldmanager.Join(managers)
	}
	return "no known manager"
}

// renaming returns where the item is to be renamed: in the manifest of a manager that
// applies it, if there is one.
func (l *Live) renaming(key string) string {
	for _, m := range slices.Concat(l.Namers, l.Others) {
		if m.Operation == metav1.ManagedFieldsOperationApply {
			return fmt.Sprintf("rename port %s in %s's manifest", key, m.Name)
		}
	}
	return "rename that port"
}

// naming returns where the item is to be given a name, as renaming does.
func (l *Live) naming(key string) string {
	for _, m := range l.Others {
		if m.Operation == metav1.ManagedFieldsOperationApply {
			return fmt.Sprintf("name port %s in %s's manifest", key, m.Name)
		}
	}
	return "name that port"
}

// of returns the managers of an item, for messages.
func of(managers []fieldmanager.Manager) string {
	if len(managers) == 0 {
		return ""
	}
	return " of " + fieldmanager.Join(managers)
}

func (l *Live) blocker(managers []fieldmanager.Manager) *Blocker {
	return &Blocker{Item: l.Item, Managers: managers}
}

// updaters returns the managers that write by Updates.
func updaters(managers []fieldmanager.Manager) []fieldmanager.Manager {
	return slices.DeleteFunc(slices.Clone(managers), func(m fieldmanager.Manager) bool {
		return m.Operation != metav1.ManagedFieldsOperationUpdate
	})
}

func as(name string) string {
	if name == "" {
		return " without a name"
	}
	return fmt.Sprintf(" as %q", name)
}
