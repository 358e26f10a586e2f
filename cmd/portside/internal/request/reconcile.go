package request

import (
	"context"
	"encoding/json"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/portside-dev/portside/apply/v1alpha1"
)

// Reconcile requests a reconcile of an AdapterSet, and returns the request.
func (c *Client) Reconcile(ctx context.Context, set *v1alpha1.AdapterSet, now time.Time) (Request, error) {
	r := Request{Namespace: set.Namespace, Name: set.Name, UID: set.UID, At: now.Format(time.RFC3339Nano)}
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{
		"uid": set.UID, "annotations": map[string]any{v1alpha1.RequestedAtAnnotation: r.At},
	}})
	if err != nil {
		return r, err
	}
	options := metav1.PatchOptions{FieldManager: FieldManager, DryRun: c.dryRun}
	_, err = c.sets.Namespace(set.Namespace).Patch(ctx, set.Name, types.MergePatchType, patch, options)
	return r, err
}

// Request is a request for a reconcile.
type Request struct {
	Namespace, Name string
	UID             types.UID
	At              string // the value of the annotation
}

// pollEvery is how often an AdapterSet is read while a request is not handled.
const pollEvery = 250 * time.Millisecond

// Wait returns the AdapterSet once the service has handled the request. Its error is
// context.DeadlineExceeded if the service has not by the deadline.
func (c *Client) Wait(ctx context.Context, r Request, deadline time.Time) (*v1alpha1.AdapterSet, error) {
	var set *v1alpha1.AdapterSet
	err := wait.PollUntilContextTimeout(ctx, pollEvery, time.Until(deadline), true, func(context.Context) (_ bool, err error) {
		// The deadline does not end a request: client-go's errors for that differ.
		if set, err = c.Get(ctx, r.Namespace, r.Name); err != nil {
			return false, err
		}
		// Another user may have replaced the request by a later one.
		handled, requested := set.Status.LastHandledReconcileAt, set.Annotations[v1alpha1.RequestedAtAnnotation]
		return handled == r.At || handled != "" && handled == requested, nil
	})
	return set, err
}
