package rollout

import (
	"fmt"
	"strings"

	"github.com/portside-dev/portside/apply/port"
)

// ChangeID identifies a change of a target from one reconciliation to the next.
// Equal IDs are the same change. An ID is compared and never shown.
type ChangeID string

const (
	// NoChange is the ID where nothing is about to change.
	NoChange ChangeID = ""
	// ReleaseContainer gives up a container that is gone.
	ReleaseContainer ChangeID = "container"
	// ReleaseFields waits until the field manager owns ports alone.
	ReleaseFields ChangeID = "fields"
)

// ApplyPorts returns the ID of the change that applies these ports in this order.
func ApplyPorts(ports []port.Port) ChangeID {
	var id strings.Builder
	id.WriteString("ports")
	for _, p := range ports {
		fmt.Fprintf(&id, " %q/%d/%q", p.Name, p.Number, p.Protocol)
	}
	return ChangeID(id.String())
}

// Taker is the manager that removed our ports.
type Taker struct {
	// Manager is the field manager's name, empty where managedFields do not show
	// it.
	Manager string
	// Certain reports whether the manager wrote after we did. A manager that only
	// removes fields leaves no time behind.
	Certain bool
}
