package apply

import (
	"context"
	"fmt"
	"slices"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	appsclient "k8s.io/client-go/kubernetes/typed/apps/v1"

	"github.com/portside-dev/portside/fieldmanager"
)

// DefaultFieldManager is the field manager that portside applies as.
const DefaultFieldManager = "portside"

// Applier writes to workloads, under one field manager and without force.
type Applier struct {
	client  appsclient.AppsV1Interface
	manager string
	dryRun  bool
}

// Option changes how an [Applier] writes.
type Option func(*Applier)

// AsFieldManager applies under another name, so that two installations can
// share a cluster.
func AsFieldManager(name string) Option { return func(a *Applier) { a.manager = name } }

// DryRun has the server do everything but store it.
func DryRun(dryRun bool) Option { return func(a *Applier) { a.dryRun = dryRun } }

// NewApplier makes an applier. Its error is a field manager that
// [fieldmanager.ValidateName] refuses.
func NewApplier(client appsclient.AppsV1Interface, options ...Option) (*Applier, error) {
	a := &Applier{client: client, manager: DefaultFieldManager}
	for _, o := range options {
		o(a)
	}
	return a, fieldmanager.ValidateName(a.manager)
}

// us is the manager whose entry is ours.
func (a *Applier) us() fieldmanager.Manager { return fieldmanager.Applier(a.manager) }

// Look reads a workload. Its error is the API server's, or a kind that is not
// known.
func (a *Applier) Look(ctx context.Context, t Target) (*Workload, error) {
	kind, err := apiOf(t.Kind)
	if err != nil {
		return nil, err
	}
	return kind.get(ctx, a.client, t)
}

// apply is the one place that applies. It never forces.
func (a *Applier) apply(ctx context.Context, c configuration) (*Workload, error) {
	kind, err := apiOf(c.workload.Kind)
	if err != nil {
		return nil, err
	}
	answer, err := kind.apply(ctx, a.client, c, metav1.ApplyOptions{FieldManager: a.manager, DryRun: a.dryRunOption()})
	a.log(ctx, "apply", c.workload, err, "container", c.container, "ports", fmt.Sprint(c.ports))
	return answer, err
}

// patchManagedFields stores managedFields, unless the workload has changed
// since it was read: then its error is a conflict.
func (a *Applier) patchManagedFields(ctx context.Context, w *Workload, managed []metav1.ManagedFieldsEntry, others ...fieldmanager.PatchOperation) (*Workload, error) {
	kind, err := apiOf(w.Kind)
	if err != nil {
		return nil, err
	}
	patch, err := fieldmanager.Patch(w.ResourceVersion, managed, others...)
	if err != nil {
		return nil, err
	}
	answer, err := kind.patch(ctx, a.client, w.target(), patch, metav1.PatchOptions{FieldManager: a.manager, DryRun: a.dryRunOption()})
	a.log(ctx, "patch of managedFields", w, err)
	return answer, err
}

// log tells of a write. A failure is no error yet: the pass may make something
// of a refusal.
func (a *Applier) log(ctx context.Context, write string, w *Workload, err error, more ...any) {
	log := logr.FromContextOrDiscard(ctx).V(1).WithValues("target", w.target().String(), "dryRun", a.dryRun).WithValues(more...)
	if err != nil {
		log.Info(write+" failed", "reason", err.Error())
		return
	}
	log.Info(write + " accepted")
}

func (a *Applier) dryRunOption() []string {
	if a.dryRun {
		return []string{metav1.DryRunAll}
	}
	return nil
}

// holds tells whether we have an entry in managedFields.
func (a *Applier) holds(w *Workload) bool { return len(a.entries(w)) > 0 }

func (a *Applier) entries(w *Workload) []metav1.ManagedFieldsEntry {
	var ours []metav1.ManagedFieldsEntry
	for _, e := range w.ManagedFields {
		if e.Manager == a.manager && e.Operation == metav1.ManagedFieldsOperationApply && e.Subresource == "" {
			ours = append(ours, e)
		}
	}
	return ours
}

// changed tells whether a write of ours was one to the server. It asks our
// entry and our ports alone: the resourceVersion also moves with what others
// write at the same time.
func (a *Applier) changed(before, after *Workload) (bool, error) {
	if before.ResourceVersion == after.ResourceVersion && !a.dryRun {
		return false, nil
	}
	if !equality.Semantic.DeepEqual(a.entries(before), a.entries(after)) {
		return true, nil
	}
	was, err := a.ownPorts(before)
	if err != nil {
		return false, err
	}
	is, err := a.ownPorts(after)
	return !slices.Equal(was, is), err
}

// containerPort is a port together with the container it is in.
type containerPort struct {
	container string
	corev1.ContainerPort
}

// ownPorts are all live ports that we own, of all containers, in order.
func (a *Applier) ownPorts(w *Workload) ([]containerPort, error) {
	entries, err := fieldmanager.Decode(a.entries(w))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", w.target(), err)
	}
	var ours []containerPort
	for _, c := range w.Containers {
		owners := entries.In(portsOf(c.Name))
		for _, p := range c.Ports {
			if len(owners.Of(portKey{p.ContainerPort, p.Protocol}.fields()).Item) > 0 {
				ours = append(ours, containerPort{c.Name, p})
			}
		}
	}
	return ours, nil
}

// gone are those of our ports before that the workload does not have after.
func gone(before []containerPort, after *Workload) []containerPort {
	return slices.DeleteFunc(slices.Clone(before), func(p containerPort) bool {
		return slices.ContainsFunc(after.Containers, func(c Container) bool {
			return c.Name == p.container && slices.ContainsFunc(c.Ports, func(q corev1.ContainerPort) bool {
				return q.ContainerPort == p.ContainerPort.ContainerPort && q.Protocol == p.Protocol
			})
		})
	})
}

// IsRefusal reports whether err is the API server's answer to what was asked,
// and not a failure to ask: what it calls a conflict, invalid, forbidden or
// bad. Credentials that it does not know are no refusal but a connection that
// cannot be used.
func IsRefusal(err error) bool {
	return apierrors.IsConflict(err) || apierrors.IsInvalid(err) || apierrors.IsForbidden(err) || apierrors.IsBadRequest(err)
}
