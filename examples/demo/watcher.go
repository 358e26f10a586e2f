package main

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"

	"github.com/portside-dev/portside/testenv/fixture"
)

var adapterSets = schema.GroupVersionResource{Group: "portside.dev", Version: "v1alpha1", Resource: "adaptersets"}

// told is what an AdapterSet's status says: how many ports are in place, and
// the reasons of its conditions. The zero value is that of none.
type told struct{ ports, ready, reconciling, discovered string }

// watcher sees every version of the AdapterSet, also those that stand for less
// time than anybody looks.
type watcher struct {
	close func() // ends the watch and waits for it

	mu      sync.Mutex
	now     told
	version string // the resourceVersion, empty where there is none
	since   []string
}

// watch begins to watch the AdapterSet of the act; ctx bounds the beginning.
func watch(ctx context.Context, config *rest.Config) (*watcher, error) {
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	w := &watcher{}
	informer := dynamicinformer.NewFilteredDynamicInformer(client, adapterSets, mediaNamespace, 0, nil, nil).Informer()
	seen, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    w.see,
		UpdateFunc: func(_, now any) { w.see(now) },
		DeleteFunc: func(any) { w.set(told{}, "") },
	})
	if err != nil {
		return nil, err
	}
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var done sync.WaitGroup
	done.Go(func() { informer.RunWithContext(running) })
	w.close = func() {
		cancel()
		done.Wait()
	}
	if !cache.WaitForCacheSync(ctx.Done(), seen.HasSynced) {
		w.close()
		return nil, ctx.Err()
	}
	return w, nil
}

func (w *watcher) see(object any) {
	set, ok := object.(*unstructured.Unstructured)
	if !ok {
		return
	}
	ready, _, _ := unstructured.NestedInt64(set.Object, "status", "readyPorts")
	desired, _, _ := unstructured.NestedInt64(set.Object, "status", "desiredPorts")
	w.set(told{fmt.Sprintf("%d/%d", ready, desired), fixture.Condition(set, "Ready").Reason, fixture.Condition(set, "Reconciling").Reason, fixture.Condition(set, "Discovered").Reason}, set.GetResourceVersion())
}

func (w *watcher) set(now told, version string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now, w.version = now, version
	for _, reason := range []string{now.ready, now.reconciling, now.discovered} {
		if reason != "" && !slices.Contains(w.since, reason) {
			w.since = append(w.since, reason)
		}
	}
}

// look returns what the AdapterSet says, its version, and every reason that it
// gave since forget.
func (w *watcher) latest() (now told, version string, since []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now, w.version, slices.Clone(w.since)
}

// forget has what was said so far count no more.
func (w *watcher) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.since = nil
}
