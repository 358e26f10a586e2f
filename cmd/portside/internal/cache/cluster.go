package cache

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	toolscache "k8s.io/client-go/tools/cache"
	ctrlcache "sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/adapterset"
)

// The indexes of AdapterSets: by their target and their Services, and by the Services that
// only their status has, because their ports are not given up yet.
const (
	targetIndex  = "target"
	leavingIndex = "leaving"
)

// Cluster reads objects of the cluster from a manager's cache. They must not be
// changed. It is safe for concurrent use.
type Cluster struct {
	cache       ctrlcache.Cache
	definitions []*workload.Definition
	sets        toolscache.SharedIndexInformer
	workloads   map[workload.Kind]toolscache.SharedIndexInformer
}

// NewCluster has AdapterSets and their targets cached once the manager starts. Its cache
// must have been made with [Options.ForManager] of the same options.
func NewCluster(ctx context.Context, cache ctrlcache.Cache, o Options) (*Cluster, error) {
	c := &Cluster{cache: cache, definitions: o.definitions(), workloads: map[workload.Kind]toolscache.SharedIndexInformer{}}
	var err error
	if c.sets, err = informerOf(ctx, cache, &v1alpha1.AdapterSet{}); err != nil {
		return nil, err
	}
	for _, d := range c.definitions {
		if c.workloads[d.Kind], err = informerOf(ctx, cache, d.New()); err != nil {
			return nil, err
		}
	}
	return c, c.sets.AddIndexers(toolscache.Indexers{
		targetIndex: indexed(func(set *v1alpha1.AdapterSet) []string {
			keys := []string{indexKey(adapterset.Target(set))}
			for i := range set.Spec.Services {
				keys = append(keys, indexKey(adapterset.ServiceTarget(set, set.Spec.Services[i].Name)))
			}
			return keys
		}),
		leavingIndex: indexed(func(set *v1alpha1.AdapterSet) (keys []string) {
			for _, t := range adapterset.ServiceTargets(set)[len(set.Spec.Services):] {
				keys = append(keys, indexKey(t))
			}
			return keys
		}),
	})
}

// indexed returns an index function for AdapterSets.
func indexed(keys func(*v1alpha1.AdapterSet) []string) toolscache.IndexFunc {
	return func(o any) ([]string, error) {
		set, ok := o.(*v1alpha1.AdapterSet)
		if !ok {
			return nil, fmt.Errorf("%T is not an AdapterSet", o)
		}
		return keys(set), nil
	}
}

// informerOf returns the informer of a kind. Its store is read without the cache's
// own reader, which holds API types alone and indexes all namespaces a second time.
func informerOf(ctx context.Context, cache ctrlcache.Cache, of client.Object) (toolscache.SharedIndexInformer, error) {
	informer, err := cache.GetInformer(ctx, of, ctrlcache.BlockUntilSynced(false))
	if err != nil {
		return nil, err
	}
	indexed, ok := informer.(toolscache.SharedIndexInformer)
	if !ok {
		return nil, fmt.Errorf("the informer of %T is a %T, which has no store", of, informer)
	}
	return indexed, nil
}

// indexKey is the kind with its group, the namespace and the name.
func indexKey(t workload.Target) string {
	return schema.GroupKind(t.Kind).String() + " " + t.Namespace + "/" + t.Name
}

// Synced reports whether all objects but pods were listed once.
func (c *Cluster) Synced() bool {
	for _, informer := range c.workloads {
		if !informer.HasSynced() {
			return false
		}
	}
	return c.sets.HasSynced()
}

// AdapterSets returns those that name a workload or a Service, the oldest first.
func (c *Cluster) AdapterSets(t workload.Target) ([]*v1alpha1.AdapterSet, error) {
	stored, err := c.sets.GetIndexer().ByIndex(targetIndex, indexKey(t))
	if err != nil {
		return nil, fmt.Errorf("cannot list the AdapterSets of %s: %w", t, err)
	}
	sets := adapterSets(stored)
	slices.SortFunc(sets, func(a, b *v1alpha1.AdapterSet) int {
		return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time), cmp.Compare(a.Name, b.Name))
	})
	return sets, nil
}

// LeavingAdapterSets returns those that named a Service when their status was stored, and do
// not name it any more.
func (c *Cluster) LeavingAdapterSets(service workload.Target) []*v1alpha1.AdapterSet {
	stored, _ := c.sets.GetIndexer().ByIndex(leavingIndex, indexKey(service)) // the index exists
	return adapterSets(stored)
}

// AllAdapterSets returns every AdapterSet, in no order.
func (c *Cluster) AllAdapterSets() []*v1alpha1.AdapterSet {
	return adapterSets(c.sets.GetStore().List())
}

func adapterSets(stored []any) []*v1alpha1.AdapterSet {
	sets := make([]*v1alpha1.AdapterSet, 0, len(stored))
	for _, o := range stored {
		if set, ok := o.(*v1alpha1.AdapterSet); ok {
			sets = append(sets, set)
		}
	}
	return sets
}

// CachesServices reports whether Services are cached.
func (c *Cluster) CachesServices() bool { return c.workloads[workload.Service] != nil }

// Workload returns a workload or a Service, or nil if it does not exist. It was trimmed
// for the field manager. It implements [discovery.Cache].
func (c *Cluster) Workload(_ context.Context, t workload.Target) (*workload.Workload, error) {
	informer, cached := c.workloads[t.Kind]
	if !cached {
		return nil, fmt.Errorf("%s: the kind is not cached", t)
	}
	stored, exists, err := informer.GetStore().GetByKey(t.Namespace + "/" + t.Name)
	if err != nil || !exists {
		return nil, err
	}
	o, ok := stored.(*object)
	if !ok {
		return nil, fmt.Errorf("%s: the cache has a %T", t, stored)
	}
	return o.workload, nil
}

// Pods implements [discovery.Cache]. The first call has pods cached, and waits for
// them.
func (c *Cluster) Pods(ctx context.Context, namespace string, selector labels.Selector) ([]*corev1.Pod, error) {
	// It waits for the list of pods, if ctx does not end before.
	informer, err := c.cache.GetInformer(ctx, &corev1.Pod{})
	if err != nil {
		return nil, err
	}
	indexed, ok := informer.(toolscache.SharedIndexInformer)
	if !ok {
		return nil, fmt.Errorf("the informer of pods is a %T, which has no store", informer)
	}
	stored, err := indexed.GetIndexer().ByIndex(toolscache.NamespaceIndex, namespace)
	if err != nil {
		return nil, err
	}
	var pods []*corev1.Pod
	for _, o := range stored {
		if p, ok := o.(*podObject); ok && selector.Matches(labels.Set(p.labels)) {
			pods = append(pods, p.pod())
		}
	}
	return pods, nil
}
