package apply

import (
	"context"

	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/fieldmanager"
)

// DefaultFieldManager is the field manager that portside applies as.
const DefaultFieldManager = "portside"

// Applier writes to workloads and Services, under one field manager and without force. It is safe
// for concurrent use.
type Applier struct {
	client  workload.Client
	manager string
	dryRun  bool
	kinds   []*workload.Definition
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

// WithKind adds a kind of workload to those of [workload.Kinds()].
func WithKind(d *workload.Definition) Option {
	return func(a *Applier) { a.kinds = append(a.kinds, d) }
}

// WithoutTransfers has the applier transfer no port to the manager that renamed it.
// Where it gives such a port up, the port stays in the workload and the manager owns
// the name alone. Set it where a policy lets the applier write its own entry of
// managedFields and no other, as the policies of portside's service do, so that no
// request is sent only to be refused. Other programs do not need it: by default the port
// is transferred, and stays without a transfer where that is refused.
func WithoutTransfers() Option { return func(a *Applier) { a.keepsOthers = true } }

// New returns an applier. The client is [workload.ClientGo] or
// [workload.ControllerRuntime] of the client that the program has. The error is a
// field manager that [fieldmanager.ValidateName] refuses.
func New(client workload.Client, options ...Option) (*Applier, error) {
	a := &Applier{client: client, manager: DefaultFieldManager}
	for _, o := range options {
		o(a)
	}
	return a, fieldmanager.ValidateName(a.manager)
}

// us returns the manager whose entry is ours.
func (a *Applier) us() fieldmanager.Manager { return fieldmanager.Applier(a.manager) }

// define returns the definition of a kind that may be a user's.
func (a *Applier) define(kind workload.Kind) (*workload.Definition, error) {
	if kind == workload.Service {
		return workload.ServiceDefinition(), nil
	}
	return workload.Define(kind, a.kinds...)
}

// Get reads a workload or a Service. Its error is the API server's, or a kind that is not
// known.
func (a *Applier) Get(ctx context.Context, t workload.Target) (*workload.Workload, error) {
	d, err := a.define(t.Kind)
	if err != nil {
		return nil, err
	}
	object, err := a.client.Get(ctx, d, t.Namespace, t.Name)
	if err != nil {
		return nil, err
	}
	return d.Workload(object)
}
