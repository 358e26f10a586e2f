package rollout_test

import (
	"slices"
	"testing"
	"time"

	"github.com/portside-dev/portside/cmd/portside/internal/rollout"
)

// TestContention: five re-adds, then one an hour.
func TestContention(t *testing.T) {
	t.Parallel()
	var c rollout.Contention
	var readds []time.Duration
	for at := time.Duration(0); at < 3*time.Hour; at += time.Second { // removed every second
		if _, may := c.MayReadd(start.Add(at)); may {
			c.Readded(start.Add(at))
			readds = append(readds, at)
		}
	}
	want := []time.Duration{0, 1e9, 2e9, 3e9, 4e9, 4e9 + time.Hour, 4e9 + 2*time.Hour}
	if !slices.Equal(readds, want) {
		t.Errorf("added again after %s, not %s", readds, want)
	}
	if c.NoneMissing(start.Add(3 * time.Hour)); !c.UnderWay() {
		t.Error("over before the ports stayed for an hour")
	}
	if c.NoneMissing(c.Due()); c.UnderWay() {
		t.Error("not over after the ports stayed for an hour")
	}
}
