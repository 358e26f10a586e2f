package controller

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/portside-dev/portside/testenv"
)

// TestARolloutThatBeganUnseen: a process ended after the server took its change,
// and before it could tell. The rollout is one of ours all the same.
func TestARolloutThatBeganUnseen(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	mustApply(t, s.git, statefulSet)
	s.rolledOut(t)
	release := s.cp.HoldUnready(s.ns, hasNFS)
	mustApply(t, s.git, strings.Replace(adapterSet(withNFS, ""), "stabilizationWindowSeconds: 0", "stabilizationWindowSeconds: 60", 1))
	s.expect(t, "Reconciling", "True", "Stabilizing")
	s.stop()
	mustApply(t, s.cp.Manager(testenv.Portside).In(s.ns), `
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: files}
spec: {template: {spec: {containers: [{name: server, ports: [{name: adapter-nfs, containerPort: 12049, protocol: TCP}]}]}}}
`)
	s.restart(t)
	s.expect(t, "Ready", "True", "InPlace")
	s.expect(t, "Reconciling", "True", "RollingOut")
	release()
	s.expect(t, "Reconciling", "False", "AsExpected")
}

// TestAReplicaThatWaitsToLead has seen all there is when its turn comes, and
// writes nothing before.
func TestAReplicaThatWaitsToLead(t *testing.T) {
	t.Parallel()
	cp := testenv.WithControllers(t)
	ns := cp.Namespace(t)
	git := cp.Manager("git").In(ns)
	mustApply(t, git, fmt.Sprintf(`
apiVersion: coordination.k8s.io/v1
kind: Lease
metadata: {name: %s}
spec: {holderIdentity: another, leaseDurationSeconds: 3600, renewTime: %q}
`, testenv.Portside, time.Now().UTC().Format("2006-01-02T15:04:05.000000Z07:00")))
	s := startLeading(t, cp, cp.Config(), ns)
	mustApply(t, git, strategy(1, "{type: OnDelete}"))
	mustApply(t, git, adapterSet(withNFS, ""))
	testenv.Eventually(t, "it has seen all, and does not lead", func(context.Context) error {
		if s.sent.CountOf(testenv.VerbGet, "leases") < 2 {
			return errors.New("it has not looked who leads, and looked again")
		}
		return s.Watching()
	})
	if n := s.sent.Writes(); n > 0 {
		t.Errorf("%d writes of who does not lead\n%s", n, &s.sent)
	}
	if err := git.Delete(t.Context(), "Lease", ns, testenv.Portside); err != nil {
		t.Fatal(err)
	}
	expectPorts(t, cp, ns, nfs...)
}
