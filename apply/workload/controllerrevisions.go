package workload

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	appsclient "k8s.io/client-go/kubernetes/typed/apps/v1"

	"github.com/portside-dev/portside/fieldmanager"
)

// controllerRevisions are the revisions of StatefulSets and DaemonSets.
var controllerRevisions = Revisions{Resource: "controllerrevision.apps", List: listControllerRevisions}

func listControllerRevisions(ctx context.Context, apps appsclient.AppsV1Interface, owner Object, selector string) ([]Revision, error) {
	list, err := apps.ControllerRevisions(owner.GetNamespace()).List(ctx, metav1.ListOptions{LabelSelector: selector})
	if err != nil {
		return nil, err
	}
	var revisions []Revision
	for i := range list.Items {
		r := &list.Items[i]
		if !metav1.IsControlledBy(r, owner) {
			continue
		}
		containers, err := storedContainers(r)
		if err != nil {
			return nil, err
		}
		revisions = append(revisions, Revision{r.Name, r.CreationTimestamp.Time, containers, r.Revision, numbered(r, owner)})
	}
	return revisions, nil
}

func storedContainers(r *appsv1.ControllerRevision) ([]Container, error) {
	// The controllers store a patch that has the template alone.
	var stored struct {
		Spec struct{ Template corev1.PodTemplateSpec }
	}
	if err := json.Unmarshal(r.Data.Raw, &stored); err != nil {
		return nil, fmt.Errorf("ControllerRevision %s/%s cannot be read: %w", r.Namespace, r.Name, err)
	}
	return containersOf(&stored.Spec.Template), nil
}

// numbered returns when a ControllerRevision got its number, zero where that is
// not known. A template that comes back gets the next number, which is a write of the
// controller. The controllers write a revision for nothing else, unless it belonged to
// another workload before:
// https://github.com/kubernetes/kubernetes/blob/v1.37.2/pkg/controller/history/controller_history.go
func numbered(r *appsv1.ControllerRevision, owner metav1.Object) time.Time {
	created := r.CreationTimestamp.Time
	entries, err := fieldmanager.Decode(r.ManagedFields)
	switch {
	case created.Before(owner.GetCreationTimestamp().Time):
		return time.Time{}
	case r.Revision == 1:
		return created // it was never given the next one
	case err != nil:
		return time.Time{}
	}
	var made time.Time
	for _, e := range entries {
		if e.Time != nil && e.Time.After(made) && e.Fields.Has(fieldmanager.PathTo("revision")) {
			made = e.Time.Time
		}
	}
	return made
}
