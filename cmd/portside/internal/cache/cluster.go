package cache

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	ctrlcache "sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/adapterset"
)

// targetIndex finds AdapterSets by their target.
const targetIndex = "spec.targetRef"

// Cluster reads objects of the cluster from a manager's cache. They must not be
// changed. It is safe for concurrent use.
type Cluster struct {
	cache        ctrlcache.Cache
	fieldManager string
	informers    []ctrlcache.Informer // of all but pods
}

// NewCluster has AdapterSets and workloads cached once the manager starts. Its cache
// must have the options of [Options.ForManager].
func NewCluster(ctx context.Context, cache ctrlcache.Cache, o Options) (*Cluster, error) {
	c := &Cluster{cache: cache, fieldManager: cmp.Or(o.FieldManager, apply.DefaultFieldManager)}
	index := func(object client.Object) []string {
		set, ok := object.(*v1alpha1.AdapterSet)
		if !ok {
			return nil
		}
		return []string{indexKey(adapterset.Target(set))}
	}
	if err := cache.IndexField(ctx, &v1alpha1.AdapterSet{}, targetIndex, index); err != nil {
		return nil, err
	}
	objects := []client.Object{&v1alpha1.AdapterSet{}}
	for _, d := range workload.Definitions() {
		objects = append(objects, d.New())
	}
	for _, object := range objects {
		informer, err := cache.GetInformer(ctx, object, ctrlcache.BlockUntilSynced(false))
		if err != nil {
			return nil, err
		}
		c.informers = append(c.informers, informer)
	}
	return c, nil
}

// Synced reports whether all but pods was listed once.
func (c *Cluster) Synced() bool {
	return !slices.ContainsFunc(c.informers, func(i ctrlcache.Informer) bool { return !i.HasSynced() })
}

// indexKey is the kind with its group, and the name.
func indexKey(t workload.Target) string { return schema.GroupKind(t.Kind).String() + "/" + t.Name }

// AdapterSets returns those that name a target, the oldest first.
func (c *Cluster) AdapterSets(ctx context.Context, t workload.Target) ([]*v1alpha1.AdapterSet, error) {
	var list v1alpha1.AdapterSetList
	if err := c.cache.List(ctx, &list, client.InNamespace(t.Namespace), client.MatchingFields{targetIndex: indexKey(t)}); err != nil {
		return nil, fmt.Errorf("cannot list the AdapterSets of %s: %w", t, err)
	}
	sets := pointers(list.Items)
	slices.SortFunc(sets, func(a, b *v1alpha1.AdapterSet) int {
		return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time), cmp.Compare(a.Name, b.Name))
	})
	return sets, nil
}

// AllAdapterSets returns every AdapterSet, in no order.
func (c *Cluster) AllAdapterSets(ctx context.Context) ([]*v1alpha1.AdapterSet, error) {
	var list v1alpha1.AdapterSetList
	if err := c.cache.List(ctx, &list); err != nil {
		return nil, fmt.Errorf("cannot list the AdapterSets: %w", err)
	}
	return pointers(list.Items), nil
}

func pointers[T any](items []T) []*T {
	all := make([]*T, len(items))
	for i := range items {
		all[i] = &items[i]
	}
	return all
}

// Workload returns a target, or nil if it does not exist. It was trimmed for the
// field manager. It implements [discovery.Cache].
func (c *Cluster) Workload(ctx context.Context, t workload.Target) (*workload.Workload, error) {
	d, err := workload.Define(t.Kind)
	if err != nil {
		return nil, err
	}
	object := d.New()
	err = c.cache.Get(ctx, types.NamespacedName{Namespace: t.Namespace, Name: t.Name}, object)
	if err != nil {
		if apierrors.IsNotFound(err) {
			return nil, nil
		}
		return nil, fmt.Errorf("cannot read %s from the cache: %w", t, err)
	}
	return workload.ReadTrimmed(object, c.fieldManager)
}

// Pods implements [discovery.Cache]. The first call has pods cached, and waits for
// them.
func (c *Cluster) Pods(ctx context.Context, namespace string, selector labels.Selector) ([]*corev1.Pod, error) {
	var list corev1.PodList
	err := c.cache.List(ctx, &list, client.InNamespace(namespace), client.MatchingLabelsSelector{Selector: selector})
	return pointers(list.Items), err
}
