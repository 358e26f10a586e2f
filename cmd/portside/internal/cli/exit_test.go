package cli

import (
	"testing"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/port"
)

func TestPortsCode(t *testing.T) {
	t.Parallel()
	for state, want := range map[port.State]int{
		port.Owned: 0, port.Shared: 0, port.Shadowed: 0, port.Removed: 0, port.Released: 0,
		"Retained": 0, "Pending": 0, // only status has these
		port.Blocked: 2, port.Invalid: 2,
	} {
		if got := PortsCode([]apply.PortStatus{{State: port.Owned}, {State: state}}); got != want {
			t.Errorf("%s: exit code %d, want %d", state, got, want)
		}
	}
}
