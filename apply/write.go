package apply

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-logr/logr"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/portside-dev/portside/apply/port"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/fieldmanager"
)

// apply is the one place that applies. It never forces. It is for one container, and keeps
// the ports of others that are given; without any ports, all that we own is given up.
func (a *Applier) apply(ctx context.Context, o *Observed, container string, ports map[string][]port.Port, asRead bool) (*workload.Workload, error) {
	c := workload.Configuration{Workload: o.Workload, Ports: ports, AsRead: asRead}
	object, err := a.client.Apply(ctx, o.definition, o.Namespace, o.Name, c.Build(o.definition), metav1.ApplyOptions{FieldManager: a.manager, DryRun: a.dryRunOption()})
	a.log(ctx, "apply", o, err, "container", container, "ports", fmt.Sprint(ports[container]))
	if err != nil {
		return nil, err
	}
	after, err := o.definition.Workload(object)
	if err == nil && a.dryRun && after.Service != nil {
		after.Service.ClearInvented(o.Service, ports[container])
	}
	return after, err
}

// patchManagedFields stores managedFields, after the other operations, unless the
// workload has changed since it was read: then its error is a conflict.
func (a *Applier) patchManagedFields(ctx context.Context, o *Observed, managed []metav1.ManagedFieldsEntry, others ...fieldmanager.PatchOperation) (*workload.Workload, error) {
	if o.TrimmedFor != "" {
		return nil, &workload.TargetError{Target: o.Target, Err: errors.New("cannot patch managedFields from a trimmed object: get the full object first")}
	}
	patch, err := fieldmanager.Patch(o.ResourceVersion, managed, others...)
	if err != nil {
		return nil, err
	}
	object, err := a.client.Patch(ctx, o.definition, o.Namespace, o.Name, patch, metav1.PatchOptions{FieldManager: a.manager, DryRun: a.dryRunOption()})
	a.log(ctx, "patch of managedFields", o, err)
	if err != nil {
		return nil, err
	}
	return o.definition.Workload(object)
}

// log logs a write. A failure is no error yet: the reconciliation may continue after a
// refusal.
func (a *Applier) log(ctx context.Context, write string, o *Observed, err error, more ...any) {
	log := logr.FromContextOrDiscard(ctx).V(1)
	if !log.Enabled() {
		return
	}
	values := append([]any{"target", o.Target.String(), "dryRun", a.dryRun}, more...)
	if err != nil {
		log.Info(write+" failed", append(values, "reason", err.Error())...)
		return
	}
	log.Info(write+" accepted", values...)
}

func (a *Applier) dryRunOption() []string {
	if a.dryRun {
		return []string{metav1.DryRunAll}
	}
	return nil
}

// IsRefusal reports whether err is the API server's answer to what was asked,
// and not a failure to ask: what it calls a conflict, invalid, forbidden or
// bad. Credentials that it does not know are no refusal but a connection that
// cannot be used.
func IsRefusal(err error) bool {
	return apierrors.IsConflict(err) || apierrors.IsInvalid(err) || apierrors.IsForbidden(err) || apierrors.IsBadRequest(err)
}
