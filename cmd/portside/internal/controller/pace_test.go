package controller

import (
	"testing"
	"time"
)

func TestPace(t *testing.T) {
	t.Parallel()
	var p pace
	began := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	count := func(from, to time.Duration) (n int) {
		for at := from; at < to; at += time.Second { // there is something to write each second
			if now := began.Add(at); !now.Before(p.until()) {
				p.spend(now)
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
	if n := count(2*time.Hour, 2*time.Hour+time.Second*statusBurst); n != statusBurst {
		t.Errorf("%d writes after an hour of rest", n)
	}
}
