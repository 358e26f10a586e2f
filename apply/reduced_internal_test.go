package apply

import (
	"strings"
	"testing"

	"github.com/portside-dev/portside/apply/workload"
)

// TestNoPatchOfAReducedLook: what would be written is not what the server has.
// No way leads there, so that it is asked where it would end.
func TestNoPatchOfAReducedLook(t *testing.T) {
	t.Parallel()
	a, err := New(nil)
	if err != nil {
		t.Fatal(err)
	}
	w := &workload.Workload{Target: workload.Target{Kind: workload.StatefulSet}, ResourceVersion: "1"}
	o, err := a.Observe(w.Trimmed(DefaultFieldManager))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.patchManagedFields(t.Context(), o, nil); err == nil || !strings.Contains(err.Error(), "from a trimmed object") {
		t.Errorf("error %v", err)
	}
}
