package cli

import (
	"testing"

	"github.com/portside-dev/portside/apply"
)

func TestPortsCode(t *testing.T) {
	t.Parallel()
	for state, want := range map[apply.State]int{
		apply.Owned: 0, apply.Shared: 0, apply.Shadowed: 0, apply.Removed: 0, apply.Released: 0,
		"Retained": 0, "Pending": 0, // only status has these
		apply.Blocked: 2, apply.Invalid: 2,
	} {
		if got := PortsCode([]apply.PortStatus{{State: apply.Owned}, {State: state}}); got != want {
			t.Errorf("%s: exit code %d, want %d", state, got, want)
		}
	}
}
