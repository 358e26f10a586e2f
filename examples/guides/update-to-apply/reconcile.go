package guide

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	applycorev1 "k8s.io/client-go/applyconfigurations/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/portside-dev/portside/fieldmanager"
)

// Reconcile gives the Deployment its variable MEMBERS, and ends what former releases, which
// wrote by Update, have left: the variable PEERS, and a value for MODE.
func Reconcile(ctx context.Context, c client.Client, key client.ObjectKey, members string) error {
	d := &appsv1.Deployment{}
	d.Namespace, d.Name = key.Namespace, key.Name
	ever := []fieldmanager.Key{fieldmanager.KeyOf("name", "PEERS"), fieldmanager.KeyOf("name", "MEMBERS")}
	mode := Env.At.Item(fieldmanager.KeyOf("name", "MODE"))
	if err := HandOver(ctx, c, d, FromUpdate, ever, mode); err != nil {
		return err
	}
	taken, err := Env.Apply(ctx, c, d, applycorev1.EnvVar().WithName("MEMBERS").WithValue(members))
	if err == nil && len(taken) > 0 {
		err = fmt.Errorf("another manager owns %v of Deployment %s", taken, key)
	}
	return err
}
