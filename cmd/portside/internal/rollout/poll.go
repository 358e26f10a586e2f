package rollout

import (
	"slices"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/port"
)

// Poll is what is known of the latest poll of a source. The zero value is that of a
// source that has not answered in this process. Declared adapters are a complete answer
// at any time.
type Poll struct {
	// Complete reports whether the poll was complete. Only then are ports removed and
	// renumbered.
	Complete bool
	// Disagreed are the types for which pods reported different numbers.
	Disagreed []string
}

// Agreed returns the active adapters as far as the poll may change the ports of
// ours that are declared:
//
//   - An adapter keeps the number that is declared where the poll was not
//     complete, or the pods do not agree on its number. It then comes first, so
//     that no other adapter gets that number.
//   - Where the poll was not complete, an adapter that claims the number of a
//     port whose own adapter is inactive is left out until a poll is.
//
// A port whose adapter is invalid is left to package apply, which keeps it.
func (p Poll) Agreed(active []apply.Adapter, own []port.Port) []apply.Adapter {
	var held []apply.Adapter
	rest := slices.Clone(active)
	for _, live := range own {
		i := slices.IndexFunc(rest, func(a apply.Adapter) bool { return isValidFor(a, live) })
		switch {
		case !isOurs(live):
		case i < 0 && !p.Complete:
			rest = slices.DeleteFunc(rest, func(a apply.Adapter) bool { return hasNumber(a, live) })
		case i >= 0 && !p.agreesOn(rest[i].Type) && i != slices.IndexFunc(rest, func(a apply.Adapter) bool { return hasNumber(a, live) }):
			a := rest[i]
			a.Port, a.Protocol = int64(live.Number), string(live.Protocol)
			held, rest = append(held, a), slices.Delete(rest, i, i+1)
		}
	}
	return append(held, rest...)
}

// agreesOn reports whether the poll may renumber an adapter of the type.
func (p Poll) agreesOn(typ string) bool { return p.Complete && !slices.Contains(p.Disagreed, typ) }

func isValidFor(a apply.Adapter, p port.Port) bool {
	return apply.PortName(a.Type) == p.Name && a.Problem() == ""
}
