package workload

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/portside-dev/portside/fieldmanager"
)

// Trimmed returns a copy that is small enough to keep for thousands of workloads.
// It shares nothing with the object that the workload was read from, and of
// managedFields it keeps what decisions of an applier with this field manager
// depend on: the manager's own Apply entries and, of the others, the owners of
// containers and of what is below their ports. Such decisions are the same for it as
// for the whole. No patch of managedFields can be made from it.
func (w *Workload) Trimmed(manager string) *Workload {
	r := *w
	r.TrimmedFor, r.decoded, r.object = manager, nil, nil
	r.Namespace, r.Name, r.UID = cloned(w.Namespace), cloned(w.Name), cloned(w.UID)
	r.ResourceVersion, r.DefaultContainer, r.Selector = cloned(w.ResourceVersion), cloned(w.DefaultContainer), cloned(w.Selector)
	r.Containers = make([]Container, len(w.Containers))
	for i := range w.Containers {
		r.Containers[i] = w.Containers[i].clone()
	}
	r.InitContainers = clonedAll(w.InitContainers)
	r.ManagedFields = TrimmedEntries(w.ManagedFields, manager)
	r.Writers = w.Writers.Trimmed()
	return &r
}

func (c *Container) clone() Container {
	k := Container{Name: cloned(c.Name)}
	if len(c.Ports) > 0 {
		k.Ports = make([]corev1.ContainerPort, len(c.Ports))
	}
	for i, p := range c.Ports {
		p.Name, p.Protocol, p.HostIP = cloned(p.Name), cloned(p.Protocol), cloned(p.HostIP)
		k.Ports[i] = p
	}
	k.ProbePorts = clonedAll(c.ProbePorts)
	return k
}

// clonedAll clones the strings of a list. It returns nil for an empty one.
func clonedAll(list []string) []string {
	if len(list) == 0 {
		return nil
	}
	all := make([]string, len(list))
	for i, s := range list {
		all[i] = cloned(s)
	}
	return all
}

// cloned returns a string that keeps no larger one in memory.
func cloned[S ~string](s S) S { return S(strings.Clone(string(s))) }

// TrimmedEntries returns the entries that decisions depend on, each without its
// time: the manager's own Apply entries whole, and of the others the containers, their
// names, and what is below their ports. Where one cannot be read all stay whole, so
// that reading them fails as before.
func TrimmedEntries(managed []metav1.ManagedFieldsEntry, manager string) []metav1.ManagedFieldsEntry {
	us, all := fieldmanager.Applier(manager), make([]metav1.ManagedFieldsEntry, 0, len(managed))
	entries, err := fieldmanager.Decode(managed)
	for i := range managed {
		e := &managed[i]
		if err != nil || fieldmanager.ManagerOf(e) == us {
			all = append(all, trimmedEntry(e, e.FieldsV1))
			continue
		}
		fields := entries[i].Fields.Items(templateContainers, "ports")
		if fields.Empty() {
			continue
		}
		written, writeErr := fields.FieldsV1()
		if writeErr != nil {
			written = e.FieldsV1
		}
		all = append(all, trimmedEntry(e, written))
	}
	return slices.Clip(all)
}

func trimmedEntry(e *metav1.ManagedFieldsEntry, fields *metav1.FieldsV1) metav1.ManagedFieldsEntry {
	return metav1.ManagedFieldsEntry{
		Manager: cloned(e.Manager), Operation: cloned(e.Operation), Subresource: cloned(e.Subresource),
		APIVersion: cloned(e.APIVersion), FieldsType: cloned(e.FieldsType),
		FieldsV1: metav1.NewFieldsV1(string(fields.GetRawBytes())),
	}
}
