package testenv

import (
	"context"
	"fmt"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
)

// Names of managers in managedFields.
const (
	Portside               = "portside"
	ArgoCD                 = "argocd-controller"
	Flux                   = "kustomize-controller"
	Helm                   = "helm"
	Kubectl                = "kubectl" // kubectl apply --server-side
	KubectlClientSideApply = "kubectl-client-side-apply"
	KubectlEdit            = "kubectl-edit"
	KubectlReplace         = "kubectl-replace"
	KubectlSet             = "kubectl-set"
	DittoFSOperator        = "dittofs-operator" // the former operator, which reads, modifies and updates
	ControllerManager      = "kube-controller-manager"
	BeforeFirstApply       = "before-first-apply" // the server's, for fields without an owner at the first apply
)

// Manager writes under the name of a field manager. It has no state and is safe for
// concurrent use.
type Manager struct {
	name      string
	namespace string
	client    dynamic.Interface
}

// NewManager returns a manager that writes as the configuration's user. The
// server's warnings are dropped unless the configuration handles them: these
// managers often write unusual objects on purpose.
func NewManager(config *rest.Config, name string) (*Manager, error) {
	if config.WarningHandler == nil && config.WarningHandlerWithContext == nil {
		config = rest.CopyConfig(config)
		config.WarningHandler = rest.NoWarnings{}
	}
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	return &Manager{name: name, client: client}, nil
}

// Manager returns a manager that writes as the administrator.
func (cp *ControlPlane) Manager(name string) *Manager {
	manager, err := NewManager(cp.admin, name)
	if err != nil {
		panic(fmt.Sprintf("testenv: cannot make a client of the administrator: %v", err))
	}
	return manager
}

// Name returns the name in managedFields.
func (m *Manager) Name() string { return m.name }

// In returns the same manager with a namespace for objects that name none.
func (m *Manager) In(namespace string) *Manager {
	in := *m
	in.namespace = namespace
	return &in
}

// Apply sends the object by server-side apply without force: it is refused where
// another manager owns a field with another value. The object is YAML or JSON in a
// string or []byte, or anything that marshals to an object.
func (m *Manager) Apply(ctx context.Context, object any) (*unstructured.Unstructured, error) {
	return m.apply(ctx, object, false)
}

// MustApply applies the objects in their order and returns the last. The test fails
// at the first that is refused.
func (m *Manager) MustApply(t testing.TB, objects ...any) (live *unstructured.Unstructured) {
	t.Helper()
	for _, object := range objects {
		var err error
		if live, err = m.Apply(t.Context(), object); err != nil {
			t.Fatalf("%s applies: %v", m.name, err)
		}
	}
	return live
}

// MustCreate is [Manager.Create] for a test, which fails if it is refused.
func (m *Manager) MustCreate(t testing.TB, object any) *unstructured.Unstructured {
	t.Helper()
	return m.must(t, "creates")(m.Create(t.Context(), object))
}

// MustGet is [Manager.Get] for a test, which fails if the object cannot be read.
func (m *Manager) MustGet(t testing.TB, kind, namespace, name string) *unstructured.Unstructured {
	t.Helper()
	return m.must(t, "gets")(m.Get(t.Context(), kind, namespace, name))
}

// MustPatch is [Manager.Patch] for a test, which fails if it is refused.
func (m *Manager) MustPatch(t testing.TB, kind, namespace, name string, pt types.PatchType, data []byte) *unstructured.Unstructured {
	t.Helper()
	return m.must(t, "patches")(m.Patch(t.Context(), kind, namespace, name, pt, data))
}

// MustDelete is [Manager.Delete] for a test, which fails if it is refused.
func (m *Manager) MustDelete(t testing.TB, kind, namespace, name string) {
	t.Helper()
	m.must(t, "deletes")(nil, m.Delete(t.Context(), kind, namespace, name))
}

func (m *Manager) must(t testing.TB, does string) func(*unstructured.Unstructured, error) *unstructured.Unstructured {
	return func(live *unstructured.Unstructured, err error) *unstructured.Unstructured {
		t.Helper()
		if err != nil {
			t.Fatalf("%s %s: %v", m.name, does, err)
		}
		return live
	}
}

// ForceApply is Apply with force: it takes conflicting fields from other managers.
func (m *Manager) ForceApply(ctx context.Context, object any) (*unstructured.Unstructured, error) {
	return m.apply(ctx, object, true)
}

func (m *Manager) apply(ctx context.Context, object any, force bool) (*unstructured.Unstructured, error) {
	u, resource, err := m.target(object)
	if err != nil {
		return nil, err
	}
	body, err := u.MarshalJSON()
	if err != nil {
		return nil, err
	}
	return resource.Patch(ctx, u.GetName(), types.ApplyYAMLPatchType, body,
		metav1.PatchOptions{FieldManager: m.name, Force: &force})
}

// Create creates the object.
func (m *Manager) Create(ctx context.Context, object any) (*unstructured.Unstructured, error) {
	u, resource, err := m.target(object)
	if err != nil {
		return nil, err
	}
	return resource.Create(ctx, u, metav1.CreateOptions{FieldManager: m.name})
}

// Update reads the object, calls mutate, and replaces the object, as clients do
// that read, modify and write. A conflict of versions is returned, not retried.
func (m *Manager) Update(ctx context.Context, kind, namespace, name string, mutate func(*unstructured.Unstructured)) (*unstructured.Unstructured, error) {
	resource, err := m.resource(kind, namespace)
	if err != nil {
		return nil, err
	}
	live, err := resource.Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	mutate(live)
	return resource.Update(ctx, live, metav1.UpdateOptions{FieldManager: m.name})
}

// Patch sends a patch that is not a server-side apply.
func (m *Manager) Patch(ctx context.Context, kind, namespace, name string, pt types.PatchType, data []byte) (*unstructured.Unstructured, error) {
	resource, err := m.resource(kind, namespace)
	if err != nil {
		return nil, err
	}
	return resource.Patch(ctx, name, pt, data, metav1.PatchOptions{FieldManager: m.name})
}

// Get reads the object.
func (m *Manager) Get(ctx context.Context, kind, namespace, name string) (*unstructured.Unstructured, error) {
	resource, err := m.resource(kind, namespace)
	if err != nil {
		return nil, err
	}
	return resource.Get(ctx, name, metav1.GetOptions{})
}

// Delete deletes the object, and its dependents in the background.
func (m *Manager) Delete(ctx context.Context, kind, namespace, name string) error {
	resource, err := m.resource(kind, namespace)
	if err != nil {
		return err
	}
	background := metav1.DeletePropagationBackground
	return resource.Delete(ctx, name, metav1.DeleteOptions{PropagationPolicy: &background})
}
