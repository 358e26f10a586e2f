package controller

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/portside-dev/portside/cmd/portside/internal/rollout"
	"github.com/portside-dev/portside/testenv"
)

// expectRetained waits for the warnings that the ports stay, with the cause.
func (s *scene) expectRetained(t *testing.T, cause string) {
	t.Helper()
	for _, kind := range []string{"AdapterSet", "StatefulSet"} {
		s.expectEvents(t, kind, "PortsRetained", cause)
	}
}

// removing returns a scene with a port in place, whose AdapterSet removes it when
// it is deleted.
func removing(t *testing.T) *scene {
	t.Helper()
	s := newScene(t)
	s.setUp(t, strategy(1, "{type: OnDelete}"), adapterSet(withNFS, "deletionPolicy: Remove"), nfs...)
	s.expectFinalizer(t, true)
	return s
}

// policy denies portside every write to the StatefulSets of a namespace, whose name
// it has, for a reason of the API server.
const policy = `
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: %[1]s}
spec:
  failurePolicy: Fail
  matchConstraints:
    resourceRules: [{apiGroups: [apps], apiVersions: ["*"], operations: [UPDATE], resources: [statefulsets]}]
  validations:
  - expression: request.namespace != '%[1]s' || request.options.?fieldManager.orValue('') != 'portside'
    message: not in this namespace
    reason: %[2]s
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: %[1]s}
spec: {policyName: %[1]s, validationActions: [Deny]}
`

// forbid has the policy in force until the test ends.
func (s *scene) forbid(t *testing.T, reason string) {
	t.Helper()
	if _, err := s.cp.Kubectl(t.Context(), "", fmt.Sprintf(policy, s.ns, reason), "apply", "-f", "-"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute) //nolint:usetesting // the test's own has ended
		defer cancel()
		if _, err := s.cp.Kubectl(ctx, "", fmt.Sprintf(policy, s.ns, reason), "delete", "-f", "-"); err != nil {
			t.Error(err)
		}
	})
	testenv.Eventually(t, "the policy is in force", func(ctx context.Context) error {
		_, err := s.cp.Manager(testenv.Portside).Patch(ctx, "StatefulSet", s.ns, "files", types.MergePatchType, []byte(`{"metadata":{"labels":{"a":"b"}}}`))
		if err == nil || !strings.Contains(err.Error(), "not in this namespace") {
			return fmt.Errorf("a write of portside's came to: %w", err)
		}
		return nil
	})
}

// annotateAsPortside applies portside's port and an annotation under portside's
// field manager, as another client that uses this name would.
func (s *scene) annotateAsPortside(t *testing.T) {
	t.Helper()
	mustApply(t, s.cp.Manager(testenv.Portside).In(s.ns), `
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: files, annotations: {team: storage}}
spec: {template: {spec: {containers: [{name: server, ports: [{name: adapter-nfs, containerPort: 12049, protocol: TCP}]}]}}}
`)
}

// TestDeletionWherePortsStay deletes AdapterSets with deletionPolicy Remove whose
// ports may not be removed.
func TestDeletionWherePortsStay(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		forbid func(t *testing.T, s *scene)
		cause  string
	}{
		"suspended": {func(t *testing.T, s *scene) {
			t.Helper()
			mustApply(t, s.git, adapterSet(withNFS, "deletionPolicy: Remove\n  suspend: true"))
			s.expect(t, "Reconciling", "False", "Suspended")
		}, "spec.suspend is true"},
		"the field manager is not dedicated": {func(t *testing.T, s *scene) {
			t.Helper()
			s.annotateAsPortside(t)
			s.expect(t, "Ready", "False", "FieldManagerNotDedicated")
		}, "already owns another field, .metadata.annotations.team"},
		"a policy calls it invalid":   {func(t *testing.T, s *scene) { t.Helper(); s.forbid(t, "Invalid") }, "not in this namespace"},
		"a policy calls it forbidden": {func(t *testing.T, s *scene) { t.Helper(); s.forbid(t, "Forbidden") }, "not in this namespace"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := removing(t)
			c.forbid(t, s)
			history := s.cp.Record(t, "StatefulSet", s.ns, "files")
			s.delete(t)
			expectGone(t, s.cp, s.ns)
			s.expectRetained(t, c.cause)
			templateChanges(t, history, 0)
			// To give up what an apply would remove is allowed: no value changes.
			if s.givenUp(t.Context()) == nil && name != "the field manager is not dedicated" {
				t.Error("a write that is forbidden was made")
			}
		})
	}
}

