package adapterset

import (
	"slices"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/v1alpha1"
)

// WithCompanions returns the active adapters and, after them, the companions that are
// present while these are active.
func WithCompanions(set *v1alpha1.AdapterSet, active []apply.Adapter) []apply.Adapter {
	all := slices.Clone(active)
	for _, c := range set.Spec.Companions {
		of := slices.IndexFunc(active, func(a apply.Adapter) bool { return belongs(c, a.Type) })
		if of < 0 {
			continue
		}
		companion := apply.Adapter{Type: c.Name, Port: int64(c.Port), Protocol: c.Protocol, Companion: true}
		if companion.Port == 0 {
			companion.Port = active[of].Port
		}
		all = append(all, companion)
	}
	return all
}

// IsCompanion reports whether a port of this name is that of a companion.
func IsCompanion(set *v1alpha1.AdapterSet, portName string) bool {
	return slices.ContainsFunc(set.Spec.Companions, func(c v1alpha1.Companion) bool { return apply.PortName(c.Name) == portName })
}

// Renumbered returns the names of the companions whose number is that of an adapter of
// one of these types.
func Renumbered(set *v1alpha1.AdapterSet, types []string) []string {
	var names []string
	for _, c := range set.Spec.Companions {
		if c.Port == 0 && slices.ContainsFunc(types, func(typ string) bool { return belongs(c, typ) }) {
			names = append(names, c.Name)
		}
	}
	return names
}

// belongs reports whether a companion is one of an adapter of this type.
func belongs(c v1alpha1.Companion, typ string) bool {
	return c.Adapter == typ && typ != "" || slices.Contains(c.Adapters, typ)
}
