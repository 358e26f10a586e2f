package main

import (
	"context"
	"fmt"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/testenv"
)

// The names of the ways.
const (
	wayPortside        = "portside"
	wayReadModifyWrite = "read-modify-write"
)

// newWays are the constructors of the ways, portside's first.
var newWays = []func(*testenv.ControlPlane) (*way, error){newPortside, newReadModifyWrite}

// way is one of the ways to keep the ports, with a workload of its own. All workloads
// are made the same, so that no way finds fields of another.
type way struct {
	name     string
	workload string
	requests *testenv.Requests
	// reconcile sets the adapter ports and reports whether that was a change.
	reconcile func(ctx context.Context, adapters []apply.Adapter) (bool, error)
	// turn selects the adapters that the workload has ports for, see adapters.
	turn int
}

func newPortside(cp *testenv.ControlPlane) (*way, error) {
	w := &way{name: wayPortside, workload: "portside", requests: &testenv.Requests{}}
	client, err := kubernetes.NewForConfig(w.requests.Wrap(cp.Config()))
	if err != nil {
		return nil, err
	}
	applier, err := apply.New(workload.ClientGo(client.AppsV1()))
	if err != nil {
		return nil, err
	}
	target := workload.Target{Kind: workload.StatefulSet, Namespace: namespace, Name: w.workload}
	w.reconcile = func(ctx context.Context, adapters []apply.Adapter) (bool, error) {
		result, err := applier.Apply(ctx, target, apply.Desired{Container: container, Adapters: adapters})
		if err == nil && result.Outcome != apply.Applied && result.Outcome != apply.Unchanged {
			err = fmt.Errorf("the outcome is %s", result.Outcome)
		}
		return result.Outcome == apply.Applied, err
	}
	return w, nil
}

func newReadModifyWrite(cp *testenv.ControlPlane) (*way, error) {
	w := &way{name: wayReadModifyWrite, workload: "read-modify-write", requests: &testenv.Requests{}}
	client, err := kubernetes.NewForConfig(w.requests.Wrap(cp.Config()))
	if err != nil {
		return nil, err
	}
	w.reconcile = readModifyWrite{client.AppsV1().StatefulSets(namespace), w.workload}.reconcile
	return w, nil
}

// check returns an error unless the workload has exactly its desired ports.
func (w *way) check(ctx context.Context, admin kubernetes.Interface) error {
	live, err := get(ctx, admin, w.workload)
	if err != nil {
		return err
	}
	has, want := portsOf(live), desiredPorts(w.turn)
	if !slices.Equal(has, want) {
		return fmt.Errorf("%s: the ports are %q, want %q", w.name, has, want)
	}
	return nil
}

// desiredPorts returns the ports that a workload should have at a turn, sorted.
func desiredPorts(turn int) []string {
	want := []string{"api 8080", "metrics 9090", "nfs 2049"}
	for _, a := range adapters(turn) {
		want = append(want, fmt.Sprintf("%s %d", apply.PortName(a.Type), a.Port))
	}
	slices.Sort(want)
	return want
}

// portsOf returns the ports of a workload, sorted.
func portsOf(s *appsv1.StatefulSet) []string {
	var has []string
	for _, p := range s.Spec.Template.Spec.Containers[0].Ports {
		has = append(has, fmt.Sprintf("%s %d", p.Name, p.ContainerPort))
	}
	slices.Sort(has)
	return has
}
