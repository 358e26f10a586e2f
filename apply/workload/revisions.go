package workload

import (
	"context"
	"time"

	appsclient "k8s.io/client-go/kubernetes/typed/apps/v1"
)

// Revisions says where the controller of a kind keeps the pod templates that a
// workload had.
type Revisions struct {
	// Resource is what kubectl calls the objects that keep them.
	Resource string
	// List returns the revisions of an object of which the selector selects the
	// pods, in no order.
	List func(ctx context.Context, apps appsclient.AppsV1Interface, owner Object, selector string) ([]Revision, error)
}

// Revision is a pod template that a workload had, at one of the times that it had it.
type Revision struct {
	// Name and Created are those of the object that keeps the template.
	Name       string
	Created    time.Time
	Containers []Container
	Number     int64
	// Numbered is when the template got this number; zero where that is not known.
	Numbered time.Time
}
