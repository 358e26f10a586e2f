package workload

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/portside-dev/portside/apply/advice"
	"github.com/portside-dev/portside/fieldmanager"
)

// Trim removes from an object what the decisions of an applier with this field manager
// do not depend on, so that a cache can hold thousands of objects. It changes the object,
// which [ReadTrimmed] reads. Its error is an object of a kind that cannot be trimmed.
func Trim(object any, manager string) error {
	typed, ok := object.(Object)
	if !ok {
		return fmt.Errorf("%T is not an object", object)
	}
	d, err := definitionOf(typed)
	if err != nil {
		return err
	}
	if d.Trim == nil {
		return fmt.Errorf("kind %s cannot be trimmed", d.Kind)
	}
	trimMeta(typed, manager)
	d.Trim(typed)
	return nil
}

// ReadTrimmed reads an object that was trimmed for this field manager. Decisions of that
// manager are the same as for the whole object. No patch of managedFields can be made
// from it, since other managers' entries are not whole.
func ReadTrimmed(object Object, manager string) (*Workload, error) {
	w, err := Read(object)
	if err != nil {
		return nil, err
	}
	w.TrimmedFor = manager
	return w, nil
}

// trims returns the Trim of a definition from one that takes the Go type of the kind.
func trims[O Object](trim func(O)) func(Object) {
	return func(object Object) {
		if typed, ok := object.(O); ok {
			trim(typed)
		}
	}
}

// trimMeta leaves the metadata that decisions and warnings depend on.
func trimMeta(object Object, manager string) {
	annotations := advice.Annotations(object.GetAnnotations())
	for _, key := range []string{PausedAnnotation, AllowHostNetworkAnnotation} {
		if value, found := object.GetAnnotations()[key]; found {
			annotations[key] = value
		}
	}
	if len(annotations) == 0 {
		annotations = nil
	}
	object.SetAnnotations(annotations)
	object.SetLabels(nil)
	object.SetOwnerReferences(nil)
	object.SetFinalizers(nil)
	object.SetManagedFields(TrimmedEntries(object.GetManagedFields(), manager))
}

// TrimmedEntries returns the entries that decisions and warnings depend on, each without
// its time. Apply entries of the manager stay whole, so that fields which are no ports
// are seen. Others keep the containers, their names, what is below their ports, and what
// warnings depend on. If an entry cannot be read all stay as they are, so that reading
// them fails as before.
func TrimmedEntries(managed []metav1.ManagedFieldsEntry, manager string) []metav1.ManagedFieldsEntry {
	entries, err := fieldmanager.Decode(managed)
	kept := make([]metav1.ManagedFieldsEntry, 0, len(managed))
	for i := range managed {
		e, fields := &managed[i], managed[i].FieldsV1
		if err == nil && entries[i].Manager != fieldmanager.Applier(manager) {
			more, counts := advice.Fields(entries[i], templateContainers)
			trimmed := entries[i].Fields.Items(templateContainers, "ports").Union(more)
			if trimmed.Empty() && !counts {
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
	return kept
}

// trimmedTemplate returns the pod template with its containers' names and ports, and
// the probes and lifecycle handlers that refer to ports by name.
func trimmedTemplate(t *corev1.PodTemplateSpec) corev1.PodTemplateSpec {
	trimmed := corev1.PodTemplateSpec{Spec: corev1.PodSpec{HostNetwork: t.Spec.HostNetwork}}
	if name, named := t.Annotations[defaultContainerAnnotation]; named {
		trimmed.Annotations = map[string]string{defaultContainerAnnotation: name}
	}
	for i := range t.Spec.Containers {
		c := &t.Spec.Containers[i]
		kept := corev1.Container{Name: c.Name, Ports: c.Ports}
		if len(ofProbe(c.LivenessProbe)) > 0 {
			kept.LivenessProbe = c.LivenessProbe
		}
		if len(ofProbe(c.ReadinessProbe)) > 0 {
			kept.ReadinessProbe = c.ReadinessProbe
		}
		if len(ofProbe(c.StartupProbe)) > 0 {
			kept.StartupProbe = c.StartupProbe
		}
		if len(ofLifecycle(c.Lifecycle)) > 0 {
			kept.Lifecycle = c.Lifecycle
		}
		trimmed.Spec.Containers = append(trimmed.Spec.Containers, kept)
	}
	for i := range t.Spec.InitContainers {
		trimmed.Spec.InitContainers = append(trimmed.Spec.InitContainers, corev1.Container{Name: t.Spec.InitContainers[i].Name})
	}
	return trimmed
}
