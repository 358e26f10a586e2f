package testenv

import (
	"context"
	"fmt"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Scenario is a story of several managers and one workload, as data: steps that
// write, and steps that say what is then true of the live object.
type Scenario struct {
	Kind      string // of the workload; StatefulSet when empty
	Name      string // of the workload
	Container string // whose ports are looked at
	Steps     []Step
}

// Step is one step of a Scenario: Apply, Update, Patch, Delete, Do or Expect.
type Step interface {
	fmt.Stringer
	run(ctx context.Context, s *stage) error
}

// stage is where a scenario plays.
type stage struct {
	Scenario
	cp           *ControlPlane
	namespace    string
	before, live *unstructured.Unstructured // around the last step that wrote; nil when the object is not there
}

// Run plays the scenario in a namespace of its own, and fails the test at the
// first step that goes otherwise than it says, naming the step.
//
// Where controllers run they write status, so a resourceVersion moves by itself
// until the rollout is complete: a Change or a Refused there needs a step that
// waits for it first.
func (sc Scenario) Run(t testing.TB, cp *ControlPlane) {
	t.Helper()
	sc.RunIn(t, cp, cp.Namespace(t))
}

// RunIn plays the scenario in a namespace.
func (sc Scenario) RunIn(t testing.TB, cp *ControlPlane, namespace string) {
	t.Helper()
	if sc.Kind == "" {
		sc.Kind = "StatefulSet"
	}
	s := &stage{Scenario: sc, cp: cp, namespace: namespace}
	if err := s.look(t.Context()); err != nil {
		t.Fatalf("before the first step: %v", err)
	}
	for i, step := range sc.Steps {
		if err := step.run(t.Context(), s); err != nil {
			t.Fatalf("step %d, %s: %v\n%s", i+1, step, err, s.describe())
		}
	}
}

// write runs what a step does, checks how the server answered, and looks at the
// object again. A refused request must have changed nothing.
func (s *stage) write(ctx context.Context, refused *Refusal, do func() error) error {
	s.before = s.live
	answer := do()
	if err := s.look(ctx); err != nil {
		return err
	}
	if err := refused.check(answer); err != nil {
		return err
	}
	if refused != nil {
		if err := NothingChanged.check(s.before, s.live); err != nil {
			return fmt.Errorf("refused, and yet: %w", err)
		}
	}
	return nil
}

func (s *stage) look(ctx context.Context) error {
	live, err := s.cp.Manager("testenv").Get(ctx, s.Kind, s.namespace, s.Name)
	if err != nil && !apierrors.IsNotFound(err) {
		return err
	}
	if err != nil {
		live = nil
	}
	s.live = live
	return nil
}

func (s *stage) manager(name string) *Manager { return s.cp.Manager(name).In(s.namespace) }

// describe shows the object as it is, for the message of a step that failed.
func (s *stage) describe() string {
	if s.live == nil {
		return fmt.Sprintf("%s %s is not there", s.Kind, s.Name)
	}
	var text strings.Builder
	fmt.Fprintf(&text, "live: generation %d, resourceVersion %s, containers %v, ports of %s %q",
		s.live.GetGeneration(), s.live.GetResourceVersion(), Containers(s.live), s.Container, Ports(s.live, s.Container))
	for _, entry := range s.live.GetManagedFields() {
		fmt.Fprintf(&text, "\n  %s %s", Owner(entry.Manager, entry.Operation), entry.FieldsV1)
	}
	return text.String()
}
