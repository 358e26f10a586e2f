package guide_test

import (
	"fmt"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	guide "github.com/portside-dev/portside/examples/guides/update-to-apply"
	"github.com/portside-dev/portside/testenv"
)

// deployment is the Deployment web of the page, in a namespace of its own.
type deployment struct {
	cp     *testenv.ControlPlane
	client client.WithWatch
	key    client.ObjectKey
}

func newDeployment(t *testing.T) *deployment {
	t.Helper()
	cp := testenv.Shared(t)
	c, err := client.NewWithWatch(cp.Config(), client.Options{})
	must(t, err)
	return &deployment{cp: cp, client: c, key: client.ObjectKey{Namespace: cp.Namespace(t), Name: "web"}}
}

// started returns the Deployment as the page begins: declared by Helm, and then written by
// the old release of the operator.
func started(t *testing.T) *deployment {
	t.Helper()
	d := newDeployment(t)
	yaml := blocks(t, "yaml")
	d.cp.Manager("helm").In(d.key.Namespace).MustApply(t, yaml[0])
	d.patch(t, "peers-operator", yaml[1])
	return d
}

func (d *deployment) patch(t *testing.T, manager, patch string) {
	t.Helper()
	json, err := yamlToJSON(patch)
	must(t, err)
	d.cp.Manager(manager).MustPatch(t, "Deployment", d.key.Namespace, "web", types.StrategicMergePatchType, json)
}

func (d *deployment) get(t *testing.T) *appsv1.Deployment {
	t.Helper()
	var live appsv1.Deployment
	must(t, d.client.Get(t.Context(), d.key, &live))
	return &live
}

func (d *deployment) reconcile(t *testing.T) {
	t.Helper()
	must(t, guide.Reconcile(t.Context(), d.client, d.key, "web-0,web-1"))
}

// env returns the env vars as the page prints them, sorted by their place in the list.
func env(live *appsv1.Deployment) string {
	var vars []string
	for _, v := range live.Spec.Template.Spec.Containers[0].Env {
		vars = append(vars, v.Name+"="+v.Value)
	}
	return strings.Join(vars, " ")
}

// managers returns the managers with an entry.
func managers(live *appsv1.Deployment) string {
	var names []string
	for _, e := range live.ManagedFields {
		names = append(names, fmt.Sprintf("%s (%s)", e.Manager, e.Operation))
	}
	return strings.Join(names, ", ")
}
