package port_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	applyappsv1 "k8s.io/client-go/applyconfigurations/apps/v1"
	applycorev1 "k8s.io/client-go/applyconfigurations/core/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/portside-dev/portside/apply/port"
	"github.com/portside-dev/portside/fieldmanager"
	"github.com/portside-dev/portside/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m, testenv.Options{}) }

// env describes the env vars of the container web: keyed by name, which is their name too.
var env = port.List{
	At:     fieldmanager.ListAt("spec", "template", "spec", "containers", fieldmanager.KeyOf("name", "web"), "env"),
	Key:    []string{"name"},
	Name:   "name",
	Prefix: "ADAPTER_",
}

const (
	toy = "adapter-env"
	web = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: web:1
        env: [{name: MODE, value: fast}, {name: ADAPTER_SMB, value: "445"}]
`
)

// writer gives a Deployment an env var for each adapter: what a further list needs besides
// its description.
type writer struct {
	client    kubernetes.Interface
	namespace string
}

func (w writer) plan(ctx context.Context, adapters ...string) (*port.Observed, port.Plan, error) {
	live, err := w.client.AppsV1().Deployments(w.namespace).Get(ctx, "web", metav1.GetOptions{})
	if err != nil {
		return nil, port.Plan{}, err
	}
	entries, err := fieldmanager.Decode(live.ManagedFields)
	if err != nil {
		return nil, port.Plan{}, err
	}
	var items []port.Item
	for _, v := range live.Spec.Template.Spec.Containers[0].Env {
		items = append(items, port.Item{Key: env.KeyOf(v.Name), Name: v.Name})
	}
	observed, err := port.Observe(env, fieldmanager.Applier(toy), entries, items)
	if err != nil {
		return nil, port.Plan{}, err
	}
	var desired port.Desired
	for _, name := range adapters {
		desired.Items = append(desired.Items, port.DesiredItem{Item: port.Item{Key: env.KeyOf(name), Name: name}, Type: name})
	}
	return observed, port.Decide(observed, desired), nil
}

func (w writer) apply(ctx context.Context, plan port.Plan) error {
	container := applycorev1.Container().WithName("web")
	for _, item := range plan.Items {
		container.WithEnv(applycorev1.EnvVar().WithName(item.Name).WithValue("on"))
	}
	_, err := w.client.AppsV1().Deployments(w.namespace).Apply(ctx, applyappsv1.Deployment("web", w.namespace).WithSpec(
		applyappsv1.DeploymentSpec().WithTemplate(applycorev1.PodTemplateSpec().WithSpec(applycorev1.PodSpec().WithContainers(container)))),
		metav1.ApplyOptions{FieldManager: toy})
	return err
}

// TestList plans and applies a list that no package of portside knows, by a description
// alone.
func TestList(t *testing.T) {
	t.Parallel()
	cp := testenv.Shared(t)
	w := writer{kubernetes.NewForConfigOrDie(cp.Config()), cp.Namespace(t)}
	git := cp.Manager(testenv.ArgoCD).In(w.namespace)
	git.MustApply(t, web)
	expect := func(step string, want []port.State, items []string, adapters ...string) port.Plan {
		t.Helper()
		_, plan, err := w.plan(t.Context(), adapters...)
		if err != nil {
			t.Fatalf("%s: %v", step, err)
		}
		var states []port.State
		for _, s := range plan.States {
			states = append(states, s.State)
		}
		var names []string
		for _, i := range plan.Items {
			names = append(names, i.Name)
		}
		if !slices.Equal(states, want) || !slices.Equal(names, items) {
			t.Errorf("%s: states %v, apply %v; want %v, %v", step, plan.States, names, want, items)
		}
		return plan
	}
	live := func(step string, want ...string) {
		t.Helper()
		d, err := w.client.AppsV1().Deployments(w.namespace).Get(t.Context(), "web", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, v := range d.Spec.Template.Spec.Containers[0].Env {
			names = append(names, v.Name)
		}
		if !slices.Equal(names, want) {
			t.Errorf("%s: env %q, want %q", step, names, want)
		}
	}
	// The name is the key, so that rows 3, 9 and 10 cannot occur.
	plan := expect("row 1, and a name twice", []port.State{port.Owned, port.Owned, port.Blocked}, []string{"ADAPTER_FTP", "ADAPTER_NFS"}, "ADAPTER_NFS", "ADAPTER_FTP", "ADAPTER_NFS")
	if plan.States[2].Reason != port.ReasonDuplicateName {
		t.Errorf("the reason is %s", plan.States[2].Reason)
	}
	if err := w.apply(t.Context(), plan); err != nil {
		t.Fatal(err)
	}
	live("applied", "MODE", "ADAPTER_SMB", "ADAPTER_FTP", "ADAPTER_NFS")
	plan = expect("row 2, and an order that stays", []port.State{port.Owned, port.Owned}, []string{"ADAPTER_FTP", "ADAPTER_NFS"}, "ADAPTER_NFS", "ADAPTER_FTP")
	observed, _, err := w.plan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !observed.Has(plan.Items) {
		t.Errorf("the list has not all of %v", plan.Items)
	}
	expect("row 4", []port.State{port.Shared}, []string{"ADAPTER_SMB"}, "ADAPTER_SMB")
	if err := w.apply(t.Context(), expect("one is not desired any more", []port.State{port.Owned}, []string{"ADAPTER_NFS"}, "ADAPTER_NFS")); err != nil {
		t.Fatal(err)
	}
	live("one is removed", "MODE", "ADAPTER_SMB", "ADAPTER_NFS")
	git.MustApply(t, strings.Replace(web, `value: "445"}`, `value: "445"}, {name: ADAPTER_NFS, value: "on"}`, 1))
	expect("row 4, after the owner declared it", []port.State{port.Shared}, []string{"ADAPTER_NFS"}, "ADAPTER_NFS")
	if err := w.apply(t.Context(), expect("nothing is desired", nil, nil)); err != nil {
		t.Fatal(err)
	}
	live("the owner's stays", "MODE", "ADAPTER_SMB", "ADAPTER_NFS")
}

// TestList_LacksAKeyField is an error, and not a list without owners.
func TestList_LacksAKeyField(t *testing.T) {
	t.Parallel()
	ports := port.List{At: fieldmanager.ListAt("ports"), Key: []string{"containerPort"}, Name: "name"}
	entries, err := fieldmanager.Decode([]metav1.ManagedFieldsEntry{{Manager: "git", Operation: "Apply", FieldsV1: metav1.NewFieldsV1(
		`{"f:ports":{"k:{\"containerPort\":80,\"protocol\":\"TCP\"}":{".":{},"f:name":{}}}}`)}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := port.Observe(ports, fieldmanager.Applier(toy), entries, []port.Item{{Key: ports.KeyOf(80), Name: "http"}}); err == nil {
		t.Error("the owner of port 80 was not found, and there is no error")
	}
	full := port.List{At: ports.At, Key: []string{"containerPort", "protocol"}, Name: "name"}
	observed, err := port.Observe(full, fieldmanager.Applier(toy), entries, []port.Item{full.Item(port.Port{Name: "http", Number: 80, Protocol: corev1.ProtocolTCP})})
	if err != nil || len(observed.Items[0].Owners) != 1 || full.Text(observed.Items[0].Key) != "80/TCP" {
		t.Errorf("with all key fields: %v, %v", observed, err)
	}
}
