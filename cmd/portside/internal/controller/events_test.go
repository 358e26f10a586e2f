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

// TestExistingPorts are not reported as added when portside takes them over.
func TestExistingPorts(t *testing.T) {
	t.Parallel()
	t.Run("owned", func(t *testing.T) {
		t.Parallel()
		s := newScene(t)
		s.setUp(t, statefulSet(onDelete), adapterSet(withNFS), nfs...)
		s.expectEvents(t, "StatefulSet", "PortAdded", "Added port adapter-nfs (12049/TCP)")
		s.delete(t)
		s.expectReleased(t) // the port stays
		history := s.record(t)
		s.git.MustApply(t, adapterSet(withNFS))
		s.expectBothEvents(t, "PortOwned", "portside now manages port adapter-nfs (12049/TCP)")
		expectTemplateChanges(t, history, 0)
		if n := len(s.eventsOf(t, "PortAdded")); n != 2 {
			t.Errorf("%d events PortAdded for one port on two objects", n)
		}
	})
	t.Run("shared", func(t *testing.T) {
		t.Parallel()
		s := newScene(t)
		s.git.MustApply(t, workloadWith("StatefulSet", "files", nfs, onDelete))
		s.git.MustApply(t, adapterSet(withNFS))
		s.expectBothEvents(t, "PortShared", "portside now shares port adapter-nfs (12049/TCP) with git")
		if n := len(s.eventsOf(t, "PortAdded")); n != 0 {
			t.Errorf("%d events PortAdded", n)
		}
	})
}

// TestConditionEvents are reported in an event.
func TestConditionEvents(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	in := func(container string) any { return adapterSet(withNFS, fixture.Spec("container: "+container)) }
	s.git.MustApply(t, in("sidecar"))
	s.expectEvents(t, "AdapterSet", "TargetNotFound", "StatefulSet "+s.ns+"/files not found")
	s.git.MustApply(t, statefulSet(onDelete))
	s.expectBothEvents(t, "ContainerNotFound", "it has server")
	s.git.MustApply(t, in("server"))
	s.expect(t, "Ready", "True", "InPlace")
	s.git.MustApply(t, adapterSet(withNFS, suspended))
	s.expectBothEvents(t, "Suspended", "spec.suspend is true")
	s.git.MustApply(t, adapterSet(withNFS))
	s.expectBothEvents(t, "Resumed", "portside writes to the workload again")
	s.pause(t, `"true"`)
	s.expectBothEvents(t, "Paused", "portside.dev/paused")
	s.pause(t, "null")
	s.git.MustApply(t, adapterSet(withNFSSMB, renamed("second")))
	s.expectEvents(t, "StatefulSet", "TargetTaken", "AdapterSet files is older")
}

// TestRequestsOfAChange counts what a change of three ports costs.
func TestRequestsOfAChange(t *testing.T) {
	t.Parallel()
	three := fixture.Adapters("nfs:12049", "smb:1445", "ftp:2121")
	for name, c := range map[string]struct {
		strategy string
		window   int // seconds
		statuses int
	}{
		"without a restart":                             {"{type: OnDelete}", 0, 1},
		"with a rollout, which is reported until done":  {"{}", 0, 2},
		"after the stabilization window, also reported": {"{}", 60, 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			window := fixture.Rollout(c.window, 0)
			s.setUp(t, statefulSet(fixture.Spec("updateStrategy: "+c.strategy)), adapterSet(noAdapters, window), static...)
			s.sent.Reset()
			s.git.MustApply(t, adapterSet(three, window))
			if c.window > 0 {
				s.expect(t, "Reconciling", "True", "Stabilizing")
				s.clock.Step(time.Minute)
			}
			s.expectReady(t, "True", "InPlace", "3/3")
			s.waitRolledOut(t)
			s.expect(t, "Reconciling", "False", "AsExpected")
			s.expectBothEvents(t, "PortAdded", "Added ports adapter-smb (1445/TCP), adapter-ftp (2121/TCP), adapter-nfs (12049/TCP)")
			testenv.Eventually(t, "the requests", func(context.Context) error {
				for _, r := range []struct {
					verb, resource string
					want           int
				}{
					{testenv.VerbApply, "statefulsets", 1}, {testenv.VerbApply, "adaptersets/status", c.statuses}, {testenv.VerbPost, "events", 2},
				} {
					if n := s.sent.CountOf(r.verb, r.resource); n != r.want {
						return errors.New(fmt.Sprint(n, " ", r, "\n", &s.sent))
					}
				}
				return nil
			})
		})
	}
}
