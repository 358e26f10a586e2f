package examples_test

// apply/README.md contains copies of these declarations; TestPages compares them.

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

// valueOwners returns the field managers that own the value of an environment
// variable.
func valueOwners(object metav1.Object, container, variable string) ([]string, error) {
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

// syncPorts adds the port of an adapter to a StatefulSet, and removes it once the
// adapter no longer runs.
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

func TestValueOwners(t *testing.T) {
	cp := testenv.Shared(t)
	object := cp.Manager(testenv.ArgoCD).In(cp.Namespace(t)).MustApply(t, web)
	for variable, want := range map[string]string{"MODE": "[argocd-controller]", "LEVEL": "[]"} {
		got, err := valueOwners(object, "web", variable)
		if err != nil || fmt.Sprint(got) != want {
			t.Errorf("%s is set by %v, %v, want %s", variable, got, err, want)
		}
	}
}

func TestSyncPorts(t *testing.T) {
	cp := testenv.Shared(t)
	ns := cp.Namespace(t)
	argo := cp.Manager(testenv.ArgoCD).In(ns)
	argo.MustApply(t, web)
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
		object := argo.MustGet(t, "StatefulSet", "", "web")
		if got := fmt.Sprint(testenv.Ports(object, "web")); got != test.ports {
			t.Errorf("running %t: the ports are %s, want %s", test.running, got, test.ports)
		}
	}
}
