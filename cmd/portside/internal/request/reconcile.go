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

// Wait returns the AdapterSet once the service has handled the request. If ctx ends
// before, it returns the AdapterSet as it was last read, if it was, with the error of ctx.
func (c *Client) Wait(ctx context.Context, r Request) (*v1alpha1.AdapterSet, error) {
	var last *v1alpha1.AdapterSet
	err := wait.PollUntilContextCancel(ctx, pollEvery, true, func(ctx context.Context) (bool, error) {
		set, err := c.Get(ctx, r.Namespace, r.Name)
		if err != nil {
			if ctx.Err() != nil {
				return false, nil
			}
			return false, err
		}
		last = set
		// Another user may have replaced the request by a later one.
		handled, requested := set.Status.LastHandledReconcileAt, set.Annotations[v1alpha1.RequestedAtAnnotation]
		return handled == r.At || handled != "" && handled == requested, nil
	})
	return last, err
}
