package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/portside"
)

// replica is one of several processes that could serve a fleet, with a way to
// the API server of its own.
type replica struct {
	*portside.Service
	*testenv.Proxy
}

func (f *fleet) startReplica(times ...string) replica {
	f.t.Helper()
	proxy := f.Proxy(f.t, f.Config(), testenv.ProxyHooks{})
	args := append(slices.Clone(times), "--watch-namespace", f.namespace, "--leader-election-namespace", f.namespace)
	return replica{portside.Run(f.t, self(f.t), proxy.Config(), args...).WaitReady(), proxy}
}

// isQuick has another replica take over within seconds.
var isQuick = []string{"--leader-elect-lease-duration=6s", "--leader-elect-renew-deadline=2s", "--leader-elect-retry-period=500ms"}

// neverExpires has another replica take over when the Lease is given up, and
// within no test otherwise.
var neverExpires = []string{"--leader-elect-lease-duration=1h", "--leader-elect-retry-period=500ms"}

// leads is what the log of a replica has once it leads.
const leads = "info leading"

func (r replica) applies() int { return r.CountOf(testenv.VerbApply, "statefulsets") }

// writes but the renewal of the Lease.
func (r replica) writes() []string {
	return slices.DeleteFunc(r.Except("PUT leases", "GET leases", testenv.VerbDiscovery), func(line string) bool {
		return strings.HasPrefix(line, testenv.VerbGet) || strings.HasPrefix(line, testenv.VerbList) || strings.HasPrefix(line, testenv.VerbWatch)
	})
}

func TestAnotherReplicaTakesOverFromOneThatIsKilled(t *testing.T) {
	t.Parallel()
	f := newFleet(t, testenv.WithControllers(t), 2)
	first := f.startReplica(isQuick...)
	first.WaitLog(leads)
	second := f.startReplica(isQuick...)
	f.changeAll()
	f.waitRight()
	if writes := second.writes(); len(writes) > 0 {
		t.Errorf("the one that does not lead has sent %q", writes)
	}
	held, _ := first.HoldAnswers(applies)
	f.changeAll() // of which the first stores one at least, and does not know
	testenv.Eventually(t, "an answer to be held", func(context.Context) error { return closed(held) })
	first.Kill()
	f.changeSettled()
	second.WaitLog(leads)
	f.check()
}

// closed is nil when the channel is.
func closed(c <-chan struct{}) error {
	select {
	case <-c:
		return nil
	default:
		return errors.New("not yet")
	}
}

func TestAReplicaThatIsToldToStopGivesUpTheLease(t *testing.T) {
	t.Parallel()
	f := newFleet(t, testenv.WithControllers(t), 2)
	first := f.startReplica(neverExpires...)
	first.WaitLog(leads)
	second, third := f.startReplica(neverExpires...), f.startReplica(neverExpires...)
	if code := third.Terminate(); code != 0 {
		t.Errorf("one that did not lead: exit code %d", code)
	}
	f.changeAll()
	f.waitRight()
	held, _ := first.HoldAnswers(applies)
	f.changeAll()
	testenv.Eventually(t, "an answer to be held", func(context.Context) error { return closed(held) })
	if code := first.Terminate(); code != 0 {
		t.Errorf("the leader: exit code %d", code)
	}
	second.WaitLog(leads)
	f.check()
	if code := second.Terminate(); code != 0 {
		t.Errorf("the last one: exit code %d", code)
	}
	lease, err := f.git.Get(t.Context(), "Lease", f.namespace, testenv.Portside)
	if err != nil {
		t.Fatal(err)
	}
	if holder, _, _ := unstructured.NestedString(lease.Object, "spec", "holderIdentity"); holder != "" {
		t.Errorf("the Lease is still held by %s", holder)
	}
}

// A leader that cannot renew has ended before another leads.
func TestAReplicaThatLosesTheLeaseEnds(t *testing.T) {
	t.Parallel()
	f := newFleet(t, testenv.WithControllers(t), 2)
	first := f.startReplica(isQuick...)
	first.WaitLog(leads)
	second := f.startReplica(isQuick...)
	f.changeAll()
	f.waitRight()
	f.waitRolledOut()
	isLease := func(verb string) func() {
		_, release := first.HoldRequests(testenv.Is(verb, "leases"))
		return release
	}
	defer isLease("PUT")()
	defer isLease("GET")()
	second.WaitLog(leads)
	applied := first.applies()
	f.changeAll()
	f.check()
	if code := first.ExitCode(); code != 1 || !strings.Contains(first.Log.String(), "leader election lost") {
		t.Errorf("exit code %d", code)
	}
	if got := first.applies(); got != applied {
		t.Error(fmt.Sprint(got-applied), "passes were made by the one that no longer leads")
	}
}
