package apply

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-logr/logr"
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
	// keepsOthers reports whether entries of other managers are left as they are.
	keepsOthers bool
}

// Option changes how an [Applier] writes.
type Option func(*Applier)

// WithFieldManager sets the field manager; the default is [DefaultFieldManager].
// Set another where two installations share a cluster. The name must be dedicated
// to this package: an apply removes every field that its manager owns and the apply
// does not repeat, so nothing else may apply under the name.
func WithFieldManager(name string) Option { return func(a *Applier) { a.manager = name } }

// WithDryRun makes every write a dry run: the server does everything but store
// it. The default is false.
func WithDryRun(dryRun bool) Option { return func(a *Applier) { a.dryRun = dryRun } }

// WithoutTransfers has the applier transfer no port to the manager that renamed it.
// Where it gives such a port up, the port stays in the workload and the manager owns
// the name alone. Set it where a policy lets the applier write its own entry of
// managedFields and no other, so that no request is sent only to be refused. By
// default the port is transferred, and stays without a transfer where that is refused.
func WithoutTransfers() Option { return func(a *Applier) { a.keepsOthers = true } }

// New makes an applier. Its error is a field manager that
// [fieldmanager.ValidateName] refuses.
func New(client appsclient.AppsV1Interface, options ...Option) (*Applier, error) {
	a := &Applier{client: client, manager: DefaultFieldManager}
	for _, o := range options {
		o(a)
	}
	return a, fieldmanager.ValidateName(a.manager)
}

// reads reports whether the look has all that we decide on: it has not where it
// was reduced for another field manager.
func (a *Applier) reads(look *workload.Workload) bool {
	return look.TrimmedFor == "" || look.TrimmedFor == a.manager
}

// us is the manager whose entry is ours.
func (a *Applier) us() fieldmanager.Manager { return fieldmanager.Applier(a.manager) }

// Get reads a workload. Its error is the API server's, or a kind that is not
// known.
func (a *Applier) Get(ctx context.Context, t workload.Target) (*workload.Workload, error) {
	kind, err := apiOf(t.Kind)
	if err != nil {
		return nil, err
	}
	return kind.get(ctx, a.client, t)
}

// apply is the one place that applies. It never forces.
func (a *Applier) apply(ctx context.Context, c configuration) (*workload.Workload, error) {
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
func (a *Applier) patchManagedFields(ctx context.Context, w *workload.Workload, managed []metav1.ManagedFieldsEntry, others ...fieldmanager.PatchOperation) (*workload.Workload, error) {
	kind, err := apiOf(w.Kind)
	if err != nil {
		return nil, err
	}
	if w.TrimmedFor != "" {
		return nil, &workload.TargetError{w.target(), errors.New("cannot patch managedFields from a trimmed object: get the full object first")}
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
func (a *Applier) log(ctx context.Context, write string, w *workload.Workload, err error, more ...any) {
	log := logr.FromContextOrDiscard(ctx).V(1)
	if !log.Enabled() {
		return
	}
	says := append([]any{"target", w.target().String(), "dryRun", a.dryRun}, more...)
	if err != nil {
		log.Info(write+" failed", append(says, "reason", err.Error())...)
		return
	}
	log.Info(write+" accepted", says...)
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
