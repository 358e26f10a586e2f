package apply

import (
	"cmp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/structured-merge-diff/v4/fieldpath"

	"github.com/portside-dev/portside/fieldmanager"
)

// Trimmed returns a copy that is small enough to keep for thousands of workloads.
// It shares nothing with the object that the workload was read from, and of
// managedFields it keeps what decisions of an [Applier] with this field manager
// depend on: the manager's own entries and, of the others, the owners of
// containers and of what is below their ports. [Decide], [Owners], and that applier's
// [Applier.UpToDate], [Applier.OwnPorts] and [Applier.HasClaim] return the same for it
// as for the whole. No patch of managedFields can be made from it:
// [Applier.ApplyFrom] reads the workload where it comes to that. An empty manager is
// [DefaultFieldManager].
func (w *workload.Workload) Trimmed(manager string) *workload.Workload {
	manager = cmp.Or(manager, DefaultFieldManager)
	r := *w
	r.TrimmedFor, r.decoded, r.lastApplied, r.object = manager, nil, "", nil
	r.Namespace, r.Name, r.UID = cloned(w.Namespace), cloned(w.Name), cloned(w.UID)
	r.ResourceVersion, r.DefaultContainer, r.Selector = cloned(w.ResourceVersion), cloned(w.DefaultContainer), cloned(w.Selector)
	r.Containers = make([]workload.Container, len(w.Containers))
	for i := range w.Containers {
		r.Containers[i] = w.Containers[i].clone()
	}
	r.InitContainers = clonedAll(w.InitContainers)
	r.ManagedFields = reducedEntries(w.ManagedFields, manager)
	r.ClientSide, r.Replacing = clonedUpdaters(w.ClientSide), clonedUpdaters(w.Replacing)
	return &r
}

func clonedUpdaters(managers []fieldmanager.Manager) []fieldmanager.Manager {
	managers = slices.Clone(managers)
	for i := range managers {
		managers[i] = fieldmanager.Updater(cloned(managers[i].Name))
	}
	return managers
}

func (c *workload.Container) clone() workload.Container {
	k := workload.Container{Name: cloned(c.Name)}
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

// cloned is a string that keeps no larger one in memory.
func cloned[S ~string](s S) S { return S(strings.Clone(string(s))) }

// reducedEntries returns the entries that decisions depend on, each without its
// time: those of the manager, and of the others the fields that reducedFields
// leaves. Where one cannot be read all stay as they are, to be the error that they
// are.
func reducedEntries(managed []metav1.ManagedFieldsEntry, manager string) []metav1.ManagedFieldsEntry {
	seen := borrowSeen()
	defer seen.giveBack()
	kept, whole := make([]metav1.ManagedFieldsEntry, 0, len(managed)), false
	for i := range managed {
		e := &managed[i]
		if e.Manager == manager && e.Operation == metav1.ManagedFieldsOperationApply && e.Subresource == "" {
			_, err := seen.set(e)
			whole = whole || err != nil
			kept = append(kept, reducedEntry(e, string(e.FieldsV1.GetRawBytes())))
			continue
		}
		fields, err := seen.reduce(e)
		whole = whole || err != nil
		if fields != "" {
			kept = append(kept, reducedEntry(e, fields))
		}
	}
	if whole {
		kept = kept[:0]
		for i := range managed {
			kept = append(kept, reducedEntry(&managed[i], string(managed[i].FieldsV1.GetRawBytes())))
		}
	}
	return slices.Clip(kept)
}

func reducedEntry(e *metav1.ManagedFieldsEntry, fields string) metav1.ManagedFieldsEntry {
	return metav1.ManagedFieldsEntry{
		Manager: cloned(e.Manager), Operation: cloned(e.Operation), Subresource: cloned(e.Subresource),
		APIVersion: cloned(e.APIVersion), FieldsType: cloned(e.FieldsType),
		FieldsV1: metav1.NewFieldsV1(fields),
	}
}

// reducedFields returns the paths of another manager that decisions depend on.
func reducedFields(fields *fieldpath.Set) *fieldpath.Set {
	kept := fieldpath.NewSet()
	fields.Iterate(func(p fieldpath.Path) {
		if decides(p) {
			kept.Insert(p.Copy())
		}
	})
	return kept
}

// containersPath is where the containers of a pod template are.
var containersPath = fieldpath.MakePathOrDie("spec", "template", "spec", "containers")

// decides tells that a path is a container's key or name, or below its ports.
func decides(p fieldpath.Path) bool {
	depth := len(containersPath)
	if len(p) <= depth || !p[:depth].Equals(containersPath) {
		return false
	}
	switch below := p[depth+1:]; {
	case len(below) == 0:
		return true
	case below[0].FieldName == nil:
		return false
	default:
		return (len(below) == 1 && *below[0].FieldName == "name") || (len(below) > 1 && *below[0].FieldName == "ports")
	}
}
