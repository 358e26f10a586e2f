package apply

import (
	"strings"
	"testing"

	"github.com/portside-dev/portside/apply/workload"
)

// TestNoPatchOfATrimmedWorkload: what would be written is not what the server has.
// No call leads there, so that the last one is tested.
func TestNoPatchOfATrimmedWorkload(t *testing.T) {
	t.Parallel()
	a, err := New(nil)
	if err != nil {
		t.Fatal(err)
	}
	w := &workload.Workload{Target: workload.Target{Kind: workload.StatefulSet}, ResourceVersion: "1", TrimmedFor: DefaultFieldManager}
	o, err := a.Observe(w)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.patchManagedFields(t.Context(), o, nil); err == nil || !strings.Contains(err.Error(), "from a trimmed object") {
		t.Errorf("error %v", err)
	}
}
