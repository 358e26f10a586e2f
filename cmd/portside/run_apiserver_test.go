package main

import (
	"context"
	"testing"
	"time"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/portside"
)

// startService starts one replica behind a proxy and waits until it is ready.
func (f *fleet) startService(args ...string) (*portside.Service, *testenv.Proxy) {
	f.t.Helper()
	proxy := f.Proxy(f.t, f.Config(), testenv.ProxyHooks{})
	s := portside.Run(f.t, self(f.t), proxy.Config(), append(args, "--leader-elect=false", "--watch-namespace", f.namespace)...)
	return s.WaitReady(), proxy
}

// Limits of the requests to an API server that does not answer: those that each of
// the four watches and each target repeats, and those of a first attempt.
const (
	maxRequestsPerSecond = 10
	maxRequestsAtOnce    = 40
)

// expectFewRequests fails the test if too many requests are sent while something
// lasts.
func expectFewRequests(t *testing.T, p *testenv.Proxy, what string, lasts func()) {
	t.Helper()
	p.Reset()
	begin := time.Now()
	lasts()
	total := p.Total() + p.Count(testenv.VerbDiscovery)
	if limit := maxRequestsAtOnce + int(maxRequestsPerSecond*time.Since(begin).Seconds()); total > limit {
		t.Errorf("%s: %d requests within %s, more than %d: %s", what, total, time.Since(begin), limit, p)
	}
}

func TestInterruptedWatches(t *testing.T) {
	t.Parallel()
	f := newFleet(t, testenv.WithControllers(t), 3)
	s, proxy := f.startService()
	for range 3 { // watches back off a little longer each time
		f.changeAll()
		proxy.Cut()
	}
	f.waitPorts()
	expectFewRequests(t, proxy, "while the server cannot be reached", func() {
		proxy.Refuse(true)
		f.changeAll()
		proxy.Refuse(false)
		f.waitPorts()
	})
	held, release := proxy.HoldAnswers(applies)
	f.changeAll()
	testenv.Eventually(t, "an answer to be held", func(context.Context) error { return closed(held) })
	proxy.Cut() // the answer is lost
	release()
	f.check()
	s.MustLive()
}

func TestAPIServerRestarts(t *testing.T) {
	t.Parallel()
	cp := testenv.Own(t, testenv.Options{Controllers: true})
	f := newFleet(t, cp, 3)
	s, proxy := f.startService()
	for name, stop := range map[string]func() error{"stopped": cp.StopAPIServer, "killed": cp.KillAPIServer} {
		f.changeAll()
		f.waitPorts()
		f.waitRolledOut()
		held, release := proxy.HoldRequests(applies)
		f.change(f.members[0])
		f.change(f.members[1])
		testenv.Eventually(t, "a request to be held", func(context.Context) error { return closed(held) })
		expectFewRequests(t, proxy, "the API server was "+name, func() {
			if err := stop(); err != nil {
				t.Fatal(err)
			}
			release() // to a server that does not run
			if err := cp.StartAPIServer(); err != nil {
				t.Fatal(err)
			}
			f.change(f.members[2])
			f.waitPorts()
			f.waitRecorded()
		})
		s.WaitReady()
	}
	f.check()
	s.MustLive()
}
