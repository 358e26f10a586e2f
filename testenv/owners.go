package testenv

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/structured-merge-diff/v4/fieldpath"
)

// Owner returns an owner as [Owners] does: the manager and the operation, because
// Apply and Update entries own separately.
func Owner(manager string, operation metav1.ManagedFieldsOperationType) string {
	return manager + "/" + string(operation)
}

// Owners returns the owners of a path in a container of a workload, as manager/Apply
// or manager/Update, sorted. The paths are
//
//	""                 the container's key
//	"image"            a field of the container
//	"12049/TCP"        the item of that port, which is the key itself
//	"12049/TCP.name"   a field of that port
//
// For a Service the container is not used, and the paths are those of its ports; "" is the
// list itself. An owner of a field of an item need not own the item.
func Owners(workload *unstructured.Unstructured, container, path string) ([]string, error) {
	full, keyField := containerPath(container), "containerPort"
	if isService(workload) {
		full, keyField = fieldpath.MakePathOrDie("spec"), "port"
	}
	within, err := portPath(path, keyField)
	if err != nil {
		return nil, err
	}
	if full = append(full, within...); isService(workload) && path == "" {
		full = append(full, fieldpath.MakePathOrDie("ports")...)
	}
	owners := []string{}
	for _, entry := range workload.GetManagedFields() {
		set, err := entrySet(entry)
		if err != nil {
			return nil, err
		}
		if set.Has(full) {
			owners = append(owners, Owner(entry.Manager, entry.Operation))
		}
	}
	slices.Sort(owners)
	return owners, nil
}

// Entry returns the paths in a manager's entry, sorted, and nil if the manager has
// no entry.
func Entry(object *unstructured.Unstructured, manager string, operation metav1.ManagedFieldsOperationType) ([]string, error) {
	var paths []string
	for _, entry := range object.GetManagedFields() {
		if entry.Manager != manager || entry.Operation != operation || entry.Subresource != "" {
			continue
		}
		set, err := entrySet(entry)
		if err != nil {
			return nil, err
		}
		paths = []string{}
		set.Iterate(func(path fieldpath.Path) { paths = append(paths, path.String()) })
	}
	slices.Sort(paths)
	return paths, nil
}

func entrySet(entry metav1.ManagedFieldsEntry) (*fieldpath.Set, error) {
	set := fieldpath.NewSet()
	if entry.FieldsV1 == nil {
		return set, nil
	}
	if err := set.FromJSON(entry.FieldsV1.GetRawReader()); err != nil {
		return nil, fmt.Errorf("cannot read the fields of manager %s: %w", entry.Manager, err)
	}
	return set, nil
}

func containerPath(name string) fieldpath.Path {
	return fieldpath.MakePathOrDie("spec", "template", "spec", "containers", fieldpath.KeyByFields("name", name))
}

// portPath reads a path as Owners takes it. The number of a port is the key field.
func portPath(path, keyField string) (fieldpath.Path, error) {
	if path == "" {
		return nil, nil
	}
	number, rest, isPort := strings.Cut(path, "/")
	if !isPort {
		return fieldpath.MakePath(path)
	}
	protocol, field, hasField := strings.Cut(rest, ".")
	n, err := strconv.Atoi(number)
	if err != nil {
		return nil, fmt.Errorf("path %q: %w", path, err)
	}
	parts := []any{"ports", fieldpath.KeyByFields(keyField, int64(n), "protocol", protocol)}
	if hasField {
		parts = append(parts, field)
	}
	return fieldpath.MakePath(parts...)
}
