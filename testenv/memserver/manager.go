package memserver

import (
	"context"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	"github.com/portside-dev/portside/testenv"
)

// Manager writes under the name of a field manager in a namespace, as [testenv.Manager]
// does on a real server, with the same methods.
type Manager struct {
	server          *Server
	name, namespace string
}

// Manager returns a manager that writes in a namespace.
func (s *Server) Manager(name, namespace string) *Manager { return &Manager{s, name, namespace} }

// Apply sends the object by server-side apply without force.
func (m *Manager) Apply(_ context.Context, object any) (*unstructured.Unstructured, error) {
	return m.apply(object, false)
}

// ForceApply is Apply with force.
func (m *Manager) ForceApply(_ context.Context, object any) (*unstructured.Unstructured, error) {
	return m.apply(object, true)
}

func (m *Manager) apply(object any, force bool) (*unstructured.Unstructured, error) {
	u, err := m.target(object)
	if err != nil {
		return nil, err
	}
	return read(m.server.Apply(u.GetKind(), m.namespace, u.GetName(), u.Object, Options{Manager: m.name, Force: force}))
}

// Create creates the object.
func (m *Manager) Create(_ context.Context, object any) (*unstructured.Unstructured, error) {
	u, err := m.target(object)
	if err != nil {
		return nil, err
	}
	return read(m.server.Create(u, Options{Manager: m.name}))
}

// Update reads the object, calls mutate, and replaces the object.
func (m *Manager) Update(ctx context.Context, kind, namespace, name string, mutate func(*unstructured.Unstructured)) (*unstructured.Unstructured, error) {
	live, err := m.Get(ctx, kind, namespace, name)
	if err != nil {
		return nil, err
	}
	mutate(live)
	return read(m.server.Update(live, Options{Manager: m.name}))
}

// Patch sends a patch that is not a server-side apply.
func (m *Manager) Patch(_ context.Context, kind, namespace, name string, pt types.PatchType, data []byte) (*unstructured.Unstructured, error) {
	return read(m.server.Patch(kind, namespace, name, pt, data, Options{Manager: m.name}))
}

// Get reads the object.
func (m *Manager) Get(_ context.Context, kind, namespace, name string) (*unstructured.Unstructured, error) {
	return read(m.server.Get(kind, namespace, name))
}

// Delete deletes the object.
func (m *Manager) Delete(_ context.Context, kind, namespace, name string) error {
	return m.server.Delete(kind, namespace, name)
}

// target returns the object in the manager's namespace.
func (m *Manager) target(object any) (*unstructured.Unstructured, error) {
	u, err := testenv.Object(object)
	if err != nil {
		return nil, err
	}
	u.SetNamespace(m.namespace)
	return u, nil
}

// read returns a stored object as JSON has it.
func read(object Object, err error) (*unstructured.Unstructured, error) {
	if err != nil {
		return nil, err
	}
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
	return &unstructured.Unstructured{Object: content}, err
}
