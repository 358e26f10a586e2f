// Package sources lists the kinds of source that portside has. A new one is a file or a
// package of discovery, and a line of [All].
package sources

import (
	"context"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/portside-dev/portside/cmd/portside/internal/discovery"
	"github.com/portside-dev/portside/cmd/portside/internal/discovery/httpapi"
)

// Options are what sources use to find out which adapters are active.
type Options struct {
	// Cache has the workloads and their pods.
	Cache discovery.Cache
	// API reads from the API server what is not cached.
	API client.Reader
	// Now is the clock; time.Now if it is nil.
	Now func() time.Time
	// AllowLoopback is as in [httpapi.Options].
	AllowLoopback bool
}

// All returns the kinds of source, in the order in which they are tried. With the zero
// Options they return which source an AdapterSet names, and it must not be asked.
func All(o Options) discovery.Sources {
	api := apiReader{o.API}
	http := httpapi.New(httpapi.Options{
		Pods: discovery.NewPods(o.Cache, api.controllerOf), Secret: api.secret, Now: o.Now, AllowLoopback: o.AllowLoopback,
	})
	return discovery.Sources{discovery.Declared, http.Source}
}

// apiReader reads from the API server what is not cached.
type apiReader struct{ client.Reader }

func (r apiReader) secret(ctx context.Context, name types.NamespacedName) (*corev1.Secret, error) {
	secret := &corev1.Secret{}
	return secret, r.Get(ctx, name, secret)
}

// controllerOf returns the UID and the controller of a ReplicaSet.
func (r apiReader) controllerOf(ctx context.Context, name types.NamespacedName) (types.UID, *metav1.OwnerReference, error) {
	set := &appsv1.ReplicaSet{}
	if err := r.Get(ctx, name, set); err != nil {
		return "", nil, err
	}
	return set.UID, metav1.GetControllerOfNoCopy(set), nil
}
