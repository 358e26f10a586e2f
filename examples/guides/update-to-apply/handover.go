package guide

import (
	"context"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/portside-dev/portside/fieldmanager"
)

// FromUpdate transfers env vars from the entry that former releases made by Update to the
// manager that applies them now.
var FromUpdate = fieldmanager.Transfer{
	List: Env.At, Leaves: []string{"name", "value"}, GivesList: true,
	From: []fieldmanager.Manager{fieldmanager.Updater("peers-operator")},
	To:   &fieldmanager.Recipient{Manager: fieldmanager.Applier(Env.Manager), APIVersion: "apps/v1"},
}

// HandOver transfers the items, and removes the former owners' claims on the paths in
// giveBack, which other managers declare. No value changes. Where there is nothing to do
// it sends no write, so that every reconcile can begin with it.
func HandOver(ctx context.Context, c client.Client, live client.Object, t fieldmanager.Transfer, items []fieldmanager.Key, giveBack ...fieldmanager.Path) error {
	return retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		if err := c.Get(ctx, client.ObjectKeyFromObject(live), live); err != nil {
			return err
		}
		managed, _, err := t.Apply(live.GetManagedFields(), items...)
		for _, former := range t.From {
			if err == nil {
				managed, err = fieldmanager.WithoutBelow(managed, former, giveBack...)
			}
		}
		if err != nil || equality.Semantic.DeepEqual(managed, live.GetManagedFields()) {
			return err
		}
		patch, err := fieldmanager.Patch(live.GetResourceVersion(), managed)
		if err != nil {
			return err
		}
		return c.Patch(ctx, live, client.RawPatch(types.JSONPatchType, patch))
	})
}
