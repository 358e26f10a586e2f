package controller

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/portside-dev/portside/cmd/portside/internal/rollout"
	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/fixture"
)

// expectRetained waits for the warnings that the ports stay, with their cause.
func (s *scene) expectRetained(t *testing.T, cause string) {
	t.Helper()
	s.expectBothEvents(t, "PortsRetained", cause)
}

// removing returns a scene with a port in place, whose AdapterSet removes it when
// it is deleted.
func removing(t *testing.T) *scene {
	t.Helper()
	s := newScene(t)
	s.setUp(t, statefulSet(onDelete), adapterSet(withNFS, removes), nfs...)
	s.expectFinalizer(t, true)
	return s
}

// policy denies portside every write to the StatefulSets of the namespace of its own
// name, with a reason of the API server.
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

// forbid keeps the policy in force until the test ends.
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
	testenv.Eventually(t, "the policy to be in force", func(ctx context.Context) error {
		_, err := s.cp.Manager(testenv.Portside).Patch(ctx, "StatefulSet", s.ns, "files", types.MergePatchType, []byte(`{"metadata":{"labels":{"a":"b"}}}`))
		if err == nil || !strings.Contains(err.Error(), "not in this namespace") {
			return fmt.Errorf("a write of portside: %w", err)
		}
		return nil
	})
}

// TestDeletionRetainsPorts deletes AdapterSets with deletionPolicy Remove whose
// ports may not be removed.
func TestDeletionRetainsPorts(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		forbid func(t *testing.T, s *scene)
		cause  string
	}{
		"suspended": {func(t *testing.T, s *scene) {
			t.Helper()
			s.git.MustApply(t, adapterSet(withNFS, removes, suspended))
			s.expect(t, "Reconciling", "False", "Suspended")
		}, "spec.suspend is true"},
		"the field manager is not dedicated": {func(t *testing.T, s *scene) {
			t.Helper()
			s.applyAsPortside(t, "files", fixture.Metadata("annotations: {team: storage}"))
			s.expect(t, "Ready", "False", "FieldManagerNotDedicated")
		}, "already owns another field, .metadata.annotations.team"},
		"a policy calls it invalid":   {func(t *testing.T, s *scene) { t.Helper(); s.forbid(t, "Invalid") }, "not in this namespace"},
		"a policy calls it forbidden": {func(t *testing.T, s *scene) { t.Helper(); s.forbid(t, "Forbidden") }, "not in this namespace"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := removing(t)
			c.forbid(t, s)
			history := s.record(t)
			s.delete(t)
			s.expectGone(t)
			s.expectRetained(t, c.cause)
			expectTemplateChanges(t, history, 0)
			// Releasing ports changes no value, so a manager that is not dedicated may do it.
			if s.released(t.Context()) == nil && name != "the field manager is not dedicated" {
				t.Error("a forbidden write was made")
			}
		})
	}
}

// TestDeletionDuringStuckRollout waits for the rollout as long as it makes progress.
func TestDeletionDuringStuckRollout(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.setUp(t, statefulSet(), adapterSet(withNFS, removes), nfs...)
	s.cp.HoldUnready(s.ns, hasNewImage)
	s.edit(t, newImage)
	s.catchUp(t)
	s.delete(t)
	s.expect(t, "Reconciling", "True", "Removing")
	testenv.Eventually(t, "the AdapterSet to be deleted", func(ctx context.Context) error {
		s.clock.Step(rollout.StuckAfter)
		if set, err := s.get(ctx, "files"); err == nil {
			return fmt.Errorf("it has %q", set.Finalizers)
		}
		return nil
	})
	s.expectRetained(t, "makes no progress")
	s.expectPorts(t, nfs...)
}

// TestDeletionRemovesPorts deletes AdapterSets with deletionPolicy Remove where
// nothing forbids that, or there is nothing left to remove.
func TestDeletionRemovesPorts(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(t *testing.T, s *scene){
		"from the network of the node": func(t *testing.T, s *scene) {
			t.Helper()
			s.git.MustApply(t, adapterSet(withNFS, removes, fixture.Spec("hostNetwork: Allow")))
			s.edit(t, `[{"op": "add", "path": "/spec/template/spec/hostNetwork", "value": true}]`)
		},
		"from a container that is no longer named": func(t *testing.T, s *scene) {
			t.Helper()
			s.git.MustApply(t, adapterSet(withNFS, removes, fixture.Spec("container: sidecar")))
			s.expect(t, "Ready", "False", "ContainerNotFound")
		},
		"with the workload": func(t *testing.T, s *scene) {
			t.Helper()
			s.git.MustDelete(t, "StatefulSet", s.ns, "files")
			s.expect(t, "Ready", "False", "TargetNotFound")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := removing(t)
			prepare(t, s)
			s.delete(t)
			s.expectGone(t)
			if live, err := s.git.Get(t.Context(), "StatefulSet", s.ns, "files"); err == nil {
				if got := testenv.Ports(live, "server"); !slices.Equal(got, static) {
					t.Errorf("the ports are %q", got)
				}
			}
			if events := s.eventsOf(t, "PortsRetained"); len(events) > 0 {
				t.Errorf("the events are %q", events)
			}
		})
	}
}

// TestDeletionDuringOutage keeps the AdapterSet until its ports are removed.
func TestDeletionDuringOutage(t *testing.T) {
	t.Parallel()
	for name, code := range map[string]int{
		"internal error": http.StatusInternalServerError, "conflict": http.StatusConflict, "unavailable": http.StatusServiceUnavailable, "no answer": 0,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := stoppedScene(t)
			outage := outage{code: code, of: func(r *http.Request) bool {
				return r.Method == http.MethodPatch && strings.HasSuffix(r.URL.Path, "/statefulsets/files")
			}}
			s.startAs(t, outage.wrap(s.cp.Config()))
			s.setUp(t, statefulSet(onDelete), adapterSet(withNFS, removes), nfs...)
			s.expectFinalizer(t, true)
			outage.on.Store(true)
			tried := func() int {
				return s.sent.CountOf(testenv.VerbApply, "statefulsets") + s.sent.CountOf(testenv.VerbPatch, "statefulsets")
			}
			before := tried()
			s.delete(t)
			testenv.Eventually(t, "more tries than a refusal gets", func(context.Context) error {
				if n := tried() - before; n <= finalRefusals {
					return fmt.Errorf("%d times", n)
				}
				return nil
			})
			s.expect(t, "Reconciling", "True", "Removing")
			s.expectFinalizer(t, true)
			outage.on.Store(false)
			s.expectGone(t)
			s.expectPorts(t, static...)
			if events := s.eventsOf(t, "PortsRetained"); len(events) > 0 {
				t.Errorf("the events are %q", events)
			}
		})
	}
}
