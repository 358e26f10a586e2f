package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/metadata"

	"github.com/portside-dev/portside/testenv"
)

// observer watches when changes of workloads' specs are stored, in the same way for
// all. It watches only metadata, which costs the server little.
type observer struct {
	events     watch.Interface
	generation map[string]int64
}

func observe(ctx context.Context, cp *testenv.ControlPlane, namespace string) (*observer, error) {
	client, err := metadata.NewForConfig(cp.Config())
	if err != nil {
		return nil, err
	}
	workloads := client.Resource(appsv1.SchemeGroupVersion.WithResource("statefulsets")).Namespace(namespace)
	list, err := workloads.List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	o := &observer{generation: map[string]int64{}}
	for i := range list.Items {
		o.generation[list.Items[i].Name] = list.Items[i].Generation
	}
	o.events, err = client.Resource(appsv1.SchemeGroupVersion.WithResource("statefulsets")).Namespace(namespace).
		Watch(ctx, metav1.ListOptions{ResourceVersion: list.ResourceVersion})
	return o, err
}

func (o *observer) stop() { o.events.Stop() }

// changes waits for one change of each of this many workloads. It is an error if
// one changes twice, since there was only one change to make.
func (o *observer) changes(ctx context.Context, workloads int) (last time.Time, err error) {
	seen := map[string]bool{}
	for len(seen) < workloads {
		select {
		case <-ctx.Done():
			return last, fmt.Errorf("%d of %d workloads have changed: %w", len(seen), workloads, ctx.Err())
		case event, open := <-o.events.ResultChan():
			object, ok := event.Object.(*metav1.PartialObjectMetadata)
			if !open || !ok {
				return last, errors.New("the watch of the workloads ended")
			}
			if object.Generation == o.generation[object.Name] {
				continue
			}
			if seen[object.Name] || object.Generation != o.generation[object.Name]+1 {
				return last, fmt.Errorf("%s changed more than once", object.Name)
			}
			seen[object.Name], o.generation[object.Name], last = true, object.Generation, time.Now()
		}
	}
	return last, nil
}
