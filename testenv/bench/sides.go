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

// side is one of the two ways, with a workload of its own: equal to the other's, so
// that neither finds fields of the other.
type side struct {
	name     string
	workload string
	requests *testenv.Requests
	// reconcile sets the adapter ports and reports whether that was a change.
	reconcile func(ctx context.Context, adapters []apply.Adapter) (bool, error)
	// turn selects the adapters that the workload has ports for, see adapters.
	turn int
}

func newPortside(cp *testenv.ControlPlane) (*side, error) {
	s := &side{name: "portside", workload: "portside", requests: &testenv.Requests{}}
	client, err := kubernetes.NewForConfig(s.requests.Wrap(cp.Config()))
	if err != nil {
		return nil, err
	}
	applier, err := apply.New(workload.ClientGo(client.AppsV1()))
	if err != nil {
		return nil, err
	}
	target := workload.Target{Kind: workload.StatefulSet, Namespace: namespace, Name: s.workload}
	s.reconcile = func(ctx context.Context, adapters []apply.Adapter) (bool, error) {
		result, err := applier.Apply(ctx, target, apply.Desired{Container: container, Adapters: adapters})
		if err == nil && result.Outcome != apply.Applied && result.Outcome != apply.Unchanged {
			err = fmt.Errorf("the outcome is %s", result.Outcome)
		}
		return result.Outcome == apply.Applied, err
	}
	return s, nil
}

func newReadModifyWrite(cp *testenv.ControlPlane) (*side, error) {
	s := &side{name: "read-modify-write", workload: "read-modify-write", requests: &testenv.Requests{}}
	client, err := kubernetes.NewForConfig(s.requests.Wrap(cp.Config()))
	if err != nil {
		return nil, err
	}
	s.reconcile = readModifyWrite{client.AppsV1().StatefulSets(namespace), s.workload}.reconcile
	return s, nil
}

// check returns an error unless the workload has exactly its desired ports.
func (s *side) check(ctx context.Context, admin kubernetes.Interface) error {
	live, err := get(ctx, admin, s.workload)
	if err != nil {
		return err
	}
	has, want := portsOf(live), desiredPorts(s.turn)
	if !slices.Equal(has, want) {
		return fmt.Errorf("%s: the ports are %q, want %q", s.name, has, want)
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
