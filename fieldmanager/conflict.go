package fieldmanager

import (
	"cmp"
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Conflict is one field that an apply wanted to change and that another
// manager owns.
type Conflict struct {
	// Manager is the owner. Its subresource is empty where the server did not
	// name one.
	Manager Manager
	// Path is the field as the server printed it, such as
	// .spec.template.spec.containers[name="web"].env[name="MODE"].value
	Path string
}

// Within reports whether the field is the one at path or lies below it.
func (c Conflict) Within(path Path) bool {
	rest, below := strings.CutPrefix(c.Path, path.String())
	return below && (rest == "" || rest[0] == '.' || rest[0] == '[')
}

// ConflictError is an apply that was refused because of what other managers own. It
// unwraps to the API server's error.
type ConflictError struct {
	// Conflicts are sorted by path, then manager.
	Conflicts []Conflict
	err       error
}

// Error returns every field and its owner, on one line.
func (e *ConflictError) Error() string {
	parts := make([]string, 0, len(e.Conflicts))
	for _, c := range e.Conflicts {
		parts = append(parts, c.Path+" is owned by "+c.Manager.String())
	}
	return "apply conflict: " + strings.Join(parts, "; ")
}

// Unwrap returns the API server's error.
func (e *ConflictError) Unwrap() error { return e.err }

// Conflicts returns the field manager conflicts in an error of the API server.
// It returns nil for every other error, also for the conflicts of optimistic locking
// and of a metadata.uid, which have the same status code. Compare it with nil
// before it becomes an error: an error that holds a nil *ConflictError is not nil.
func Conflicts(err error) *ConflictError {
	var status apierrors.APIStatus
	if !errors.As(err, &status) || status.Status().Details == nil {
		return nil
	}
	var conflicts []Conflict
	for _, cause := range status.Status().Details.Causes {
		if cause.Type == metav1.CauseTypeFieldManagerConflict {
			conflicts = append(conflicts, Conflict{Manager: parseConflict(cause.Message), Path: cause.Field})
		}
	}
	if len(conflicts) == 0 {
		return nil
	}
	slices.SortFunc(conflicts, func(a, b Conflict) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), a.Manager.Compare(b.Manager))
	})
	return &ConflictError{Conflicts: slices.Compact(conflicts), err: err}
}

// conflictMessage matches how the API server words a conflict; see NewConflictError
// in k8s.io/apimachinery/pkg/util/managedfields/internal/conflict.go. Only an
// Update's says which API version it was "using".
var conflictMessage = regexp.MustCompile(`^conflict with ("(?:[^"\\]|\\.)*")(?: with subresource ("(?:[^"\\]|\\.)*"))?( using .*)?$`)

func parseConflict(message string) Manager {
	match := conflictMessage.FindStringSubmatch(message)
	if match == nil {
		// The wording is not part of the API. What it said is then still the
		// best name to show.
		return Manager{Name: message}
	}
	m := Manager{Name: unquote(match[1]), Operation: metav1.ManagedFieldsOperationApply, Subresource: unquote(match[2])}
	if match[3] != "" {
		m.Operation = metav1.ManagedFieldsOperationUpdate
	}
	return m
}

func unquote(quoted string) string {
	plain, err := strconv.Unquote(quoted)
	if err != nil {
		return quoted
	}
	return plain
}
