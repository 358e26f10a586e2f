package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/testenv"
)

// The names of the ways.
const (
	wayPortside        = "portside"
	wayReadModifyWrite = "read-modify-write"
	wayCreateOrPatch   = "CreateOrPatch"
	wayFlux            = "Flux"
	wayBare            = "bare PATCH"
)

// constructors make the ways, portside's first.
var constructors = []struct {
	name string
	// new returns the way's reconcile of a workload by clients of the configuration.
	new func(config *rest.Config, workload string) (reconcile, error)
}{
	{wayPortside, newPortside},
	{wayReadModifyWrite, newReadModifyWrite},
	{wayCreateOrPatch, newCreateOrPatch},
	{wayFlux, newFlux},
	{wayBare, newBarePatch},
}

// reconcile sets the adapter ports of a workload and reports whether that was a
// change.
type reconcile func(ctx context.Context, adapters []apply.Adapter) (changed bool, err error)

// way is one of the ways to keep the ports, with a workload of its own. All workloads
// are made the same, so that no way finds fields of another.
type way struct {
	name      string
	workload  string
	requests  testenv.Requests
	dryRuns   atomic.Int64 // of requests
	reconcile reconcile
	// turn selects the adapters that the workload has ports for, see adapters.
	turn int
}

// setUpWays returns the ways with their workloads, the ports of the adapters, and open
// connections.
func setUpWays(ctx context.Context, cp *testenv.ControlPlane, admin kubernetes.Interface) ([]*way, error) {
	ways := make([]*way, 0, len(constructors))
	for _, c := range constructors {
		w := &way{name: c.name, workload: workloadOf(c.name)}
		config := w.requests.Wrap(cp.Config())
		config.Wrap(func(next http.RoundTripper) http.RoundTripper { return dryRunCounter{next, &w.dryRuns} })
		var err error
		if w.reconcile, err = c.new(config, w.workload); err != nil {
			return nil, fmt.Errorf("%s: %w", w.name, err)
		}
		if err := create(ctx, admin, w.workload, always); err != nil {
			return nil, err
		}
		for _, changes := range []bool{true, false} {
			if _, err := w.succeed(ctx, changes); err != nil {
				return nil, fmt.Errorf("%s: %w", w.name, err)
			}
		}
		ways = append(ways, w)
	}
	return ways, nil
}

// workloadOf returns the name of a way's workload.
func workloadOf(way string) string { return strings.ToLower(strings.ReplaceAll(way, " ", "-")) }

// isDryRun reports whether a request asks the server to store nothing.
func isDryRun(request *http.Request) bool { return request.URL.Query().Has("dryRun") }

// dryRunCounter counts dry runs.
type dryRunCounter struct {
	next  http.RoundTripper
	count *atomic.Int64
}

// RoundTrip implements [http.RoundTripper].
func (c dryRunCounter) RoundTrip(request *http.Request) (*http.Response, error) {
	if isDryRun(request) {
		c.count.Add(1)
	}
	return c.next.RoundTrip(request)
}

// newPortside applies with the library, which reads the workload from the server. The
// service reads it from its cache, see costs.
func newPortside(config *rest.Config, name string) (reconcile, error) {
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	applier, err := apply.New(workload.ClientGo(client.AppsV1()))
	if err != nil {
		return nil, err
	}
	target := workload.Target{Kind: workload.StatefulSet, Namespace: namespace, Name: name}
	return func(ctx context.Context, adapters []apply.Adapter) (bool, error) {
		result, err := applier.Apply(ctx, target, apply.Desired{Container: container, Adapters: adapters})
		if err == nil && result.Outcome != apply.Applied && result.Outcome != apply.Unchanged {
			err = fmt.Errorf("the outcome is %s", result.Outcome)
		}
		return result.Outcome == apply.Applied, err
	}, nil
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
