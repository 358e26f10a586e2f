package apply_test

import (
	"context"
	"fmt"
	"strings"

	appsclient "k8s.io/client-go/kubernetes/typed/apps/v1"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/testenv"
)

// anyPass is a pass on the way to what a test is about.
func anyPass(adapters ...apply.Adapter) func(context.Context, *testenv.ControlPlane, string) error {
	return func(ctx context.Context, cp *testenv.ControlPlane, namespace string) error {
		client, err := appsclient.NewForConfig(cp.Config())
		if err != nil {
			return err
		}
		applier, err := apply.NewApplier(client)
		if err != nil {
			return err
		}
		_, err = applier.Pass(ctx, apply.Target{Kind: apply.StatefulSet, Namespace: namespace, Name: dittofs}, apply.Wanted{Adapters: adapters})
		return err
	}
}

// orphan adds ports that nobody owns: a manager's that is then taken out of
// managedFields.
func orphan(ports string) testenv.Do {
	return testenv.Do{What: "ports without an owner", Func: func(ctx context.Context, cp *testenv.ControlPlane, namespace string) error {
		gone := cp.Manager("gone").In(namespace)
		live, err := gone.Apply(ctx, shares(ports))
		if err != nil {
			return err
		}
		for i, entry := range live.GetManagedFields() {
			if entry.Manager == "gone" {
				patch := fmt.Sprintf(`[{"op":"remove","path":"/metadata/managedFields/%d"}]`, i)
				_, err = gone.Patch(ctx, "StatefulSet", namespace, dittofs, "application/json-patch+json", []byte(patch))
				return err
			}
		}
		return fmt.Errorf("no entry to take out in %s", strings.TrimSpace(ports))
	}}
}
