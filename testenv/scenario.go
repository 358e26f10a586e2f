package testenv

import (
	"context"
	"fmt"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Scenario is a test of several managers and one workload or Service as data: steps
// that write, and steps that check the live object.
type Scenario struct {
	Kind      string // of the object; StatefulSet when empty
	Name      string // of the object
	Container string // whose ports are checked; not used for a Service
	Steps     []Step
}

// Step is a step of a Scenario: Apply, Update, Patch, Delete, Disown, Steps, Do or
// Expect.
type Step interface {
	fmt.Stringer
	run(ctx context.Context, s *scenarioState) error
}

// scenarioState is the state of a scenario that runs.
type scenarioState struct {
	Scenario
	cp           *ControlPlane
	namespace    string
	before, live *unstructured.Unstructured // the last step that wrote; nil without an object
}

// Run runs the scenario in a namespace of its own. The test fails at the first step
// with another result than expected, naming the step.
//
// With controllers, status changes resourceVersion until the rollout is complete: a
// Change or a Refused there needs a step before it that waits for the rollout. On an
// existing cluster every step waits for it, so the workload should have no replicas.
func (sc Scenario) Run(t testing.TB, cp *ControlPlane) {
	t.Helper()
	sc.RunIn(t, cp, cp.Namespace(t))
}

// RunIn runs the scenario in a namespace.
func (sc Scenario) RunIn(t testing.TB, cp *ControlPlane, namespace string) {
	t.Helper()
	if sc.Kind == "" {
		sc.Kind = "StatefulSet"
	}
	s := &scenarioState{Scenario: sc, cp: cp, namespace: namespace}
	if err := s.read(t.Context()); err != nil {
		t.Fatalf("before the first step: %v", err)
	}
	for i, step := range sc.Steps {
		if err := step.run(t.Context(), s); err != nil {
			t.Fatalf("step %d, %s: %v\n%s", i+1, step, err, s.describe())
		}
	}
}

// write runs a step that writes, checks the server's answer, and reads the object
// again. A refused request must not have changed anything.
func (s *scenarioState) write(ctx context.Context, refused *Refusal, do func() error) error {
	s.before = s.live
	answer := do()
	if err := s.read(ctx); err != nil {
		return err
	}
	if err := refused.check(answer); err != nil {
		return err
	}
	if refused != nil {
		if err := NothingChanged.check(s.before, s.live); err != nil {
			return fmt.Errorf("the refused request changed the object: %w", err)
		}
	}
	return nil
}

func (s *scenarioState) read(ctx context.Context) error {
	live, err := s.cp.Manager("testenv").Get(ctx, s.Kind, s.namespace, s.Name)
	if err == nil && s.cp.Existing() && s.Kind != "Service" {
		// Its controllers write status, which must not count as the next step's change.
		live, err = s.cp.RolledOut(ctx, s.Kind, s.namespace, s.Name)
	}
	if err != nil && !apierrors.IsNotFound(err) {
		return err
	}
	if err != nil {
		live = nil
	}
	s.live = live
	return nil
}

func (s *scenarioState) manager(name string) *Manager { return s.cp.Manager(name).In(s.namespace) }

// describe returns the live object as text, for the message of a failed step.
func (s *scenarioState) describe() string {
	if s.live == nil {
		return fmt.Sprintf("%s %s does not exist", s.Kind, s.Name)
	}
	var text strings.Builder
	fmt.Fprintf(&text, "live: generation %d, resourceVersion %s, containers %v, ports of %s %q",
		s.live.GetGeneration(), s.live.GetResourceVersion(), Containers(s.live), s.Container, Ports(s.live, s.Container))
	for _, entry := range s.live.GetManagedFields() {
		fmt.Fprintf(&text, "\n  %s %s", Owner(entry.Manager, entry.Operation), entry.FieldsV1)
	}
	return text.String()
}
