package v1alpha1_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/portside-dev/portside/apply/v1alpha1"
	configv1alpha1 "github.com/portside-dev/portside/apply/v1alpha1/applyconfiguration/apply/v1alpha1"
	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/fixture"
)

const rolesFile = "../../examples/install/rbac/user-roles.yaml"

// TestRoles asks the server as people who have one of Kubernetes' own roles in
// the namespace.
func TestRoles(t *testing.T) {
	c := newCluster(t)
	c.kubectlApply(rolesFile)
	c.awaitAggregated("view", "get")
	c.awaitAggregated("admin", "delete")
	for role, may := range map[string]struct{ read, write bool }{
		"none":  {},
		"view":  {read: true},
		"edit":  {read: true}, // by view, which edit includes
		"admin": {read: true, write: true},
	} {
		t.Run(role, func(t *testing.T) {
			c := c.in(t)
			c.createdSet(smallest())
			config, err := c.User(c.namespace)
			if err != nil {
				t.Fatal(err)
			}
			c.bind(c.namespace, role)
			user, err := testenv.NewManager(config, testenv.Kubectl)
			if err != nil {
				t.Fatal(err)
			}
			user = user.In(c.namespace)

			_, err = user.Get(t.Context(), v1alpha1.Kind, "", "dittofs")
			checkAllowed(t, "get", err, may.read)
			other := smallest()
			other.SetName("other")
			_, err = user.Create(t.Context(), other)
			checkAllowed(t, "create", err, may.write)
			_, err = user.ForceApply(t.Context(), adapterSet(fixture.Adapters("nfs:1")))
			checkAllowed(t, "apply", err, may.write)
			status := configv1alpha1.AdapterSet("dittofs", c.namespace).
				WithStatus(configv1alpha1.AdapterSetStatus().WithReadyPorts(1))
			err = c.typedClient(config).Status().Apply(t.Context(), status, client.FieldOwner(testenv.Kubectl))
			checkAllowed(t, "apply of the status", err, false)
			checkAllowed(t, "delete", user.Delete(t.Context(), v1alpha1.Kind, "", "dittofs"), may.write)
		})
	}
}

func checkAllowed(t *testing.T, what string, err error, allowed bool) {
	t.Helper()
	if allowed && err != nil || !allowed && !apierrors.IsForbidden(err) {
		t.Errorf("%s: allowed should be %t: %v", what, allowed, err)
	}
}

// awaitAggregated waits until one of Kubernetes' roles grants the verb.
func (c *cluster) awaitAggregated(role, verb string) {
	c.t.Helper()
	roles := c.clientset().RbacV1().ClusterRoles()
	testenv.Eventually(c.t, role+" to grant "+verb, func(ctx context.Context) error {
		live, err := roles.Get(ctx, role, metav1.GetOptions{})
		if err != nil {
			return err
		}
		for _, rule := range live.Rules {
			if slices.Contains(rule.Resources, "adaptersets") && slices.Contains(rule.Verbs, verb) {
				return nil
			}
		}
		return fmt.Errorf("its rules: %v", live.Rules)
	})
}

// bind gives a user one of Kubernetes' roles in the namespace, and waits until
// the server has seen that.
func (c *cluster) bind(user, role string) {
	c.t.Helper()
	if role == "none" {
		return
	}
	_, err := c.clientset().RbacV1().RoleBindings(c.namespace).Create(c.t.Context(), &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: role},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: user}},
	}, metav1.CreateOptions{})
	if err != nil {
		c.t.Fatal(err)
	}
	testenv.Eventually(c.t, "the binding to count", func(ctx context.Context) error {
		_, err := c.Kubectl(ctx, c.namespace, "", "auth", "can-i", "get", "adaptersets", "--as="+user)
		return err
	})
}
