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

// freshCache is Argo CD's cache of live objects once its watch is up to date. In a
// cluster Argo CD compares again at each event; here it compares once.
type freshCache struct {
	statecache.LiveStateCache
	reader *testenv.Manager
}

// GetManagedLiveObjs calls Argo CD's until it returns what the server has.
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

// version returns the resourceVersion of an object, or "" if it does not exist.
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
