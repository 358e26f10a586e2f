package mirror

import (
	"reflect"

	"k8s.io/apimachinery/pkg/types"

	"github.com/portside-dev/portside/apply/workload"
)

// keepWorkload returns what is kept of a workload, and false for an object of another
// kind.
func (m *Mirror) keepWorkload(object any) (workload.Workload, bool) {
	o, ok := object.(workload.Object)
	if !ok {
		return workload.Workload{}, false
	}
	w, err := workload.Read(o)
	if err != nil {
		return workload.Workload{}, false
	}
	return *w.Trimmed(m.options.FieldManager), true
}

// Workload is a target as last seen, nil where it is not there. It must not be
// changed.
func (m *Mirror) Workload(t workload.Target) *workload.Workload {
	rows, known := m.workloads[t.Kind]
	if !known {
		return nil
	}
	return rows.get(types.NamespacedName{Namespace: t.Namespace, Name: t.Name})
}

// Answered takes what the server answered to a write of a workload, before it is
// watched, and tells of it as of any change. Older versions that are still on
// their way are left out then. What is not watched, or is another of that name,
// is not taken.
func (m *Mirror) Answered(w *workload.Workload) {
	rows, known := m.workloads[w.Kind]
	name, version := types.NamespacedName{Namespace: w.Namespace, Name: w.Name}, versionOf(w.ResourceVersion)
	if !known || rows.has(name, version) {
		return
	}
	rows.answer(&row[workload.Workload]{name, version, w.Trimmed(m.options.FieldManager)}, func(before *workload.Workload) bool { return before.UID == w.UID })
}

// workloadChanged tells of a change of what is kept, but for the versions,
// which change with everything.
func (m *Mirror) workloadChanged(kind workload.Kind) func(types.NamespacedName, *workload.Workload, *workload.Workload) {
	return func(name types.NamespacedName, before, after *workload.Workload) {
		t := workload.Target{Kind: kind, Namespace: name.Namespace, Name: name.Name}
		if before != nil && after != nil {
			was := *before
			was.ResourceVersion, was.Generation = after.ResourceVersion, after.Generation
			if reflect.DeepEqual(&was, after) {
				return
			}
		}
		m.mu.RLock()
		ours := len(m.setsOf[t]) > 0 || m.left[t]
		m.mu.RUnlock()
		if ours {
			m.tell(t, WorkloadChanged)
		}
	}
}
