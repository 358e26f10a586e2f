package request

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/fieldmanager"
)

var suspendPath = fieldmanager.PathTo("spec", "suspend")

// SetSuspend sets spec.suspend by a server-side apply of this field alone. It reports
// whether that changed it. Where another manager declares the other value, nothing is
// changed and the error names that manager. A value that a person wrote with kubectl is
// no declaration and is replaced.
//
// The field is owned only while it is true, so that a GitOps tool can declare it later.
func (c *Client) SetSuspend(ctx context.Context, set *v1alpha1.AdapterSet, suspend bool) (changed bool, err error) {
	if set.Spec.Suspend == suspend {
		return false, nil
	}
	if suspend {
		_, err := c.apply(ctx, set, map[string]any{"suspend": true})
		return true, err
	}
	others, err := ownersOfSuspend(set)
	if err != nil {
		return false, err
	}
	if len(others) > 0 {
		if _, err := c.apply(ctx, set, map[string]any{"suspend": false}); err != nil || c.dryRun != nil {
			return true, err
		}
	}
	after, err := c.apply(ctx, set, nil)
	if err == nil && after.Spec.Suspend {
		err = errors.New("another manager has set spec.suspend to true meanwhile; run the command again")
	}
	return true, err
}

// ownersOfSuspend returns the managers of spec.suspend but ours.
func ownersOfSuspend(set *v1alpha1.AdapterSet) ([]fieldmanager.Manager, error) {
	entries, err := fieldmanager.Decode(set.ManagedFields)
	if err != nil {
		return nil, err
	}
	var owners []fieldmanager.Manager
	for _, e := range entries {
		if e.Manager != fieldmanager.Applier(FieldManager) && e.Fields.Has(suspendPath) {
			owners = append(owners, e.Manager)
		}
	}
	return owners, nil
}

// apply applies a spec, or gives up what was applied before if the spec is nil.
func (c *Client) apply(ctx context.Context, set *v1alpha1.AdapterSet, spec map[string]any) (*v1alpha1.AdapterSet, error) {
	body := map[string]any{
		"apiVersion": v1alpha1.GroupVersion.String(), "kind": "AdapterSet",
		// The UID keeps an apply from creating an AdapterSet that was deleted.
		"metadata": map[string]any{"name": set.Name, "namespace": set.Namespace, "uid": string(set.UID)},
	}
	if spec != nil {
		body["spec"] = spec
	}
	options := metav1.ApplyOptions{FieldManager: FieldManager, DryRun: c.dryRun}
	for {
		object, err := c.sets.Namespace(set.Namespace).Apply(ctx, set.Name, &unstructured.Unstructured{Object: body}, options)
		if err == nil {
			return typed(object)
		}
		conflict := fieldmanager.Conflicts(err)
		if conflict == nil {
			return nil, err
		}
		if options.Force || !isByHand(conflict) {
			return nil, &DeclaredError{conflict}
		}
		options.Force = true
	}
}

// byHand are the managers of commands by which a person sets a field once.
var byHand = []fieldmanager.Manager{fieldmanager.Updater("kubectl-edit"), fieldmanager.Updater("kubectl-patch")}

// isByHand reports whether people set all fields in conflict with kubectl.
func isByHand(conflict *fieldmanager.ConflictError) bool {
	return !slices.ContainsFunc(conflict.Conflicts, func(c fieldmanager.Conflict) bool { return !slices.Contains(byHand, c.Manager) })
}

// DeclaredError reports that another manager declares spec.suspend.
type DeclaredError struct{ conflict *fieldmanager.ConflictError }

func (e *DeclaredError) Error() string {
	var names []string
	for _, c := range e.conflict.Conflicts {
		names = append(names, c.Manager.String())
	}
	return fmt.Sprintf("spec.suspend is declared by %s, whose next sync would undo this change; change it there, such as in Git", strings.Join(names, ", "))
}

func (e *DeclaredError) Unwrap() error { return e.conflict }
