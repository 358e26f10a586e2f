package portside

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"github.com/portside-dev/portside/testenv"
)

// Installation is portside in a control plane as `portside install` prints it. The
// test renders the manifests.
type Installation struct {
	ControlPlane *testenv.ControlPlane
	// Namespace is portside's own. The manifests name it.
	Namespace string
	// FieldManager also names the ServiceAccount, the Deployment, the Lease and the
	// policies.
	FieldManager string
}

// Apply applies manifests as users do.
func (i Installation) Apply(t testing.TB, manifests string) {
	t.Helper()
	i.ControlPlane.MustKubectl(t, "", manifests, "apply", "--server-side", "-f", "-")
}

// Token returns the configuration of the ServiceAccount, see [Token].
func (i Installation) Token(t testing.TB) *rest.Config {
	t.Helper()
	config, err := Token(t.Context(), i.ControlPlane, i.Namespace, i.FieldManager)
	if err != nil {
		t.Fatal(err)
	}
	return config
}

// WaitGuard waits until the guard policy refuses that portside labels a workload, or the
// guard policy of Services that it labels a Service: the server takes a moment to compile policies. Nothing is stored.
func (i Installation) WaitGuard(t testing.TB, kind, namespace, name string) {
	t.Helper()
	client, err := dynamic.NewForConfig(i.Token(t))
	if err != nil {
		t.Fatal(err)
	}
	resource := schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: strings.ToLower(kind) + "s"}
	policy := i.FieldManager + "-guard'"
	if kind == "Service" {
		resource.Group, policy = "", i.FieldManager+"-guard-services'"
	}
	objects := client.Resource(resource).Namespace(namespace)
	options := metav1.PatchOptions{FieldManager: i.FieldManager, DryRun: []string{metav1.DryRunAll}}
	testenv.Eventually(t, "the guard to be in force", func(ctx context.Context) error {
		_, err := objects.Patch(ctx, name, types.MergePatchType, []byte(`{"metadata":{"labels":{"probe":"guard"}}}`), options)
		return RefusedBy(err, policy)
	})
}

// RefusedBy returns nil if an error is the refusal of a ValidatingAdmissionPolicy
// whose name begins with this.
func RefusedBy(err error, policy string) error {
	if err == nil {
		return errors.New("not refused")
	}
	if !apierrors.IsInvalid(err) && !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), "ValidatingAdmissionPolicy '"+policy) {
		return fmt.Errorf("not refused by %s: %w", policy, err)
	}
	return nil
}
