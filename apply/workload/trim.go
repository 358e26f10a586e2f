package workload

import (
	"slices"
	"unique"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/portside-dev/portside/fieldmanager"
)

// ReadTrimmed reads an object and keeps what the decisions of an applier with this field
// manager depend on, so that a cache can hold thousands of workloads. Decisions of that
// manager are the same as for the whole object. No patch of managedFields can be made
// from it, since other managers' entries are not whole.
func ReadTrimmed(object Object, manager string) (*Workload, error) {
	w, err := Read(object)
	if err != nil {
		return nil, err
	}
	w.TrimmedFor, w.trimmed = manager, trimmedOf(TrimmedEntries(w.ManagedFields, manager))
	w.Writers, w.ManagedFields, w.decoded, w.object = w.Writers.Trimmed(), nil, nil, nil
	if w.Service != nil {
		w.Service.Ports = slices.Clone(w.Service.Ports)
	}
	for i := range w.Containers {
		w.Containers[i].Ports = slices.Clone(w.Containers[i].Ports) // the object's own have room to grow
	}
	w.share()
	return w, nil
}

// share has strings that many workloads have the same in memory once.
func (w *Workload) share() {
	shared := []*string{&w.Namespace, &w.DefaultContainer}
	if w.PodLabels == w.Selector {
		w.PodLabels = w.Selector // the same text, in memory once
	}
	for i := range w.Containers {
		c := &w.Containers[i]
		shared = append(shared, &c.Name)
		for j := range c.Ports {
			shared = append(shared, &c.Ports[j].Name, (*string)(&c.Ports[j].Protocol), &c.Ports[j].HostIP)
		}
		for j := range c.ProbePorts {
			shared = append(shared, &c.ProbePorts[j])
		}
	}
	for i := range w.InitContainers {
		shared = append(shared, &w.InitContainers[i])
	}
	for _, s := range shared {
		*s = unique.Make(*s).Value()
	}
}

// TrimmedEntries returns the entries that decisions depend on, each without its time.
// Apply entries of the manager stay whole, so that fields which are no ports are seen.
// Others keep the containers, their names, and what is below their ports, or the ports of
// a Service. If an entry cannot be read all stay as they are, so that reading them fails as before.
func TrimmedEntries(managed []metav1.ManagedFieldsEntry, manager string) []metav1.ManagedFieldsEntry {
	entries, err := fieldmanager.Decode(managed)
	kept := make([]metav1.ManagedFieldsEntry, 0, len(managed))
	for i := range managed {
		e, fields := &managed[i], managed[i].FieldsV1
		if err == nil && entries[i].Manager != fieldmanager.Applier(manager) {
			trimmed := entries[i].Fields.Items(templateContainers, "ports").Union(entries[i].Fields.Of(listOfService.At))
			if trimmed.Empty() {
				continue
			}
			if written, err := trimmed.FieldsV1(); err == nil {
				fields = written
			}
		}
		kept = append(kept, metav1.ManagedFieldsEntry{
			Manager: e.Manager, Operation: e.Operation, Subresource: e.Subresource, APIVersion: e.APIVersion, FieldsType: e.FieldsType,
			FieldsV1: metav1.NewFieldsV1(string(fields.GetRawBytes())),
		})
	}
	return slices.Clip(kept)
}

// trimmedEntry is an entry of managedFields. Many workloads have the same ones, which are
// in memory once.
type trimmedEntry struct {
	manager, operation, subresource, apiVersion, fieldsType, fields string
}

func trimmedOf(managed []metav1.ManagedFieldsEntry) []unique.Handle[trimmedEntry] {
	trimmed := make([]unique.Handle[trimmedEntry], len(managed))
	for i := range managed {
		e := &managed[i]
		trimmed[i] = unique.Make(trimmedEntry{
			e.Manager, string(e.Operation), e.Subresource, e.APIVersion, e.FieldsType, e.FieldsV1.GetRawString(),
		})
	}
	return trimmed
}

func managedOf(trimmed []unique.Handle[trimmedEntry]) []metav1.ManagedFieldsEntry {
	managed := make([]metav1.ManagedFieldsEntry, len(trimmed))
	for i, handle := range trimmed {
		e := handle.Value()
		managed[i] = metav1.ManagedFieldsEntry{
			Manager: e.manager, Operation: metav1.ManagedFieldsOperationType(e.operation), Subresource: e.subresource,
			APIVersion: e.apiVersion, FieldsType: e.fieldsType, FieldsV1: metav1.NewFieldsV1(e.fields),
		}
	}
	return managed
}
