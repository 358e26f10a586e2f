// Package guide is the code of the guide "From Update to Apply without a stuck field".
package guide

import (
	"context"
	"slices"

	"k8s.io/apimachinery/pkg/runtime"
	applyappsv1 "k8s.io/client-go/applyconfigurations/apps/v1"
	applycorev1 "k8s.io/client-go/applyconfigurations/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/portside-dev/portside/fieldmanager"
)

// KeyedList is a list that an operator shares with other managers.
type KeyedList[Item any] struct {
	Manager string            // applies this list and nothing else to the object
	At      fieldmanager.List // where the list is
	Key     func(Item) fieldmanager.Key
	Body    func(client.Object, []Item) runtime.ApplyConfiguration // the items and nothing else
}

// Apply makes these items the only ones that the manager owns. It leaves out those that
// another manager owns, and returns their keys.
func (l KeyedList[Item]) Apply(ctx context.Context, c client.Client, live client.Object, items ...Item) (taken []fieldmanager.Key, err error) {
	entries, err := fieldmanager.Decode(live.GetManagedFields())
	if err != nil {
		return nil, err
	}
	owners, ours := entries.In(l.At), []Item{}
	other := func(m fieldmanager.Manager) bool { return m != fieldmanager.Applier(l.Manager) }
	for _, item := range items {
		if of, err := owners.Of(l.Key(item)); err != nil {
			return nil, err
		} else if slices.ContainsFunc(of.Item, other) {
			taken = append(taken, l.Key(item))
		} else {
			ours = append(ours, item)
		}
	}
	return taken, c.Apply(ctx, l.Body(live, ours), client.FieldOwner(l.Manager))
}

// Env is the list of env vars of the container web of a Deployment.
var Env = KeyedList[*applycorev1.EnvVarApplyConfiguration]{
	Manager: "peers-operator",
	At:      fieldmanager.ListAt("spec", "template", "spec", "containers", fieldmanager.KeyOf("name", "web"), "env"),
	Key: func(v *applycorev1.EnvVarApplyConfiguration) fieldmanager.Key {
		return fieldmanager.KeyOf("name", *v.Name)
	},
	Body: func(live client.Object, vars []*applycorev1.EnvVarApplyConfiguration) runtime.ApplyConfiguration {
		d := applyappsv1.Deployment(live.GetName(), live.GetNamespace()).WithUID(live.GetUID()) // never creates one
		if len(vars) > 0 {                                                                      // else the claim on the container goes, too
			web := applycorev1.Container().WithName("web").WithEnv(vars...)
			d.WithSpec(applyappsv1.DeploymentSpec().WithTemplate(applycorev1.PodTemplateSpec().WithSpec(applycorev1.PodSpec().WithContainers(web))))
		}
		return d
	},
}
