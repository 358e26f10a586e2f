package argocd_test

import (
	"context"
	"time"

	"github.com/argoproj/argo-cd/gitops-engine/pkg/utils/kube"
	statecache "github.com/argoproj/argo-cd/v3/controller/cache"
	"github.com/argoproj/argo-cd/v3/pkg/apis/application/v1alpha1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/portside-dev/portside/testenv"
)

// freshCache is Argo CD's cache of what is live, once its watch has come up to
// now. In a cluster Argo CD compares again with each event; here it is asked
// once, and the answer that counts is the last one.
type freshCache struct {
	statecache.LiveStateCache
	reader *testenv.Manager
}

// GetManagedLiveObjs is Argo CD's, asked until it is what the server has.
func (c *freshCache) GetManagedLiveObjs(cluster *v1alpha1.Cluster, app *v1alpha1.Application, targets []*unstructured.Unstructured) (map[kube.ResourceKey]*unstructured.Unstructured, error) {
	var live map[kube.ResourceKey]*unstructured.Unstructured
	err := wait.PollUntilContextTimeout(context.Background(), 10*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		var err error
		if live, err = c.LiveStateCache.GetManagedLiveObjs(cluster, app, targets); err != nil {
			return false, err
		}
		for _, target := range targets {
			version, err := c.version(ctx, target)
			if err != nil {
				return false, err
			}
			cached := live[kube.GetResourceKey(target)]
			if (cached == nil) != (version == "") || cached != nil && cached.GetResourceVersion() != version {
				return false, nil
			}
		}
		return true, nil
	})
	return live, err
}

// version is the resourceVersion of an object, and empty when it is not there.
func (c *freshCache) version(ctx context.Context, object *unstructured.Unstructured) (string, error) {
	live, err := c.reader.Get(ctx, object.GetKind(), object.GetNamespace(), object.GetName())
	if apierrors.IsNotFound(err) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return live.GetResourceVersion(), nil
}
