package workload_test

import (
	"testing"

	"github.com/portside-dev/portside/apply/workload"
)

func read(t *testing.T, object workload.Object) *workload.Workload {
	t.Helper()
	w, err := workload.Read(object)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// trimmed returns a workload as a cache has it.
func trimmed(t *testing.T, w *workload.Workload) *workload.Workload {
	t.Helper()
	kept, err := workload.ReadTrimmed(w.Object(), "portside")
	if err != nil {
		t.Fatal(err)
	}
	return kept
}
