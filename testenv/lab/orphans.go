package main

import (
	"context"
	"errors"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var pods = schema.GroupVersionResource{Version: "v1", Resource: "pods"}

// deleteOrphans deletes the pods of StatefulSets that are gone.
//
// That is the garbage collector's task, but it misses a StatefulSet that is deleted and
// created again while the API server restarts: its informer reports the new one as an update
// of the old one, and the old one stays in its graph. The pods of the old one then keep their
// names, and the rollout of the new one never ends: "pods "files-0" already exists".
func (w *world) deleteOrphans(ctx context.Context, now map[string]state) error {
	list, err := w.client.Resource(pods).List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	var errs []error
	for i := range list.Items {
		pod := &list.Items[i]
		owner, target := metav1.GetControllerOf(pod), now[pod.GetNamespace()].target
		if owner == nil || owner.Kind != "StatefulSet" || target == nil || target.GetUID() == owner.UID {
			continue
		}
		err := w.client.Resource(pods).Namespace(pod.GetNamespace()).Delete(ctx, pod.GetName(), metav1.DeleteOptions{
			GracePeriodSeconds: new(int64(0)), Preconditions: &metav1.Preconditions{UID: new(pod.GetUID())},
		})
		if !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
