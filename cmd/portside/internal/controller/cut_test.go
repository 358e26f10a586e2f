package controller

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/portside-dev/portside/testenv"
)

// TestApplyingIsCutOff: where the server cannot be asked, what stands stands,
// and a change says so in words that are the same each time, until it is tried
// again.
func TestApplyingIsCutOff(t *testing.T) {
	t.Parallel()
	cp := testenv.WithControllers(t)
	var isCut atomic.Bool
	var cuts atomic.Int64
	proxy := cp.Proxy(t, cp.Config(), testenv.ProxyHooks{OnRequest: func(r *http.Request) {
		if isCut.Load() && testenv.Is(testenv.VerbApply, "statefulsets")(r) {
			cuts.Add(1)
			panic(http.ErrAbortHandler) // breaks off this exchange alone
		}
	}})
	ns := cp.Namespace(t)
	s := &scene{cp: cp, ns: ns, git: cp.Manager("git").In(ns), clock: newClock(time.Now().Truncate(time.Second))}
	s.service = startAs(t, cp, proxy.Config(), ns, func(o *Options) { o.Clock = s.clock })
	s.setUp(t, strategy(1, "{type: OnDelete}"), adapterSet(withNFS, ""), nfs...)
	isCut.Store(true)
	untilCut := func(times int64) {
		t.Helper()
		testenv.Eventually(t, fmt.Sprintf("it is cut off %d times", times), func(context.Context) error {
			if n := cuts.Load(); n < times {
				return fmt.Errorf("%d times", n)
			}
			return nil
		})
	}

	told := s.sent.CountOf(testenv.VerbApply, "adaptersets/status")
	s.clock.Step(11 * time.Hour) // a full pass is due
	untilCut(1)
	s.caughtUp(t) // tells of a generation
	s.expect(t, "Ready", "True", "InPlace")
	if n := s.sent.CountOf(testenv.VerbApply, "adaptersets/status") - told; n != 1 {
		t.Errorf("status was written %d times\n%s", n, &s.sent)
	}

	mustApply(t, s.git, adapterSet(withNFSSMB, ""))
	if message := s.expect(t, "Ready", "False", "Unavailable"); message != "the API server could not be asked; it is tried again" {
		t.Errorf("it says %q", message)
	}
	s.expect(t, "Stalled", "False", "AsExpected")
	n := cuts.Load()
	s.clock.Step(2 * time.Second)
	untilCut(n + 1)
	isCut.Store(false)
	s.clock.Step(5 * time.Second)
	s.expect(t, "Ready", "True", "InPlace")
	expectPorts(t, cp, ns, nfsSMB2...)
}