// TestDeletionInAStuckRollout waits for the rollout as long as it makes progress.
func TestDeletionInAStuckRollout(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.setUp(t, statefulSet, adapterSet(withNFS, "deletionPolicy: Remove"), nfs...)
	s.cp.HoldUnready(s.ns, hasNewImage)
	s.edit(t, newImage)
	s.caughtUp(t)
	s.delete(t)
	s.expect(t, "Reconciling", "True", "Removing")
	testenv.Eventually(t, "the AdapterSet is gone", func(ctx context.Context) error {
		s.clock.Step(rollout.StuckAfter)
		if set, err := s.get(ctx, "files"); err == nil {
			return fmt.Errorf("it has %q", set.Finalizers)
		}
		return nil
	})
	s.expectRetained(t, "makes no progress")
	expectPorts(t, s.cp, s.ns, nfs...)
}

// TestDeletionWherePortsGo deletes AdapterSets with deletionPolicy Remove where
// nothing forbids that, or there is nothing left to remove.
func TestDeletionWherePortsGo(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(t *testing.T, s *scene){
		"from the network of the node": func(t *testing.T, s *scene) {
			t.Helper()
			mustApply(t, s.git, strings.Replace(adapterSet(withNFS, "deletionPolicy: Remove"), "rollout: {", "hostNetwork: Allow\n  rollout: {", 1))
			s.edit(t, `[{"op": "add", "path": "/spec/template/spec/hostNetwork", "value": true}]`)
		},
		"from a container that is not named any more": func(t *testing.T, s *scene) {
			t.Helper()
			mustApply(t, s.git, strings.Replace(adapterSet(withNFS, "deletionPolicy: Remove"), "adapters:", "container: sidecar\n  adapters:", 1))
			s.expect(t, "Ready", "False", "ContainerNotFound")
		},
		"with the workload": func(t *testing.T, s *scene) {
			t.Helper()
			if err := s.git.Delete(t.Context(), "StatefulSet", s.ns, "files"); err != nil {
				t.Fatal(err)
			}
			s.expect(t, "Ready", "False", "TargetNotFound")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := removing(t)
			prepare(t, s)
			s.delete(t)
			expectGone(t, s.cp, s.ns)
			if live, err := s.git.Get(t.Context(), "StatefulSet", s.ns, "files"); err == nil {
				if got := testenv.Ports(live, "server"); !slices.Equal(got, static) {
					t.Errorf("the ports are %q", got)
				}
			}
			events, err := s.events(t.Context())
			if err != nil || slices.ContainsFunc(events, func(line string) bool { return strings.Contains(line, "PortsRetained") }) {
				t.Errorf("the events are %q, %v", events, err)
			}
		})
	}
}

// TestDeletionWhileTheServerFails keeps the AdapterSet until its ports are removed.
func TestDeletionWhileTheServerFails(t *testing.T) {
	t.Parallel()
	for name, code := range map[string]int{
		"internal error": http.StatusInternalServerError, "conflict": http.StatusConflict, "unavailable": http.StatusServiceUnavailable, "no answer": 0,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cp := testenv.WithControllers(t)
			s := &scene{cp: cp, ns: cp.Namespace(t), clock: newClock(time.Now().Truncate(time.Second))}
			s.git = cp.Manager("git").In(s.ns)
			outage := outage{code: code, of: func(r *http.Request) bool {
				return r.Method == http.MethodPatch && strings.HasSuffix(r.URL.Path, "/statefulsets/files")
			}}
			s.service = startAs(t, cp, outage.wrap(cp.Config()), s.ns, func(o *Options) { o.Clock = s.clock })
			s.setUp(t, strategy(1, "{type: OnDelete}"), adapterSet(withNFS, "deletionPolicy: Remove"), nfs...)
			s.expectFinalizer(t, true)
			outage.on.Store(true)
			tried := func() int {
				return s.sent.CountOf(testenv.VerbApply, "statefulsets") + s.sent.CountOf(testenv.VerbPatch, "statefulsets")
			}
			before := tried()
			s.delete(t)
			testenv.Eventually(t, "it is tried more often than a refusal would be", func(context.Context) error {
				if n := tried() - before; n <= finalRefusals {
					return fmt.Errorf("%d times", n)
				}
				return nil
			})
			s.expect(t, "Reconciling", "True", "Removing")
			s.expectFinalizer(t, true)
			outage.on.Store(false)
			expectGone(t, cp, s.ns)
			expectPorts(t, cp, s.ns, static...)
			if events, err := s.events(t.Context()); err != nil || strings.Contains(strings.Join(events, "\n"), "PortsRetained") {
				t.Error(errors.Join(err, fmt.Errorf("the events are %q", events)))
			}
		})
	}
}
