package fieldmanager

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/structured-merge-diff/v4/fieldpath"
)

// Without returns managed without the entries of m, of whatever API version.
func Without(managed []metav1.ManagedFieldsEntry, m Manager) []metav1.ManagedFieldsEntry {
	after := make([]metav1.ManagedFieldsEntry, 0, len(managed))
	for i := range managed {
		if ManagerOf(&managed[i]) != m {
			after = append(after, *managed[i].DeepCopy())
		}
	}
	return after
}

// WithoutBelow returns managed without what m owns at or below the paths, and
// without its entry where nothing else is in it. Its error is an entry that
// cannot be read.
func WithoutBelow(managed []metav1.ManagedFieldsEntry, m Manager, paths ...Path) ([]metav1.ManagedFieldsEntry, error) {
	remove := fieldpath.NewSet()
	for _, p := range paths {
		remove.Insert(p.path)
	}
	after := make([]metav1.ManagedFieldsEntry, 0, len(managed))
	for i := range managed {
		if ManagerOf(&managed[i]) != m {
			after = append(after, *managed[i].DeepCopy())
			continue
		}
		fields, err := decodeFields(managed[i].FieldsV1)
		if err != nil {
			return nil, fmt.Errorf("managedFields of %q cannot be read: %w", m.Name, err)
		}
		rest := Fields{fields.set.RecursiveDifference(remove)}
		if rest.Empty() {
			continue
		}
		kept, err := withFields(managed[i], rest)
		if err != nil {
			return nil, err
		}
		after = append(after, kept)
	}
	return after, nil
}
