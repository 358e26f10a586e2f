package fieldmanager

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/validation"
)

// BeforeFirstApply is the manager that the API server invents, with operation
// Update, for the fields of an object that had no managedFields when it was
// first applied to.
const BeforeFirstApply = "before-first-apply"

// Manager identifies a writer of managedFields entries, as the API server does but
// for the apiVersion: an owner stays the same owner across API versions.
type Manager struct {
	Name        string                            `json:"manager"`
	Operation   metav1.ManagedFieldsOperationType `json:"operation"`
	Subresource string                            `json:"subresource,omitempty"`
}

// ManagerOf returns the manager of an entry of managedFields.
func ManagerOf(e *metav1.ManagedFieldsEntry) Manager {
	return Manager{Name: e.Manager, Operation: e.Operation, Subresource: e.Subresource}
}

// Applier returns the manager that applies under this name to the object itself.
func Applier(name string) Manager {
	return Manager{Name: name, Operation: metav1.ManagedFieldsOperationApply}
}

// Updater returns the manager that creates, updates or patches under this name.
func Updater(name string) Manager {
	return Manager{Name: name, Operation: metav1.ManagedFieldsOperationUpdate}
}

// String returns the name and, in parentheses, how the manager writes, as far as it
// is known.
func (m Manager) String() string {
	if m.Operation == "" {
		return m.Name
	}
	if m.Subresource != "" {
		return fmt.Sprintf("%s (%s of %s)", m.Name, m.Operation, m.Subresource)
	}
	return fmt.Sprintf("%s (%s)", m.Name, m.Operation)
}

// Compare orders managers by name, operation and subresource.
func (m Manager) Compare(o Manager) int {
	return cmp.Or(
		cmp.Compare(m.Name, o.Name),
		cmp.Compare(m.Operation, o.Operation),
		cmp.Compare(m.Subresource, o.Subresource),
	)
}

// Names returns the managers' names, each once, sorted.
func Names(managers []Manager) []string {
	names := make([]string, 0, len(managers))
	for _, m := range managers {
		names = append(names, m.Name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Join returns the managers, separated by commas.
func Join(managers []Manager) string {
	texts := make([]string, len(managers))
	for i, m := range managers {
		texts[i] = m.String()
	}
	return strings.Join(texts, ", ")
}

// ValidateName returns an error for a name that a controller must not take for its
// own field manager: one that the API server refuses (it takes 1 to 128 printable
// bytes), or one that another party removes again. [BeforeFirstApply] is the
// server's own; names that begin with "kubectl" are taken over by Flux, see
// https://fluxcd.io/flux/components/kustomize/kustomizations/.
func ValidateName(name string) error {
	if name == "" {
		return errors.New("the field manager's name is empty")
	}
	if errs := validation.ValidateFieldManager(name, nil); len(errs) > 0 {
		return fmt.Errorf("field manager %.40q: %s", name, errs[0].ErrorBody())
	}
	if name == BeforeFirstApply {
		return fmt.Errorf("field manager %q is the API server's own name for unmanaged fields", name)
	}
	if strings.HasPrefix(name, "kubectl") {
		return fmt.Errorf("field manager %q begins with \"kubectl\": Flux takes such managers' fields over", name)
	}
	return nil
}
