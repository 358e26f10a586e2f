// Package request is how a user asks the service for something through an AdapterSet.
// Every write is a merge patch of one field, so that no other field of the AdapterSet
// changes its owner. It knows these cases:
//
//  1. A reconcile is requested by a new value of the annotation portside.dev/requestedAt,
//     which no tool declares. The service asks the source again, ends contention and
//     back-off, and answers with that value in status.lastHandledReconcileAt.
//  2. Suspend sets spec.suspend to true. Resume removes the field, which then has no owner.
//  3. A manager that applies spec.suspend with another value, as a GitOps tool does whose
//     repository declares it, would set it back with its next apply: nothing is written,
//     and the error names the manager. A value that was set by an Update is replaced.
package request

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/retry"

	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/fieldmanager"
)

// FieldManager is the manager of these writes. It is not that of the ports.
const FieldManager = "portside-cli"

// readEvery is how often status is read while the service handles a request.
const readEvery = 200 * time.Millisecond

// Client makes requests in one namespace.
type Client struct{ sets dynamic.ResourceInterface }

// NewClient returns a client for the AdapterSets of a namespace.
func NewClient(config *rest.Config, namespace string) (*Client, error) {
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	return &Client{client.Resource(v1alpha1.GroupVersion.WithResource("adaptersets")).Namespace(namespace)}, nil
}

// Names returns the names of the AdapterSets of the namespace, sorted.
func (c *Client) Names(ctx context.Context) ([]string, error) {
	list, err := c.sets.List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	var names []string
	for i := range list.Items { // which the server sorts by name
		names = append(names, list.Items[i].GetName())
	}
	return names, nil
}

// Reconcile requests a reconcile by a value that was not used before, such as the time.
func (c *Client) Reconcile(ctx context.Context, name, value string) error {
	return c.patch(ctx, name, map[string]any{"metadata": map[string]any{"annotations": map[string]any{v1alpha1.RequestedAtAnnotation: value}}}, false)
}

// Handled waits until the service has handled the request with this value, and returns the
// AdapterSet. Its error is that of ctx if it ends before.
func (c *Client) Handled(ctx context.Context, name, value string) (*v1alpha1.AdapterSet, error) {
	var set *v1alpha1.AdapterSet
	err := wait.PollUntilContextCancel(ctx, readEvery, true, func(ctx context.Context) (done bool, err error) {
		if set, err = c.Get(ctx, name); err != nil {
			return false, err
		}
		return set.Status.LastHandledReconcileAt == value, nil
	})
	return set, err
}

// Get returns an AdapterSet.
func (c *Client) Get(ctx context.Context, name string) (*v1alpha1.AdapterSet, error) {
	object, err := c.sets.Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	var set v1alpha1.AdapterSet
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, &set); err != nil {
		return nil, fmt.Errorf("cannot read the AdapterSet: %w", err)
	}
	return &set, nil
}

// Suspend suspends an AdapterSet or, with false, resumes it, and reports whether that
// changed it. Its error is a [DeclaredError] where another manager would set it back.
func (c *Client) Suspend(ctx context.Context, name string, suspend, dryRun bool) (changed bool, err error) {
	err = retry.RetryOnConflict(retry.DefaultRetry, func() error {
		set, err := c.Get(ctx, name)
		if err != nil || set.Spec.Suspend == suspend {
			return err
		}
		if err := declared(set); err != nil {
			return err
		}
		var value any // null removes the field
		if suspend {
			value = true
		}
		err = c.patch(ctx, name, map[string]any{
			"metadata": map[string]any{"resourceVersion": set.ResourceVersion}, // of which the managers were read
			"spec":     map[string]any{"suspend": value},
		}, dryRun)
		changed = err == nil
		return err
	})
	return changed, err
}

func (c *Client) patch(ctx context.Context, name string, patch map[string]any, dryRun bool) error {
	body, err := json.Marshal(patch)
	if err != nil {
		return err
	}
	options := metav1.PatchOptions{FieldManager: FieldManager}
	if dryRun {
		options.DryRun = []string{metav1.DryRunAll}
	}
	_, err = c.sets.Patch(ctx, name, types.MergePatchType, body, options)
	return err
}

// DeclaredError is that managers apply spec.suspend with the value that it has.
type DeclaredError struct {
	Suspend  bool
	Managers []fieldmanager.Manager
}

// Error names the managers and says what to do.
func (e *DeclaredError) Error() string {
	return fmt.Sprintf("spec.suspend is declared as %t by %s, which would set it back: change it there", e.Suspend, fieldmanager.Join(e.Managers))
}

// declared returns an error if a manager applies spec.suspend.
func declared(set *v1alpha1.AdapterSet) error {
	entries, err := fieldmanager.Decode(set.ManagedFields)
	if err != nil {
		return fmt.Errorf("cannot read the managers of spec.suspend: %w", err)
	}
	var managers []fieldmanager.Manager
	for _, e := range entries {
		if e.Operation == metav1.ManagedFieldsOperationApply && e.Fields.Has(fieldmanager.PathTo("spec", "suspend")) {
			managers = append(managers, e.Manager)
		}
	}
	if len(managers) == 0 {
		return nil
	}
	return &DeclaredError{set.Spec.Suspend, managers}
}

// Kind is the resource of AdapterSets as kubectl prints it before a name.
var Kind = "adapterset." + v1alpha1.GroupVersion.Group

// IsKind reports whether a word names AdapterSets, as kubectl takes a resource: singular,
// plural or short, in any case, with or without its group and version.
func IsKind(word string) bool {
	name, group, qualified := strings.Cut(strings.ToLower(word), ".")
	of := v1alpha1.GroupVersion
	if qualified && group != of.Group && group != of.Version+"."+of.Group {
		return false
	}
	return name == "adapterset" || name == "adaptersets" || name == "aset"
}
