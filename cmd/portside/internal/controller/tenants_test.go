package controller

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/portside-dev/portside/cmd/portside/internal/rollout"
	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/fixture"
)

// tenants are two namespaces with one service. The pods of the greedy tenant never
// become ready once they have a port of portside.
type tenants struct {
	*scene // of the honest one
	greedy string
}

func newTenants(t *testing.T) *tenants {
	t.Helper()
	s := &tenants{scene: stoppedScene(t)}
	s.kind, s.greedy = "Deployment", s.cp.Namespace(t)
	s.start(t, s.everyNamespace)
	return s
}

// everyNamespace has the service watch all namespaces for the AdapterSets of this
// test.
func (s *tenants) everyNamespace(o *Options) {
	o.Namespace, o.Selector = "", labels.SelectorFromSet(labels.Set{"test": s.ns})
}

// workloads creates n Deployments, and returns their names.
func (s *tenants) workloads(t *testing.T, namespace, prefix string, n int) (names []string) {
	t.Helper()
	for i := range n {
		names = append(names, fmt.Sprintf("%s-%d", prefix, i))
		s.git.In(namespace).MustApply(t, fixture.Deployment(names[i], fixture.Container("server"),
			fixture.InContainer("server", "{readinessProbe: {tcpSocket: {port: adapter-one}}, livenessProbe: {tcpSocket: {port: adapter-two}}}")))
	}
	return names
}

// declare applies an AdapterSet with one adapter for each of the Deployments.
func (s *tenants) declare(t *testing.T, namespace, adapter string, names ...string) {
	t.Helper()
	for _, name := range names {
		s.git.In(namespace).MustApply(t, adapterSetOf("Deployment", name, fixture.Adapters(adapter), fixture.Metadata("labels: {test: "+s.ns+"}")))
	}
}

func (s *tenants) expectPort(t *testing.T, namespace, port string, names ...string) {
	t.Helper()
	for _, name := range names {
		testenv.Eventually(t, port+" of "+name, func(ctx context.Context) error {
			live, err := s.cp.Manager("reader").Get(ctx, "Deployment", namespace, name)
			if err != nil {
				return err
			}
			if got := testenv.Ports(live, "server"); !slices.Contains(got, port) {
				return fmt.Errorf("it has %q", got)
			}
			return nil
		})
	}
}

// inGreedy returns the scene of the greedy tenant.
func (s *tenants) inGreedy() *scene {
	greedy := *s.scene
	greedy.ns, greedy.git = s.greedy, s.git.In(s.greedy)
	return &greedy
}

// expectWaits waits until an AdapterSet waits for a place, and checks that the message
// names the namespace that has the places, and none of its workloads.
func (s *tenants) expectWaits(t *testing.T, name string) {
	t.Helper()
	message := s.expectOf(t, name, "Reconciling", "True", "RolloutLimit")
	if !strings.Contains(message, "workloads of namespace "+s.greedy) || strings.Contains(message, "greedy-") {
		t.Errorf("the message is %q", message)
	}
}

// TestTenantsShareRollouts has a tenant with as many workloads as may be in a rollout at
// once, whose pods never become ready.
func TestTenantsShareRollouts(t *testing.T) {
	t.Parallel()
	s := newTenants(t)
	s.cp.HoldUnready(s.greedy, func(pod *corev1.Pod) bool { return len(pod.Spec.Containers[0].Ports) > 0 })
	greedy := s.workloads(t, s.greedy, "greedy", 10)
	honest := s.workloads(t, s.ns, "honest", 3)
	const (
		one, portOne = "one:7001", "adapter-one:7001/TCP"
		two, portTwo = "two:7002", "adapter-two:7002/TCP"
	)

	s.declare(t, s.greedy, one, greedy...)
	s.expectPort(t, s.greedy, portOne, greedy...)
	s.declare(t, s.ns, one, honest[0])
	s.expectWaits(t, honest[0])
	s.restart(t, s.everyNamespace) // their rollouts count after a restart, too
	s.catchUpWith(t, honest[0])
	s.expectWaits(t, honest[0])

	// Deleted AdapterSets hold no places.
	for _, name := range greedy {
		s.cp.Manager("git").MustDelete(t, "AdapterSet", s.greedy, name)
	}
	s.expectPort(t, s.ns, portOne, honest[0])
	s.expectOf(t, honest[0], "Reconciling", "False", "AsExpected")

	// Nor do rollouts that make no progress.
	s.declare(t, s.greedy, two, greedy...)
	s.expectPort(t, s.greedy, portTwo, greedy...)
	s.declare(t, s.ns, one, honest[1])
	s.expectWaits(t, honest[1])
	s.clock.Step(rollout.StuckAfter)
	s.expectPort(t, s.ns, portOne, honest[1])
	for _, name := range greedy {
		s.inGreedy().stepsUntilTrue(t, name, "Stalled", "RolloutStuck")
	}
	testenv.Eventually(t, "warnings about the stuck rollouts", func(ctx context.Context) error {
		events, err := s.inGreedy().events(ctx)
		for _, regarding := range []string{"AdapterSet/", "Deployment/"} {
			if !slices.ContainsFunc(events, func(line string) bool { return strings.HasPrefix(line, regarding+"greedy-0 RolloutStuck: ") }) {
				err = errors.Join(err, fmt.Errorf("none about %sgreedy-0 in %q", regarding, events))
			}
		}
		return err
	})

	// A restart does not bring them back.
	s.restart(t, s.everyNamespace)
	s.declare(t, s.ns, one, honest[2])
	s.expectPort(t, s.ns, portOne, honest[2])
}
