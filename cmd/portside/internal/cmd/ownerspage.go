package cmd

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/cli"
	"github.com/portside-dev/portside/cmd/portside/internal/history"
	"github.com/portside-dev/portside/cmd/portside/internal/page"
)

// page writes the owners and the history of objects as one HTML page.
func (o *ownersOptions) page(ctx context.Context, read *cli.Objects) error {
	if len(read.Items) == 0 {
		if read.Code == cli.OK {
			o.session.Messages.Note("no objects found")
		}
		return nil
	}
	p := page.Page{Written: time.Now(), Version: cli.ReadVersion(o.session.Version).Version}
	source := "the cluster"
	if read.FromFiles {
		source = "a file"
	}
	for _, object := range read.Items {
		tree, err := o.tree(object, read)
		if err != nil {
			return err
		}
		past := page.History{Absent: "The object was read from a file, which has no history. Without -f it is read from the cluster, with its history."}
		if !read.FromFiles {
			if past, err = o.history(ctx, object); err != nil {
				return err
			}
		}
		p.Objects = append(p.Objects, page.Object{Tree: tree, Source: source, History: past})
	}
	return p.Write(o.session.Out)
}

// history reads the history of an object. Where that is not possible, the page says why.
func (o *ownersOptions) history(ctx context.Context, object *unstructured.Unstructured) (page.History, error) {
	d := cli.DefinitionOf(object)
	if d == nil {
		return page.History{Absent: fmt.Sprintf("A %s has no revisions of a pod template: only %s and Services have a history.", object.GetKind(), workload.Resources())}, nil
	}
	config, err := o.session.RESTConfig()
	if err != nil {
		return page.History{}, err
	}
	target := workload.Target{Kind: d.Kind, Namespace: object.GetNamespace(), Name: object.GetName()}
	past, err := history.Read(ctx, config, target)
	if err != nil {
		o.session.Messages.Warn("cannot read the history of %s: %s", nameOf(object), cli.ErrorText(err))
		return page.History{Absent: "Cannot read the history: " + cli.ErrorText(err)}, nil
	}
	h := page.History{Changes: past.Timeline()}
	for _, err := range past.Unread {
		h.Notes = append(h.Notes, "Changes by portside may be missing or unknown: "+cli.ErrorText(err))
	}
	switch {
	case d.Kind == workload.Service && len(h.Changes) == 0:
		h.Absent = "A Service has no revisions, and portside recorded no change of its ports."
	case d.Kind == workload.Service:
		h.Notes = append(h.Notes, "A Service has no revisions: these are the changes that portside recorded, and none by other managers.")
	case len(h.Changes) == 0:
		h.Absent = "The cluster keeps no revision of the pod template."
	}
	return h, nil
}
