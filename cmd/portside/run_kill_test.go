package main

import (
	"context"
	"math/rand/v2"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/portside"
)

// moment is when the process is killed: during an exchange with the API server.
type moment struct {
	name string
	at   func(*http.Request) bool // matches exchanges
	nth  int                      // exchange that matches
	// answered kills the process after the API server has stored the request and
	// before the process has its answer; otherwise before the server has the request.
	answered bool
	// certain moments come, so the test waits for them.
	certain bool
}

var (
	applies  = testenv.Is(testenv.VerbApply, "statefulsets")
	statuses = testenv.Is(testenv.VerbApply, "adaptersets/status")
)

func anything(*http.Request) bool { return true }

// moments returns fifty moments in random order. It is not left to chance that some
// are in the middle of an apply of ports or of a status.
func moments(random *rand.Rand) []moment {
	var all []moment
	for range 15 {
		all = append(all, moment{name: "ports stored, answer lost", at: applies, nth: 1, answered: true, certain: true})
	}
	for range 5 {
		all = append(all,
			moment{name: "ports not stored", at: applies, nth: 1, certain: true},
			moment{name: "status stored, answer lost", at: statuses, nth: 1, answered: true, certain: true},
			moment{name: "status not stored", at: statuses, nth: 1, certain: true})
	}
	for len(all) < 50 {
		all = append(all, moment{name: "any", at: anything, nth: 1 + random.IntN(25), answered: random.IntN(2) == 0})
	}
	random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

// trap holds the exchange of the moment until the process is gone. reached is closed
// when it is held. The caller disarms a trap that was not reached, so that it does
// not hold an exchange of the next process.
func (m moment) trap(p *testenv.Proxy) (reached <-chan struct{}, disarm func()) {
	var seen atomic.Int64
	match := func(r *http.Request) bool { return m.at(r) && seen.Add(1) == int64(m.nth) }
	hold := p.HoldRequests
	if m.answered {
		hold = p.HoldAnswers
	}
	reached, _ = hold(match) // not released: the request of a killed process must not go on
	return reached, func() { seen.Store(int64(m.nth)) }
}

// TestKilledAtAnyMoment kills the process fifty times while adapters change, each
// time at another moment, and starts it again.
func TestKilledAtAnyMoment(t *testing.T) {
	t.Parallel()
	f := newFleet(t, testenv.WithControllers(t), 4)
	proxy := f.Proxy(t, f.Config(), testenv.ProxyHooks{})
	start := func() *portside.Service {
		return portside.Run(t, self(t), proxy.Config(), "--leader-elect=false", "--watch-namespace", f.namespace)
	}
	unanswered := 0
	for _, m := range moments(f.random) {
		reached, disarm := m.trap(proxy)
		var s *portside.Service
		if startedFirst := f.random.IntN(2) == 0; startedFirst {
			s = start()
			f.changeSettled()
		} else {
			f.changeSettled()
			s = start()
		}
		testenv.Eventually(t, "the moment: "+m.name, func(ctx context.Context) error {
			s.MustLive()
			return m.isReached(ctx, f, reached)
		})
		s.Kill()
		disarm()
		if m.certain && m.answered {
			unanswered++
		}
	}
	if unanswered < 10 {
		t.Errorf("%d were killed between a request and its answer", unanswered)
	}
	start()
	f.check()
}

// isReached returns nil if the moment is reached, or if it is not certain and all
// ports are as desired, so that it will not come.
func (m moment) isReached(ctx context.Context, f *fleet, reached <-chan struct{}) error {
	if err := closed(reached); err == nil || m.certain {
		return err
	}
	return f.checkAllPorts(ctx)
}
