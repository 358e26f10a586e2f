package controller

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/portside-dev/portside/cmd/portside/internal/status"
	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/fixture"
)

// applies returns how often the service applied to StatefulSets.
func (s *scene) applies() int { return s.sent.CountOf(testenv.VerbApply, "statefulsets") }

func TestResyncAppliesOnce(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	names := []string{"files", "a", "b"}
	for _, name := range names {
		s.git.MustApply(t, workloadOf("StatefulSet", name, onDelete))
		s.git.MustApply(t, adapterSetOf("StatefulSet", name, withNFS))
	}
	versions := map[string]string{}
	for _, name := range names {
		s.expectOf(t, name, "Ready", "True", "InPlace")
		versions[name] = s.cp.WaitRolledOut(t, "StatefulSet", s.ns, name).GetResourceVersion()
	}
	for round, period := range []time.Duration{11 * time.Hour, 11 * time.Hour} {
		s.catchUp(t)
		before, gets := s.applies(), s.sent.CountOf(testenv.VerbGet, "statefulsets")
		s.clock.Step(period)
		testenv.Eventually(t, "an apply of each target", func(context.Context) error {
			if n := s.applies() - before; n != len(names) {
				return fmt.Errorf("%d times", n)
			}
			return nil
		})
		s.expectIdle(t)
		if n := s.applies() - before; n != len(names) || s.sent.CountOf(testenv.VerbGet, "statefulsets") != gets {
			t.Errorf("round %d: %d times\n%s", round, n, &s.sent)
		}
	}
	for _, name := range names {
		live := s.git.MustGet(t, "StatefulSet", s.ns, name)
		if got := live.GetResourceVersion(); got != versions[name] {
			t.Errorf("%s changed from %s to %s", name, versions[name], got)
		}
	}
}

// TestResyncWhileSuspended sends nothing while a write is not allowed, and the
// service stays idle.
func TestResyncWhileSuspended(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.setUp(t, statefulSet(onDelete), adapterSet(withNFS), nfs...)
	s.git.MustApply(t, adapterSet(withNFS, suspended))
	s.expect(t, "Reconciling", "False", "Suspended")
	before := s.applies()
	s.clock.Step(24 * time.Hour)
	s.expectIdle(t)
	if n := s.applies(); n != before {
		t.Errorf("%d requests\n%s", n-before, &s.sent)
	}
	s.git.MustApply(t, adapterSet(withNFS))
	s.catchUp(t)
	s.expect(t, "Ready", "True", "InPlace")
	if n := s.applies(); n != before+1 {
		t.Errorf("%d requests after the suspension\n%s", n-before, &s.sent)
	}
}

const readerRole = `
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: service}
rules:
- {apiGroups: [portside.dev], resources: [adaptersets, adaptersets/status], verbs: [get, list, watch, patch]}
- {apiGroups: [apps], resources: ["*"], verbs: [get, list, watch]}
- {apiGroups: [events.k8s.io], resources: [events], verbs: [create, patch]}
`

const readerBinding = `
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: service}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: service}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: %s}]
`

// TestRefusalBackOff retries a refused apply until the server accepts it.
func TestRefusalBackOff(t *testing.T) {
	t.Parallel()
	s := stoppedScene(t)
	user, err := s.cp.User(s.ns)
	if err != nil {
		t.Fatal(err)
	}
	s.git.MustApply(t, readerRole)
	s.git.MustApply(t, fmt.Sprintf(readerBinding, s.ns))
	s.startAs(t, user)
	s.git.MustApply(t, statefulSet(onDelete))
	s.waitRolledOut(t)
	s.git.MustApply(t, adapterSet(withNFS))
	s.expect(t, "Stalled", "True", "Refused")
	s.expect(t, "Reconciling", "False", "AsExpected")
	perTry := s.applies()
	for tries, wait := range []int{1, 2, 4, 8, 16} {
		s.clock.Step(time.Duration(wait)*time.Second - time.Millisecond)
		s.expectIdle(t)
		if n := s.applies(); n != perTry*(tries+1) {
			t.Fatalf("%d requests after %d tries\n%s", n, tries+1, &s.sent)
		}
		if set, err := s.get(t.Context(), "files"); err != nil || !hasReason(&set.Status, status.Stalled, status.Refused) {
			t.Errorf("before the retry the conditions are %+v: %v", set.Status.Conditions, err)
		}
		s.clock.Step(time.Millisecond)
		testenv.Eventually(t, "a retry", func(context.Context) error {
			if n := s.applies(); n != perTry*(tries+2) {
				return fmt.Errorf("%d requests", n)
			}
			return nil
		})
	}
	s.expect(t, "Stalled", "True", "Refused")
	s.git.MustApply(t, strings.Replace(readerRole, `"*"], verbs: [`, `"*"], verbs: [patch, `, 1))
	s.stepsUntilTrue(t, "files", "Ready", "InPlace")
	s.expectPorts(t, nfs...)
}

// TestPortsThatAreNotOursCostNoRequest does not apply ports again and again that
// another manager declares, which is a success, or that the contract blocks.
func TestPortsThatAreNotOursCostNoRequest(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		adapters        fixture.Option
		reason, summary string
	}{
		"shadowed": {fixture.Adapters("nfs:12049", "web:8080"), "InPlace", "2/2"},
		"blocked":  {fixture.Adapters("nfs:12049", "NFS:2049"), "Conflicting", "1/2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			s.git.MustApply(t, statefulSet(onDelete))
			s.waitRolledOut(t)
			s.git.MustApply(t, adapterSet(c.adapters))
			s.expectPorts(t, nfs...)
			status := "False"
			if c.reason == "InPlace" {
				status = "True"
			}
			s.expectReady(t, status, c.reason, c.summary)
			before := s.applies()
			s.clock.Step(30 * time.Minute)
			s.expectIdle(t)
			if n := s.applies(); n != before {
				t.Errorf("%d more requests\n%s", n-before, &s.sent)
			}
		})
	}
}
