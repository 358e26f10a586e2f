package testenv

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
)

// Refusal is an expected refusal of a request by the server.
type Refusal struct {
	Code   int32 // HTTP status, such as 409 or 422
	Reason metav1.StatusReason
	Text   []string // parts of the message
}

// Conflict returns the refusal of an apply that would take a field from its owner.
func Conflict(text ...string) *Refusal {
	return &Refusal{Code: 409, Reason: metav1.StatusReasonConflict, Text: text}
}

// Invalid returns the refusal of an object that the server's validation rejects.
func Invalid(text ...string) *Refusal {
	return &Refusal{Code: 422, Reason: metav1.StatusReasonInvalid, Text: text}
}

// check compares the error of a request with the expected refusal, none if r is
// nil.
func (r *Refusal) check(err error) error {
	if r == nil || err == nil {
		if r != nil {
			return fmt.Errorf("accepted, want %d %s", r.Code, r.Reason)
		}
		return err
	}
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return fmt.Errorf("not an answer of the API server: %w", err)
	}
	if got := status.Status(); got.Code != r.Code || got.Reason != r.Reason {
		return fmt.Errorf("refused with %d %s (%w), want %d %s", got.Code, got.Reason, err, r.Code, r.Reason)
	}
	for _, text := range r.Text {
		if !strings.Contains(err.Error(), text) {
			return fmt.Errorf("refused with %w, want %q in it", err, text)
		}
	}
	return nil
}

// Apply is a step that sends a server-side apply.
type Apply struct {
	Manager string
	Object  any // as Manager.Apply takes it
	Force   bool
	Refused *Refusal // nil: must succeed
}

func (a Apply) String() string {
	if a.Force {
		return a.Manager + " applies with force"
	}
	return a.Manager + " applies"
}

func (a Apply) run(ctx context.Context, s *scenarioState) error {
	return s.write(ctx, a.Refused, func() error {
		_, err := s.manager(a.Manager).apply(ctx, a.Object, a.Force)
		return err
	})
}

// Update is a step that reads, modifies and writes the workload.
type Update struct {
	Manager string
	Mutate  func(*unstructured.Unstructured)
	Refused *Refusal // nil: must succeed
}

func (u Update) String() string { return u.Manager + " updates" }

func (u Update) run(ctx context.Context, s *scenarioState) error {
	return s.write(ctx, u.Refused, func() error {
		_, err := s.manager(u.Manager).Update(ctx, s.Kind, s.namespace, s.Name, u.Mutate)
		return err
	})
}

// Patch is a step that patches the workload.
type Patch struct {
	Manager string
	Type    types.PatchType
	Data    string
	Refused *Refusal // nil: must succeed
}

func (p Patch) String() string { return p.Manager + " patches" }

func (p Patch) run(ctx context.Context, s *scenarioState) error {
	return s.write(ctx, p.Refused, func() error {
		_, err := s.manager(p.Manager).Patch(ctx, s.Kind, s.namespace, s.Name, p.Type, []byte(p.Data))
		return err
	})
}

// Delete is a step that deletes the workload.
type Delete struct{ Manager string }

func (d Delete) String() string { return d.Manager + " deletes" }

func (d Delete) run(ctx context.Context, s *scenarioState) error {
	return s.write(ctx, nil, func() error {
		return s.manager(d.Manager).Delete(ctx, s.Kind, s.namespace, s.Name)
	})
}

// Disown is a step that removes a manager's entry from managedFields, as the server
// does with an entry whose apiVersion it no longer converts: what only the manager
// owned has no owner then.
type Disown struct{ Manager string }

func (d Disown) String() string { return d.Manager + "'s entry is removed" }

func (d Disown) run(ctx context.Context, s *scenarioState) error {
	return s.write(ctx, nil, func() error {
		for i, entry := range slices.Backward(s.live.GetManagedFields()) {
			if entry.Manager != d.Manager {
				continue
			}
			_, err := s.manager("disown").Patch(ctx, s.Kind, s.namespace, s.Name, types.JSONPatchType,
				fmt.Appendf(nil, `[{"op":"remove","path":"/metadata/managedFields/%d"}]`, i))
			return err
		}
		return fmt.Errorf("%s has no entry", d.Manager)
	})
}

// Steps are several steps as one.
type Steps []Step

func (many Steps) String() string {
	names := make([]string, 0, len(many))
	for _, step := range many {
		names = append(names, step.String())
	}
	return strings.Join(names, ", then ")
}

func (many Steps) run(ctx context.Context, s *scenarioState) error {
	for _, step := range many {
		if err := step.run(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", step, err)
		}
	}
	return nil
}

// Do is a step that runs code, such as a reconciliation by portside or a command.
type Do struct {
	What    string
	Func    func(ctx context.Context, cp *ControlPlane, namespace string) error
	Refused *Refusal // nil: must succeed
}

func (d Do) String() string { return d.What }

func (d Do) run(ctx context.Context, s *scenarioState) error {
	return s.write(ctx, d.Refused, func() error { return d.Func(ctx, s.cp, s.namespace) })
}
