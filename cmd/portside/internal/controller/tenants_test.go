package controller

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/portside-dev/portside/cmd/portside/internal/rollout"
	"github.com/portside-dev/portside/testenv"
)

// tenants are two namespaces under one service: the pods of the greedy one never
// become ready after they have a port of portside's.
type tenants struct {
	*service
	cp             *testenv.ControlPlane
	clock          *countingClock
	greedy, honest string
}

func newTenants(t *testing.T) *tenants {
	t.Helper()
	cp := testenv.WithControllers(t)
	s := &tenants{cp: cp, greedy: cp.Namespace(t), honest: cp.Namespace(t), clock: newClock(time.Now().Truncate(time.Second))}
	s.restart(t)
	return s
}

// restart starts the service again, which then watches every namespace for the
// AdapterSets of this test.
func (s *tenants) restart(t *testing.T) {
	t.Helper()
	if s.service != nil {
		s.stop()
	}
	s.service = start(t, s.cp, "", func(o *Options) {
		o.Clock, o.Selector = s.clock, labels.SelectorFromSet(labels.Set{"test": s.honest})
	})
}

const probed = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: %s}
spec:
  selector: {matchLabels: {app: %[1]s}}
  template:
    metadata: {labels: {app: %[1]s}}
    spec:
      containers:
      - name: server
        image: example.com/files:1
        readinessProbe: {tcpSocket: {port: adapter-one}}
        livenessProbe: {tcpSocket: {port: adapter-two}}
`

// workloads creates so many Deployments, and returns their names.
func (s *tenants) workloads(t *testing.T, namespace, prefix string, n int) (names []string) {
	t.Helper()
	for i := range n {
		names = append(names, fmt.Sprintf("%s-%d", prefix, i))
		mustApply(t, s.cp.Manager("git").In(namespace), fmt.Sprintf(probed, names[i]))
	}
	return names
}

// declare applies an AdapterSet with one adapter for each of the Deployments.
func (s *tenants) declare(t *testing.T, namespace, adapter string, names ...string) {
	t.Helper()
	for _, name := range names {
		mustApply(t, s.cp.Manager("git").In(namespace), fmt.Sprintf(`
apiVersion: portside.dev/v1alpha1
kind: AdapterSet
metadata: {name: %s, labels: {test: %s}}
spec:
  targetRef: {apiVersion: apps/v1, kind: Deployment, name: %[1]s}
  adapters: [%[3]s]
  rollout: {stabilizationWindowSeconds: 0, removalDelaySeconds: 0}
`, name, s.honest, adapter))
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

// scene returns a view of one namespace.
func (s *tenants) scene(namespace string) *scene {
	return &scene{service: s.service, cp: s.cp, ns: namespace, git: s.cp.Manager("git").In(namespace), clock: s.clock}
}

// expectWaits waits until the AdapterSet waits for a place, and checks that the
// message names the namespace that holds the places, and none of its workloads.
func (s *tenants) expectWaits(t *testing.T, name string) {
	t.Helper()
	message := s.scene(s.honest).expectOf(t, name, "Reconciling", "True", "RolloutLimit")
	if !strings.Contains(message, "workloads of namespace "+s.greedy) || strings.Contains(message, "greedy-") {
		t.Errorf("the message is %q", message)
	}
}

// TestTenantsShareRollouts plays a tenant with as many workloads as may be in a
// rollout at once, whose pods never become ready.
func TestTenantsShareRollouts(t *testing.T) {
	t.Parallel()
	s := newTenants(t)
	s.cp.HoldUnready(s.greedy, func(pod *corev1.Pod) bool { return len(pod.Spec.Containers[0].Ports) > 0 })
	greedy := s.workloads(t, s.greedy, "greedy", 10)
	honest := s.workloads(t, s.honest, "honest", 3)
	const (
		one, portOne = "{type: one, port: 7001}", "adapter-one:7001/TCP"
		two, portTwo = "{type: two, port: 7002}", "adapter-two:7002/TCP"
	)

	s.declare(t, s.greedy, one, greedy...)
	s.expectPort(t, s.greedy, portOne, greedy...)
	s.declare(t, s.honest, one, honest[0])
	s.expectWaits(t, honest[0])
	s.restart(t) // those rollouts count after it
	s.scene(s.honest).caughtUpWith(t, honest[0])
	s.expectWaits(t, honest[0])

	// Deleted AdapterSets hold no places.
	for _, name := range greedy {
		if err := s.cp.Manager("git").Delete(t.Context(), "AdapterSet", s.greedy, name); err != nil {
			t.Fatal(err)
		}
	}
	s.expectPort(t, s.honest, portOne, honest[0])
	s.scene(s.honest).expectOf(t, honest[0], "Reconciling", "False", "AsExpected")

	// Nor do rollouts that make no progress.
	s.declare(t, s.greedy, two, greedy...)
	s.expectPort(t, s.greedy, portTwo, greedy...)
	s.declare(t, s.honest, one, honest[1])
	s.expectWaits(t, honest[1])
	s.clock.Step(rollout.StuckAfter)
	s.expectPort(t, s.honest, portOne, honest[1])
	for _, name := range greedy {
		s.scene(s.greedy).stepsUntilTrue(t, name, "Stalled", "RolloutStuck")
	}
	testenv.Eventually(t, "warnings about the stuck rollouts", func(ctx context.Context) error {
		events, err := s.scene(s.greedy).events(ctx)
		for _, regarding := range []string{"AdapterSet/", "Deployment/"} {
			if !slices.ContainsFunc(events, func(line string) bool { return strings.HasPrefix(line, regarding+"greedy-0 RolloutStuck: ") }) {
				err = errors.Join(err, fmt.Errorf("none about %sgreedy-0 in %q", regarding, events))
			}
		}
		return err
	})

	// A restart does not bring them back.
	s.restart(t)
	s.declare(t, s.honest, one, honest[2])
	s.expectPort(t, s.honest, portOne, honest[2])
}
