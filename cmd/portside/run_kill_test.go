package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/portside"
)

// moment is one at which the process is killed.
type moment struct {
	name string
	// at is an exchange with the API server; the nth that matches is the one.
	at  func(*http.Request) bool
	nth int
	// answered: the API server has done what was asked, and the process does
	// not know. Otherwise the server has not been asked yet.
	answered bool
	// certain: it comes to that, so it is waited for.
	certain bool
}

var (
	applies  = testenv.Is(testenv.VerbApply, "statefulsets")
	statuses = testenv.Is(testenv.VerbApply, "adaptersets/status")
)

func anything(*http.Request) bool { return true }

// moments are fifty, in random order. Where there is an exchange that asks for
// the ports to be changed, it is not left to chance that some are in its midst.
func moments(random *rand.Rand) []moment {
	var all []moment
	for range 15 {
		all = append(all, moment{name: "ports stored, not told", at: applies, nth: 1, answered: true, certain: true})
	}
	for range 5 {
		all = append(all,
			moment{name: "ports not stored", at: applies, nth: 1, certain: true},
			moment{name: "status stored, not told", at: statuses, nth: 1, answered: true, certain: true},
			moment{name: "status not stored", at: statuses, nth: 1, certain: true})
	}
	for len(all) < 50 {
		all = append(all, moment{name: "any", at: anything, nth: 1 + random.IntN(25), answered: random.IntN(2) == 0})
	}
	random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

// trap stops the process at the moment: the exchange stays where it is until
// the process is gone, and reached is closed. A trap that was not reached by
// then must be disarmed, or the next process gets into it.
func (m moment) trap(p *testenv.Proxy) (reached <-chan struct{}, disarm func()) {
	var seen atomic.Int64
	match := func(r *http.Request) bool { return m.at(r) && seen.Add(1) == int64(m.nth) }
	hold := p.HoldRequests
	if m.answered {
		hold = p.HoldAnswers
	}
	reached, _ = hold(match) // not released: what the process has asked must not go on without it
	return reached, func() { seen.Store(int64(m.nth)) }
}

// TestKilledAtAnyMoment kills the process fifty times while adapters change,
// each time at another moment of its talk with the API server, and starts it
// again.
func TestKilledAtAnyMoment(t *testing.T) {
	t.Parallel()
	f := newFleet(t, testenv.WithControllers(t), 4)
	proxy := f.Proxy(t, f.Config(), testenv.ProxyHooks{})
	start := func() *portside.Service {
		return portside.Run(t, self(t), proxy.Config(), "--leader-elect=false", "--watch-namespace", f.namespace)
	}
	between := 0
	for _, m := range moments(f.random) {
		reached, disarm := m.trap(proxy)
		var s *portside.Service
		if started := f.random.IntN(2) == 0; started {
			s = start()
			f.changeSettled()
		} else {
			f.changeSettled()
			s = start()
		}
		testenv.Eventually(t, "the moment: "+m.name, func(ctx context.Context) error {
			s.MustLive()
			return cameTo(ctx, f, m, reached)
		})
		s.Kill()
		disarm()
		if m.certain && m.answered {
			between++
		}
	}
	if between < 10 {
		t.Errorf("%d were killed between a request and its answer", between)
	}
	start()
	f.check()
}

// cameTo is nil when the moment is reached, or when all is done and it never
// will be.
func cameTo(ctx context.Context, f *fleet, m moment, reached <-chan struct{}) error {
	select {
	case <-reached:
		return nil
	default:
	}
	if m.certain {
		return errors.New("not yet")
	}
	return f.allRight(ctx)
}
