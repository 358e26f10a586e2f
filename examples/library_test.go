package examples_test

// The README contains copies of these declarations; TestReadmeGo compares them.

import (
	"context"
	"fmt"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/port"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/fieldmanager"
	"github.com/portside-dev/portside/testenv"
)

// whoSets tells which field managers own the value of an env var.
func whoSets(object metav1.Object, container, variable string) ([]string, error) {
	entries, err := fieldmanager.Decode(object.GetManagedFields())
	if err != nil {
		return nil, err
	}
	env := fieldmanager.ListAt("spec", "template", "spec", "containers",
		fieldmanager.KeyOf("name", container), "env")
	owners, err := entries.In(env).Of(fieldmanager.KeyOf("name", variable))
	if err != nil {
		return nil, err
	}
	return fieldmanager.Names(owners.Leaves["value"]), nil
}

// syncPorts gives a StatefulSet the port of one adapter, and removes it once
// the adapter no longer runs.
func syncPorts(ctx context.Context, config *rest.Config, namespace, name string, running bool) (apply.Result, error) {
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return apply.Result{}, err
	}
	applier, err := apply.New(workload.ClientGo(client.AppsV1()), apply.WithFieldManager("my-operator-ports"))
	if err != nil {
		return apply.Result{}, err
	}
	var active []apply.Adapter
	if running {
		active = append(active, apply.Adapter{Type: "nfs", Port: 12049})
	}
	return applier.Apply(ctx,
		workload.Target{Kind: workload.StatefulSet, Namespace: namespace, Name: name},
		apply.Desired{Adapters: active})
}

const web = `
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: web
        env: [{name: MODE, value: fast}]
        ports: [{name: http, containerPort: 8080}]
`

func TestWhoSets(t *testing.T) {
	cp := testenv.Shared(t)
	object, err := cp.Manager(testenv.ArgoCD).In(cp.Namespace(t)).Apply(t.Context(), web)
	if err != nil {
		t.Fatal(err)
	}
	for variable, want := range map[string]string{"MODE": "[argocd-controller]", "LEVEL": "[]"} {
		got, err := whoSets(object, "web", variable)
		if err != nil || fmt.Sprint(got) != want {
			t.Errorf("%s is set by %v, %v, want %s", variable, got, err, want)
		}
	}
}

func TestSyncPorts(t *testing.T) {
	cp := testenv.Shared(t)
	ns := cp.Namespace(t)
	argo := cp.Manager(testenv.ArgoCD).In(ns)
	if _, err := argo.Apply(t.Context(), web); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		running bool
		state   port.State
		ports   string
	}{
		{true, port.Owned, "[http:8080/TCP adapter-nfs:12049/TCP]"},
		{false, port.Removed, "[http:8080/TCP]"},
	} {
		result, err := syncPorts(t.Context(), cp.Config(), ns, "web", test.running)
		if err != nil {
			t.Fatal(err)
		}
		if len(result.Ports) != 1 || result.Ports[0].State != test.state {
			t.Errorf("running %t: %+v, want one port, %s", test.running, result.Ports, test.state)
		}
		object, err := argo.Get(t.Context(), "StatefulSet", "", "web")
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(testenv.Ports(object, "web")); got != test.ports {
			t.Errorf("running %t: the ports are %s, want %s", test.running, got, test.ports)
		}
	}
}
