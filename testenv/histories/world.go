package histories

import (
	"context"
	"errors"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/memserver"
)

// Name is that of the object, and of its container.
const Name = "dittofs"

// Names of managers that testenv has no name for.
const (
	Contributor = "contributor" // applies ports alone, without force
	Resetter    = "reset"       // empties managedFields
)

// Writer is a manager that writes to a server.
type Writer interface {
	Apply(ctx context.Context, object any) (*unstructured.Unstructured, error)
	ForceApply(ctx context.Context, object any) (*unstructured.Unstructured, error)
	Update(ctx context.Context, kind, namespace, name string, mutate func(*unstructured.Unstructured)) (*unstructured.Unstructured, error)
	Patch(ctx context.Context, kind, namespace, name string, pt types.PatchType, data []byte) (*unstructured.Unstructured, error)
	Get(ctx context.Context, kind, namespace, name string) (*unstructured.Unstructured, error)
	Delete(ctx context.Context, kind, namespace, name string) error
}

// API is a server and a namespace in which a history is played.
type API struct {
	Namespace string
	// Manager returns a manager by its name.
	Manager func(name string) Writer
}

// OnServer returns a namespace of a real API server.
func OnServer(cp *testenv.ControlPlane, namespace string) API {
	return API{namespace, func(name string) Writer { return cp.Manager(name).In(namespace) }}
}

// InMemory returns a namespace of a server in memory.
func InMemory(server *memserver.Server, namespace string) API {
	return API{namespace, func(name string) Writer { return server.Manager(name, namespace) }}
}

// World is what the steps of one history work on.
type World struct {
	API
	Kind Kind
	// Variant is one of the kind's variants.
	Variant string
	// Declared are the static ports that their owner last applied.
	Declared string
}

// Live returns the object, nil where there is none.
func (w *World) Live(ctx context.Context) (*unstructured.Unstructured, error) {
	live, err := w.Manager("testenv").Get(ctx, w.Kind.Name(), w.Namespace, Name)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	return live, err
}

// patch sends a patch under the name of a manager.
func (w *World) patch(ctx context.Context, manager string, pt types.PatchType, data string) error {
	_, err := w.Manager(manager).Patch(ctx, w.Kind.Name(), w.Namespace, Name, pt, []byte(data))
	return err
}

// update reads, changes and writes the object under the name of a manager.
func (w *World) update(ctx context.Context, manager string, mutate func(*unstructured.Unstructured)) error {
	_, err := w.Manager(manager).Update(ctx, w.Kind.Name(), w.Namespace, Name, mutate)
	return err
}

// IsAnswer reports whether an error is what the server answers to a step that it refuses.
// Anything else is a mistake in the step, or no connection.
func IsAnswer(err error) bool {
	var status apierrors.APIStatus
	return errors.As(err, &status)
}

// Describe returns a refusal with its reason and causes.
func Describe(err error) string {
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return fmt.Sprint(err)
	}
	s := status.Status()
	lines := []string{fmt.Sprintf("%d %s %s", s.Code, s.Reason, s.Message)}
	if s.Details != nil {
		for _, c := range s.Details.Causes {
			lines = append(lines, fmt.Sprintf("  %s %s: %s", c.Type, c.Field, c.Message))
		}
	}
	return strings.Join(lines, "\n")
}
