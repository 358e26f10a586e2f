package controller

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/portside-dev/portside/cmd/portside/internal/status"
	"github.com/portside-dev/portside/testenv"
)

// applies is how often the service applied to StatefulSets.
func (s *scene) applies() int { return s.sent.CountOf(testenv.VerbApply, "statefulsets") }

func TestAFullPassAsksEachTargetOnce(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	names := []string{"files", "a", "b"}
	for _, name := range names {
		mustApply(t, s.git, renamed(strategy(1, "{type: OnDelete}"), name))
		mustApply(t, s.git, renamed(adapterSet(withNFS, ""), name))
	}
	versions := map[string]string{}
	for _, name := range names {
		s.expectOf(t, name, "Ready", "True", "InPlace")
		versions[name] = s.cp.WaitRolledOut(t, "StatefulSet", s.ns, name).GetResourceVersion()
	}
	for round, period := range []time.Duration{11 * time.Hour, 11 * time.Hour} {
		s.caughtUp(t)
		before, gets := s.applies(), s.sent.CountOf(testenv.VerbGet, "statefulsets")
		s.clock.Step(period)
		testenv.Eventually(t, "each is asked", func(context.Context) error {
			if n := s.applies() - before; n != len(names) {
				return fmt.Errorf("%d times", n)
			}
			return nil
		})
		s.rests(t)
		if n := s.applies() - before; n != len(names) || s.sent.CountOf(testenv.VerbGet, "statefulsets") != gets {
			t.Errorf("round %d: %d times\n%s", round, n, &s.sent)
		}
	}
	for _, name := range names {
		live, err := s.git.Get(t.Context(), "StatefulSet", s.ns, name)
		if err != nil {
			t.Fatal(err)
		}
		if got := live.GetResourceVersion(); got != versions[name] {
			t.Errorf("%s changed from %s to %s", name, versions[name], got)
		}
	}
}

// TestAFullPassWaits: where nothing may be written none is made, and it is not
// waited for in haste.
func TestAFullPassWaits(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.setUp(t, strategy(1, "{type: OnDelete}"), adapterSet(withNFS, ""), nfs...)
	mustApply(t, s.git, adapterSet(withNFS, "suspend: true"))
	s.expect(t, "Reconciling", "False", "Suspended")
	before := s.applies()
	s.clock.Step(24 * time.Hour)
	s.rests(t)
	if n := s.applies(); n != before {
		t.Errorf("%d requests\n%s", n-before, &s.sent)
	}
	mustApply(t, s.git, adapterSet(withNFS, ""))
	s.caughtUp(t)
	s.expect(t, "Ready", "True", "InPlace")
	if n := s.applies(); n != before+1 {
		t.Errorf("%d requests after the end of it\n%s", n-before, &s.sent)
	}
}

const mayReadWorkloads = `
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: service}
rules:
- {apiGroups: [portside.dev], resources: [adaptersets, adaptersets/status], verbs: [get, list, watch, patch]}
- {apiGroups: [apps], resources: ["*"], verbs: [get, list, watch]}
- {apiGroups: [events.k8s.io], resources: [events], verbs: [create, patch]}
`

const isTheService = `
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: service}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: service}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: %s}]
`

// TestARefusalIsTriedAgainWithBackOff: and is over when the server says yes.
func TestARefusalIsTriedAgainWithBackOff(t *testing.T) {
	t.Parallel()
	cp := testenv.WithControllers(t)
	ns := cp.Namespace(t)
	s := &scene{cp: cp, ns: ns, git: cp.Manager("git").In(ns), clock: newClock(time.Now().Truncate(time.Second))}
	user, err := cp.User(ns)
	if err != nil {
		t.Fatal(err)
	}
	mustApply(t, s.git, mayReadWorkloads)
	mustApply(t, s.git, fmt.Sprintf(isTheService, ns))
	s.service = startAs(t, cp, user, ns, func(o *Options) { o.Clock = s.clock })
	mustApply(t, s.git, strategy(1, "{type: OnDelete}"))
	s.rolledOut(t)
	mustApply(t, s.git, adapterSet(withNFS, ""))
	s.expect(t, "Stalled", "True", "Refused")
	s.expect(t, "Reconciling", "False", "AsExpected")
	perPass := s.applies()
	for passes, wait := range []int{1, 2, 4, 8, 16} {
		s.clock.Step(time.Duration(wait)*time.Second - time.Millisecond)
		s.rests(t)
		if n := s.applies(); n != perPass*(passes+1) {
			t.Fatalf("%d requests after %d passes\n%s", n, passes+1, &s.sent)
		}
		if set, err := s.get(t.Context(), "files"); err != nil || !hasReason(&set.Status, status.Stalled, status.Refused) {
			t.Errorf("before it is tried again it tells %+v: %v", set.Status.Conditions, err)
		}
		s.clock.Step(time.Millisecond)
		testenv.Eventually(t, "it is tried again", func(context.Context) error {
			if n := s.applies(); n != perPass*(passes+2) {
				return fmt.Errorf("%d requests", n)
			}
			return nil
		})
	}
	s.expect(t, "Stalled", "True", "Refused")
	mustApply(t, s.git, strings.Replace(mayReadWorkloads, `"*"], verbs: [`, `"*"], verbs: [patch, `, 1))
	s.stepsUntilTrue(t, "files", "Ready", "InPlace")
	expectPorts(t, s.cp, s.ns, nfs...)
}

// TestAShadowedPortIsRemembered: a number that another declares is a success,
// and not asked for again and again; nor is a port that the table blocks.
func TestAShadowedPortIsRemembered(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ adapters, reason, summary string }{
		"shadowed": {"[{type: nfs, port: 12049}, {type: web, port: 8080}]", "InPlace", "2/2"},
		"blocked":  {"[{type: nfs, port: 12049}, {type: NFS, port: 2049}]", "Conflicting", "1/2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			mustApply(t, s.git, strategy(1, "{type: OnDelete}"))
			s.rolledOut(t)
			mustApply(t, s.git, adapterSet(c.adapters, ""))
			expectPorts(t, s.cp, s.ns, nfs...)
			status := "False"
			if c.reason == "InPlace" {
				status = "True"
			}
			expectReady(t, s.cp, s.ns, status, c.reason, c.summary)
			before := s.applies()
			s.clock.Step(30 * time.Minute)
			s.rests(t)
			if n := s.applies(); n != before {
				t.Errorf("%d more requests\n%s", n-before, &s.sent)
			}
		})
	}
}
