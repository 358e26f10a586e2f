package apply

import (
	"strings"
	"testing"
)

// TestNoPatchOfAReducedLook: what would be written is not what the server has.
// No way leads there, so that it is asked where it would end.
func TestNoPatchOfAReducedLook(t *testing.T) {
	t.Parallel()
	a, err := New(nil)
	if err != nil {
		t.Fatal(err)
	}
	look := &workload.Workload{Kind: workload.StatefulSet, ResourceVersion: "1"}
	if _, err := a.patchManagedFields(t.Context(), look.Trimmed(""), nil); err == nil || !strings.Contains(err.Error(), "from a trimmed object") {
		t.Errorf("error %v", err)
	}
}
