package main

import (
	"context"
	"testing"
	"time"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/portside"
)

// startService starts the process behind a proxy, alone, and waits until it is
// ready.
func (f *fleet) startService(args ...string) (*portside.Service, *testenv.Proxy) {
	f.t.Helper()
	proxy := f.Proxy(f.t, f.Config(), testenv.ProxyHooks{})
	s := portside.Run(f.t, self(f.t), proxy.Config(), append(args, "--leader-elect=false", "--watch-namespace", f.namespace)...)
	return s.WaitReady(), proxy
}

// perSecond and atOnce bound how much is asked of an API server that does not
// answer: each of the four watches, each target, and what a first try takes.
const (
	perSecond = 10
	atOnce    = 40
)

// quiet counts requests while something lasts, and fails the test when they are
// a storm.
func quiet(t *testing.T, p *testenv.Proxy, what string, lasts func()) {
	t.Helper()
	p.Reset()
	begin := time.Now()
	lasts()
	total, most := p.Total()+p.Count(testenv.VerbDiscovery), atOnce+int(perSecond*time.Since(begin).Seconds())
	if total > most {
		t.Errorf("%s: %d requests within %s, more than %d: %s", what, total, time.Since(begin), most, p)
	}
}

func TestWatchesAreCut(t *testing.T) {
	t.Parallel()
	f := newFleet(t, testenv.WithControllers(t), 3)
	s, proxy := f.startService()
	for range 3 { // watches come back later each time
		f.changeAll()
		proxy.Cut()
	}
	f.waitRight()
	quiet(t, proxy, "while the server cannot be reached", func() {
		proxy.Refuse(true)
		f.changeAll()
		proxy.Refuse(false)
		f.waitRight()
	})
	held, release := proxy.HoldAnswers(applies)
	f.changeAll()
	testenv.Eventually(t, "an answer to be held", func(context.Context) error { return closed(held) })
	proxy.Cut() // and the answer with it
	release()
	f.check()
	s.MustLive()
}

func TestTheAPIServerGoesAndComesBack(t *testing.T) {
	t.Parallel()
	cp, err := testenv.Start(t.Context(), testenv.Options{Controllers: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cp.Stop(); err != nil {
			t.Error(err)
		}
	})
	f := newFleet(t, cp, 3)
	s, proxy := f.startService()
	for name, stop := range map[string]func() error{"stopped": cp.StopAPIServer, "killed": cp.KillAPIServer} {
		f.changeAll()
		f.waitRight()
		f.waitRolledOut()
		held, release := proxy.HoldRequests(applies)
		f.change(f.members[0])
		f.change(f.members[1])
		testenv.Eventually(t, "a request to be held", func(context.Context) error { return closed(held) })
		quiet(t, proxy, "the API server was "+name, func() {
			if err := stop(); err != nil {
				t.Fatal(err)
			}
			release() // the server is not there
			if err := cp.StartAPIServer(); err != nil {
				t.Fatal(err)
			}
			f.change(f.members[2])
			f.waitRight()
			f.waitRecorded()
		})
		s.WaitReady()
	}
	f.check()
	s.MustLive()
}
