package histories

import (
	"context"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/portside-dev/portside/testenv"
)

// A manager that creates a list of ports by an Update owns the list itself, and still owns
// it when an apply removes the last port (fact 18). That takes several steps, which random
// ones rarely have in this order.

// EmptyList leaves an empty list to the former operator, which created it, by an apply of a
// contributor that gives its last port up.
type EmptyList struct{}

func (EmptyList) String() string { return "the former operator owns an empty list" }

// Run writes until the server refuses something.
func (EmptyList) Run(ctx context.Context, w *World) error {
	for _, step := range []Step{CreateList{}, Share{"[" + w.Kind.fixed("backup", Numbers[1]) + "]"}, Remove{testenv.DittoFSOperator, 0}, Share{"[]"}} {
		if err := step.Run(ctx, w); err != nil {
			return err
		}
	}
	return nil
}

// CreateList has the former operator create the list, with one port. Nothing else is in it.
type CreateList struct{}

func (CreateList) String() string { return "the former operator creates the list" }

// Run writes until the server refuses something.
func (CreateList) Run(ctx context.Context, w *World) error {
	if err := (Declare{"[]"}).Run(ctx, w); err != nil {
		return err
	}
	for _, ports := range []string{"[]", "[" + w.Kind.fixed("api", Numbers[0]) + "]"} {
		var list []any
		if err := yaml.Unmarshal([]byte(ports), &list); err != nil {
			return err
		}
		if err := w.update(ctx, testenv.DittoFSOperator, func(o *unstructured.Unstructured) { w.Kind.setPorts(o, list) }); err != nil {
			return err
		}
	}
	return nil
}

// LeaveList has the former operator create the list and remove its own port from it once
// portside has added the desired ones.
type LeaveList struct{}

func (LeaveList) String() string {
	return "the former operator creates the list and leaves it to portside"
}

func (LeaveList) run(ctx context.Context, p *Player) (string, error) {
	answer, violation := Write{CreateList{}}.run(ctx, p)
	if violation != nil {
		return answer, violation
	}
	reconciled, violation := Reconcile{}.run(ctx, p)
	if violation != nil {
		return reconciled, violation
	}
	removed, violation := Write{Remove{testenv.DittoFSOperator, 0}}.run(ctx, p)
	return answer + "\n" + reconciled + "\n" + removed, violation
}
