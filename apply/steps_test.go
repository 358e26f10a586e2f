package apply_test

import (
	"context"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/testenv"
)

// anyReconcile is a reconcile whose result does not matter.
func anyReconcile(adapters ...apply.Adapter) func(context.Context, *testenv.ControlPlane, string) error {
	return func(ctx context.Context, cp *testenv.ControlPlane, namespace string) error {
		applier, err := applierFor(cp.Config())
		if err != nil {
			return err
		}
		_, err = applier.Apply(ctx, workload.Target{Kind: workload.StatefulSet, Namespace: namespace, Name: dittofs}, apply.Desired{Adapters: adapters})
		return err
	}
}

// orphan adds ports without an owner: those of a manager that then loses its entry.
func orphan(ports string) testenv.Step {
	return testenv.Steps{by("gone", shares(ports)), testenv.Disown{Manager: "gone"}}
}
