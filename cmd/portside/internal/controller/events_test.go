package controller

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/portside-dev/portside/testenv"
)

// countEvents returns the number of events with a reason.
func (s *scene) countEvents(t *testing.T, reason string) int {
	t.Helper()
	events, err := s.events(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return len(slices.DeleteFunc(events, func(line string) bool { return !strings.Contains(line, " "+reason+": ") }))
}

// TestExistingPorts are not reported as added when portside takes them over.
func TestExistingPorts(t *testing.T) {
	t.Parallel()
	t.Run("owned", func(t *testing.T) {
		t.Parallel()
		s := newScene(t)
		s.setUp(t, strategy(1, "{type: OnDelete}"), adapterSet(withNFS, ""), nfs...)
		s.expectEvents(t, "StatefulSet", "PortAdded", "Added port adapter-nfs (12049/TCP)")
		s.delete(t)
		s.expectGivenUp(t) // the port stays
		history := s.cp.Record(t, "StatefulSet", s.ns, "files")
		mustApply(t, s.git, adapterSet(withNFS, ""))
		for _, kind := range []string{"AdapterSet", "StatefulSet"} {
			s.expectEvents(t, kind, "PortOwned", "portside now manages port adapter-nfs (12049/TCP)")
		}
		templateChanges(t, history, 0)
		if n := s.countEvents(t, "PortAdded"); n != 2 {
			t.Errorf("%d events PortAdded for one port on two objects", n)
		}
	})
	t.Run("shared", func(t *testing.T) {
		t.Parallel()
		s := newScene(t)
		mustApply(t, s.git, strings.Replace(strategy(1, "{type: OnDelete}"), "protocol: TCP}]", "protocol: TCP}, {name: adapter-nfs, containerPort: 12049, protocol: TCP}]", 1))
		mustApply(t, s.git, adapterSet(withNFS, ""))
		for _, kind := range []string{"AdapterSet", "StatefulSet"} {
			s.expectEvents(t, kind, "PortShared", "portside now shares port adapter-nfs (12049/TCP) with git")
		}
		if n := s.countEvents(t, "PortAdded"); n != 0 {
			t.Errorf("%d events PortAdded", n)
		}
	})
}

// TestConditionsThatBegin are reported in an event.
func TestConditionsThatBegin(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	in := func(container string) string {
		return strings.Replace(adapterSet(withNFS, ""), "adapters:", "container: "+container+"\n  adapters:", 1)
	}
	mustApply(t, s.git, in("sidecar"))
	s.expectEvents(t, "AdapterSet", "TargetNotFound", "StatefulSet "+s.ns+"/files not found")
	both := func(reason, text string) {
		t.Helper()
		s.expectEvents(t, "AdapterSet", reason, text)
		s.expectEvents(t, "StatefulSet", reason, text)
	}
	mustApply(t, s.git, strategy(1, "{type: OnDelete}"))
	both("ContainerNotFound", "it has server")
	mustApply(t, s.git, in("server"))
	s.expect(t, "Ready", "True", "InPlace")
	mustApply(t, s.git, adapterSet(withNFS, "suspend: true"))
	both("Suspended", "spec.suspend is true")
	mustApply(t, s.git, adapterSet(withNFS, ""))
	both("Resumed", "portside writes to the workload again")
	pause(t, s.git, s.ns, `"true"`)
	both("Paused", "portside.dev/paused")
	pause(t, s.git, s.ns, "null")
	mustApply(t, s.git, strings.Replace(adapterSet(withNFSSMB, ""), "{name: files}", "{name: second}", 1))
	s.expectEvents(t, "StatefulSet", "TargetTaken", "AdapterSet files is older")
}

// TestRequestsOfAChange counts what a change of three ports costs.
func TestRequestsOfAChange(t *testing.T) {
	t.Parallel()
	const three = "[{type: nfs, port: 12049}, {type: smb, port: 1445}, {type: ftp, port: 2121}]"
	for name, c := range map[string]struct {
		strategy string
		settle   int
		statuses int
	}{
		"without a restart":                             {"{type: OnDelete}", 0, 1},
		"with a rollout, which is reported until done":  {"{}", 0, 2},
		"after the stabilization window, also reported": {"{}", 60, 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			set := func(adapters string) string {
				return strings.Replace(adapterSet(adapters, ""), "stabilizationWindowSeconds: 0", fmt.Sprintf("stabilizationWindowSeconds: %d", c.settle), 1)
			}
			s.setUp(t, strategy(1, c.strategy), set("[]"), static...)
			s.sent.Reset()
			mustApply(t, s.git, set(three))
			if c.settle > 0 {
				s.expect(t, "Reconciling", "True", "Stabilizing")
				s.clock.Step(time.Minute)
			}
			expectReady(t, s.cp, s.ns, "True", "InPlace", "3/3")
			s.rolledOut(t)
			s.expect(t, "Reconciling", "False", "AsExpected")
			for _, kind := range []string{"AdapterSet", "StatefulSet"} {
				s.expectEvents(t, kind, "PortAdded", "Added ports adapter-smb (1445/TCP), adapter-ftp (2121/TCP), adapter-nfs (12049/TCP)")
			}
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
