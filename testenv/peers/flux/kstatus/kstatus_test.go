package kstatus_test

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// TestStates computes the kstatus of the states that a test of portside's status
// writes.
func TestStates(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../../../cmd/portside/internal/status/testdata/states.json")
	if err != nil {
		t.Fatal(err)
	}
	var states []struct {
		State   string
		Kstatus status.Status
		Object  json.RawMessage
	}
	if err := json.Unmarshal(text, &states); err != nil {
		t.Fatal(err)
	}
	seen := map[status.Status]int{}
	for _, s := range states {
		seen[s.Kstatus]++
		t.Run(s.State, func(t *testing.T) {
			t.Parallel()
			expect(t, object(t, s.Object), s.Kstatus)
		})
		t.Run(s.State+", of an older generation", func(t *testing.T) {
			t.Parallel()
			next := object(t, s.Object)
			next.SetGeneration(2)
			expect(t, next, status.InProgressStatus)
		})
	}
	for _, want := range []status.Status{status.CurrentStatus, status.InProgressStatus, status.FailedStatus} {
		if seen[want] < 3 {
			t.Errorf("%d of %d states are %s, want at least 3", seen[want], len(states), want)
		}
	}
}

func object(t *testing.T, text []byte) *unstructured.Unstructured {
	t.Helper()
	u := &unstructured.Unstructured{}
	if err := u.UnmarshalJSON(text); err != nil {
		t.Fatal(err)
	}
	return u
}

func expect(t *testing.T, object *unstructured.Unstructured, want status.Status) {
	t.Helper()
	got, err := status.Compute(object)
	if err != nil {
		t.Fatal(err)
	}
	if got.Status != want {
		t.Errorf("%s (%s), want %s", got.Status, got.Message, want)
	}
}
