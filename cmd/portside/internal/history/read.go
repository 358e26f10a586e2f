// Package history reads from the cluster which revisions of a workload changed
// its container ports, and by which manager, as far as that is certain. A Service has no
// revisions: there it returns the changes of case 2 alone.
//
//  1. The revisions are the ControllerRevisions or ReplicaSets that the cluster
//     keeps. Two that follow each other show what changed.
//  2. portside records its own changes, in AdapterSets and in Events. A revision
//     is portside's where these, in order and in time, are what changed.
//  3. Of other managers the cluster keeps what each owns, and when it last
//     wrote. A revision is a manager's where it alone owns what was added, and
//     has not written since.
//  4. Everything else is unknown.
package history

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	appsclient "k8s.io/client-go/kubernetes/typed/apps/v1"
	"k8s.io/client-go/rest"

	"github.com/portside-dev/portside/apply/workload"
)

// History is a workload or a Service, the revisions of the workload, the oldest first,
// and what portside recorded.
type History struct {
	workload  *workload.Workload
	revisions []workload.Revision
	records   []record
	// Resource is what kubectl calls the objects that keep the revisions.
	Resource string
	// Unread are the errors of records that may not be read.
	Unread []error
}

// Read reads a workload with the revisions that it owns, or a Service, and the records. Its error
// is the API server's, or a revision that cannot be read.
func Read(ctx context.Context, config *rest.Config, t workload.Target) (*History, error) {
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	sets, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	h := &History{}
	read := h.readRevisions
	if t.Kind == workload.Service {
		read = h.readService
	}
	if err := read(ctx, client.AppsV1(), t); err != nil {
		return nil, err
	}
	return h, h.readRecords(ctx, sets, client.EventsV1())
}

func (h *History) readService(ctx context.Context, apps appsclient.AppsV1Interface, t workload.Target) error {
	d := workload.ServiceDefinition()
	service, err := workload.ClientGo(apps).Get(ctx, d, t.Namespace, t.Name)
	if err != nil {
		return err
	}
	h.workload, err = d.Workload(service)
	return err
}

func (h *History) readRevisions(ctx context.Context, apps appsclient.AppsV1Interface, t workload.Target) error {
	d, err := workload.Define(t.Kind)
	if err != nil {
		return err
	}
	if d.Revisions == nil {
		return fmt.Errorf("the revisions of %s are not kept", d.GroupResource())
	}
	h.Resource = d.Revisions.Resource
	owner, err := workload.ClientGo(apps).Get(ctx, d, t.Namespace, t.Name)
	if err != nil {
		return err
	}
	if h.workload, err = d.Workload(owner); err != nil {
		return err
	}
	if h.workload.Selector == "" {
		return &workload.TargetError{Target: t, Err: errors.New("cannot read spec.selector")}
	}
	if h.revisions, err = d.Revisions.List(ctx, apps, owner, h.workload.Selector); err != nil {
		return err
	}
	slices.SortStableFunc(h.revisions, func(a, b workload.Revision) int { return cmp.Compare(a.Number, b.Number) })
	return nil
}
