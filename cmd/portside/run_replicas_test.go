package main

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/portside"
)

// replica is one of several processes for a fleet, with a proxy of its own.
type replica struct {
	*portside.Service
	*testenv.Proxy
}

func (f *fleet) startReplica(args ...string) replica {
	f.t.Helper()
	proxy := f.Proxy(f.t, f.Config(), testenv.ProxyHooks{})
	args = append(slices.Clone(args), "--watch-namespace", f.namespace, "--leader-election-namespace", f.namespace)
	return replica{portside.Run(f.t, self(f.t), proxy.Config(), args...).WaitReady(), proxy}
}

// shortLease lets another replica take over within seconds.
var shortLease = []string{"--leader-elect-lease-duration=6s", "--leader-elect-renew-deadline=2s", "--leader-elect-retry-period=500ms"}

// longLease lets another replica take over only when the Lease is released: it
// expires after the test.
var longLease = []string{"--leader-elect-lease-duration=1h", "--leader-elect-retry-period=500ms"}

// leading is logged by a replica once it leads.
const leading = "info leading"

func (r replica) applies() int { return r.CountOf(testenv.VerbApply, "statefulsets") }

// writes returns the requests that write, except for renewals of the Lease.
func (r replica) writes() []string {
	return slices.DeleteFunc(r.Except("PUT leases", "GET leases", testenv.VerbDiscovery), func(line string) bool {
		return strings.HasPrefix(line, testenv.VerbGet) || strings.HasPrefix(line, testenv.VerbList) || strings.HasPrefix(line, testenv.VerbWatch)
	})
}

// twoReplicas returns a fleet whose first replica leads and has applied a change.
func twoReplicas(t *testing.T) (f *fleet, leader, other replica) {
	t.Helper()
	f = newFleet(t, testenv.WithControllers(t), 2)
	leader = f.startReplica(shortLease...)
	leader.WaitLog(leading)
	other = f.startReplica(shortLease...)
	f.changeAll()
	f.waitPorts()
	return f, leader, other
}

func TestKilledLeader(t *testing.T) {
	t.Parallel()
	f, first, second := twoReplicas(t)
	if writes := second.writes(); len(writes) > 0 {
		t.Errorf("the replica that does not lead has sent %q", writes)
	}
	held, _ := first.HoldAnswers(applies)
	f.changeAll() // the first replica stores at least one without getting the answer
	testenv.Eventually(t, "an answer to be held", func(context.Context) error { return closed(held) })
	first.Kill()
	f.changeSettled()
	second.WaitLog(leading)
	f.check()
}

// closed returns nil if the channel is closed.
func closed(c <-chan struct{}) error {
	select {
	case <-c:
		return nil
	default:
		return errors.New("not yet")
	}
}

func TestStoppedLeader(t *testing.T) {
	t.Parallel()
	f := newFleet(t, testenv.WithControllers(t), 2)
	first := f.startReplica(longLease...)
	first.WaitLog(leading)
	second, third := f.startReplica(longLease...), f.startReplica(longLease...)
	if code := third.Terminate(); code != 0 {
		t.Errorf("a replica that did not lead: exit code %d", code)
	}
	f.changeAll()
	f.waitPorts()
	held, _ := first.HoldAnswers(applies)
	f.changeAll()
	testenv.Eventually(t, "an answer to be held", func(context.Context) error { return closed(held) })
	if code := first.Terminate(); code != 0 {
		t.Errorf("the leader: exit code %d", code)
	}
	second.WaitLog(leading)
	f.check()
	if code := second.Terminate(); code != 0 {
		t.Errorf("the last replica: exit code %d", code)
	}
	lease := f.git.MustGet(t, "Lease", f.namespace, testenv.Portside)
	if holder, _, _ := unstructured.NestedString(lease.Object, "spec", "holderIdentity"); holder != "" {
		t.Errorf("the Lease is still held by %s", holder)
	}
}

// TestLostLease has a leader that cannot renew its Lease end before another leads.
func TestLostLease(t *testing.T) {
	t.Parallel()
	f, first, second := twoReplicas(t)
	f.waitRolledOut()
	hold := func(verb string) func() {
		_, release := first.HoldRequests(testenv.Is(verb, "leases"))
		return release
	}
	defer hold("PUT")()
	defer hold("GET")()
	second.WaitLog(leading)
	applied := first.applies()
	f.changeAll()
	f.check()
	if code := first.ExitCode(); code != 1 || !strings.Contains(first.Log.String(), "leader election lost") {
		t.Errorf("exit code %d", code)
	}
	if got := first.applies(); got != applied {
		t.Errorf("the replica that no longer leads applied %d times", got-applied)
	}
}
