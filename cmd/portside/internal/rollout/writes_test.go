package rollout_test

import (
	"slices"
	"testing"
	"time"

	"github.com/portside-dev/portside/cmd/portside/internal/rollout"
)

func TestWritesArePaced(t *testing.T) {
	t.Parallel()
	var w rollout.Writes
	count := func(from, to time.Duration) (n int) {
		for at := from; at < to; at += time.Second { // there is something to write each second
			if now := start.Add(at); !now.Before(w.Until()) {
				w.Spend(now)
				n++
			}
		}
		return n
	}
	if n := count(0, time.Minute); n != 11 {
		t.Errorf("%d writes in the first minute, not the burst and one more", n)
	}
	if n := count(time.Minute, time.Hour); n != 118 {
		t.Errorf("%d writes in the rest of the hour, not one each 30 s", n)
	}
	if n := count(2*time.Hour, 2*time.Hour+time.Second*rollout.StatusBurst); n != rollout.StatusBurst {
		t.Errorf("%d writes after an hour of rest", n)
	}
}

func TestWritesAreRetried(t *testing.T) {
	t.Parallel()
	var w rollout.Writes
	for range 2 {
		var waits []time.Duration
		for range 5 {
			wait, first := w.Failed()
			if first != (len(waits) == 0) {
				t.Errorf("failure %d is the first: %t", len(waits)+1, first)
			}
			waits = append(waits, wait/time.Second)
		}
		if !slices.Equal(waits, []time.Duration{1, 2, 4, 5, 5}) {
			t.Errorf("tried again after %d seconds", waits)
		}
		if w.Stored() != 5 || w.Stored() != 0 {
			t.Error("the failures are miscounted")
		}
	}
}
