package history

import (
	"context"
	"fmt"
	"slices"

	eventsv1 "k8s.io/api/events/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"k8s.io/client-go/dynamic"
	eventsclient "k8s.io/client-go/kubernetes/typed/events/v1"

	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/cmd/portside/internal/changes"
)

// record is a change of the ports of the workload or the Service that portside recorded.
type record struct {
	v1alpha1.PortsChange
	in string // the object that has the record
}

// readRecords reads what portside recorded of the workload or the Service, the oldest
// first.
// Nothing is recorded where AdapterSets are not installed.
func (h *History) readRecords(ctx context.Context, sets dynamic.Interface, events eventsclient.EventsV1Interface) error {
	ofSets, err := h.ofAdapterSets(ctx, sets)
	if err := h.tolerate("AdapterSets", err); err != nil {
		return err
	}
	ofEvents, err := h.ofEvents(ctx, events)
	if err := h.tolerate("Events", err); err != nil {
		return err
	}
	h.records = slices.Concat(ofSets, ofEvents)
	slices.SortStableFunc(h.records, func(a, b record) int { return a.Time.Compare(b.Time.Time) })
	return nil
}

// tolerate notes that records may not be read.
func (h *History) tolerate(what string, err error) error {
	switch {
	case apierrors.IsForbidden(err):
		h.Unread = append(h.Unread, fmt.Errorf("cannot read %s: %w", what, err))
		return nil
	case apierrors.IsNotFound(err):
		return nil
	}
	return err
}

func (h *History) ofAdapterSets(ctx context.Context, client dynamic.Interface) ([]record, error) {
	list, err := client.Resource(v1alpha1.GroupVersion.WithResource("adaptersets")).Namespace(h.workload.Namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	var records []record
	for i := range list.Items {
		set := &v1alpha1.AdapterSet{}
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(list.Items[i].Object, set); err != nil {
			return nil, fmt.Errorf("cannot read AdapterSet %s/%s: %w", list.Items[i].GetNamespace(), list.Items[i].GetName(), err)
		}
		if h.workload.Service == nil && (set.Status.Target == nil || set.Status.Target.UID != h.workload.UID) {
			continue
		}
		for _, change := range set.Status.Changes {
			if h.isAbout(change) {
				records = append(records, record{change, "AdapterSet " + set.Name})
			}
		}
	}
	return records, nil
}

// isAbout reports whether a change that an AdapterSet records is one of the container
// ports, or one of this Service since it was created.
func (h *History) isAbout(change v1alpha1.PortsChange) bool {
	name := ""
	if h.workload.Service != nil {
		created := h.workload.Object().GetCreationTimestamp()
		if change.Time.Before(&created) {
			return false // of another Service that had the name
		}
		name = h.workload.Name
	}
	return slices.ContainsFunc(change.Ports, func(p v1alpha1.ChangedPort) bool { return p.Service == name })
}

func (h *History) ofEvents(ctx context.Context, client eventsclient.EventsV1Interface) ([]record, error) {
	list, err := client.Events(h.workload.Namespace).List(ctx, metav1.ListOptions{FieldSelector: changes.EventsOf(h.workload.UID)})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(list.Items, func(a, b eventsv1.Event) int { // they are listed by name
		order, _ := resourceversion.CompareResourceVersion(a.ResourceVersion, b.ResourceVersion)
		return order
	})
	var records []record
	for i := range list.Items {
		if change, is := changes.FromEvent(&list.Items[i]); is {
			records = append(records, record{change, "an Event"})
		}
	}
	return records, nil
}
