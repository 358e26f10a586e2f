package controller

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/fixture"
)

// TestRolloutAfterRestart: a process ended after the server stored its change and before
// status was written. The rollout still counts as one of portside's.
func TestRolloutAfterRestart(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.git.MustApply(t, statefulSet())
	s.waitRolledOut(t)
	release := s.cp.HoldUnready(s.ns, hasNFS)
	s.git.MustApply(t, adapterSet(withNFS, fixture.Rollout(60, 0)))
	s.expect(t, "Reconciling", "True", "Stabilizing")
	s.stop()
	s.applyAsPortside(t, "files")
	s.restart(t)
	s.expect(t, "Ready", "True", "InPlace")
	s.expect(t, "Reconciling", "True", "RollingOut")
	release()
	s.expect(t, "Reconciling", "False", "AsExpected")
}

// TestReplicaThatDoesNotLead: a replica has read all objects when it begins to lead, and
// writes nothing before.
func TestReplicaThatDoesNotLead(t *testing.T) {
	t.Parallel()
	s := realTimeScene(t)
	s.git.MustApply(t, fmt.Sprintf(`
apiVersion: coordination.k8s.io/v1
kind: Lease
metadata: {name: %s}
spec: {holderIdentity: another, leaseDurationSeconds: 3600, renewTime: %q}
`, testenv.Portside, time.Now().UTC().Format("2006-01-02T15:04:05.000000Z07:00")))
	s.startLeading(t, s.cp.Config())
	s.git.MustApply(t, statefulSet(onDelete))
	s.git.MustApply(t, adapterSet(withNFS))
	testenv.Eventually(t, "a replica that has read all and does not lead", func(context.Context) error {
		if s.sent.CountOf(testenv.VerbGet, "leases") < 2 {
			return errors.New("it has not read the Lease twice")
		}
		return s.Watching()
	})
	if n := s.sent.Writes(); n > 0 {
		t.Errorf("%d writes of a replica that does not lead\n%s", n, &s.sent)
	}
	s.git.MustDelete(t, "Lease", s.ns, testenv.Portside)
	s.expectPorts(t, nfs...)
}
