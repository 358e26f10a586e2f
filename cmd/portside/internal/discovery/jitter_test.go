package discovery_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/portside-dev/portside/cmd/portside/internal/discovery"
)

func TestDelay(t *testing.T) {
	const interval = 30 * time.Second
	tenths := [10]int{}
	seen := map[time.Duration]bool{}
	for i := range 1000 {
		seed := fmt.Sprint("target-", i)
		first := discovery.Delay(seed, 0, interval)
		if first < 0 || first >= interval || first != discovery.Delay(seed, 0, interval) {
			t.Fatalf("first %s", first)
		}
		tenths[first*10/interval]++
		later := discovery.Delay(seed, uint64(i+1), interval)
		if later < interval || later > interval+interval/10 {
			t.Fatalf("later %s", later)
		}
		seen[later] = true
	}
	for i, n := range tenths {
		if n < 60 || n > 140 {
			t.Errorf("%d of 1000 targets are in tenth %d", n, i)
		}
	}
	if len(seen) < 990 {
		t.Errorf("only %d different delays", len(seen))
	}
	if discovery.Delay("a", 1, interval) == discovery.Delay("a", 2, interval) {
		t.Error("the round does not matter")
	}
	for _, short := range []time.Duration{0, -1, 1, 9} {
		if got := discovery.Delay("a", 1, short); got != max(short, 0) {
			t.Errorf("%d: %d", short, got)
		}
	}
}
