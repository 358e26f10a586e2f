package main

import (
	"context"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/testenv"
)

// newCreateOrPatch keeps the ports as an operator on controller-runtime does: with
// controllerutil.CreateOrPatch, which gets the workload, has a function set its adapter
// ports, and sends the difference as a JSON merge patch if there is one.
//
// A merge patch replaces a list as a whole, so it sends all containers. It has no
// resourceVersion, so it never conflicts: what another manager changes in a container
// between the read and the patch is lost.
//
// The client reads from the server, as portside's library does. With the cache of a
// manager CreateOrPatch sends no GET.
func newCreateOrPatch(config *rest.Config, name string) (reconcile, error) {
	c, err := client.New(config, client.Options{})
	if err != nil {
		return nil, err
	}
	c = client.WithFieldOwner(c, testenv.DittoFSOperator)
	return func(ctx context.Context, adapters []apply.Adapter) (bool, error) {
		s := &appsv1.StatefulSet{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
		result, err := controllerutil.CreateOrPatch(ctx, c, s, func() error {
			_, err := setAdapterPorts(s, adapters)
			return err
		})
		return result != controllerutil.OperationResultNone, err
	}, nil
}
