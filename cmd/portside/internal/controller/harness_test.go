package controller

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/portside-dev/portside/testenv"
)

func TestMain(m *testing.M) {
	ctrl.SetLogger(logr.Discard())
	testenv.Main(m, testenv.Options{Controllers: true})
}

const crd = "../../../../examples/chart/crds/portside.dev_adaptersets.yaml"

// service is one that runs.
type service struct {
	*Service
	sent testenv.Requests
	stop func() // and wait until it has ended
}

// serve runs the service on one namespace until the test ends, and counts what
// it sends. Options may be changed before.
func serve(t *testing.T, cp *testenv.ControlPlane, ns string, change ...func(*Options)) *testenv.Requests {
	t.Helper()
	return &start(t, cp, ns, change...).sent
}

// start is serve, for a test that stops the service itself.
func start(t *testing.T, cp *testenv.ControlPlane, ns string, change ...func(*Options)) *service {
	t.Helper()
	return startAs(t, cp, cp.Config(), ns, change...)
}

// startAs starts the service as a user.
func startAs(t *testing.T, cp *testenv.ControlPlane, user *rest.Config, ns string, change ...func(*Options)) *service {
	t.Helper()
	return startIn(t, cp, user, ctrl.Options{}, ns, change...)
}

// startLeading is startAs with leader election, by a Lease in the namespace. It
// is renewed as often as ever, but one that is renewed late is not lost.
func startLeading(t *testing.T, cp *testenv.ControlPlane, user *rest.Config, ns string, change ...func(*Options)) *service {
	t.Helper()
	return startIn(t, cp, user, ctrl.Options{
		LeaderElection: true, LeaderElectionID: testenv.Portside, LeaderElectionNamespace: ns, LeaderElectionReleaseOnCancel: true,
		LeaseDuration: new(time.Hour), RenewDeadline: new(10 * time.Minute),
	}, ns, change...)
}

// startIn starts the service in a manager with these options.
func startIn(t *testing.T, cp *testenv.ControlPlane, user *rest.Config, manager ctrl.Options, ns string, change ...func(*Options)) *service {
	t.Helper()
	if err := cp.InstallCRD(t.Context(), crd); err != nil {
		t.Fatal(err)
	}
	s := &service{}
	options := Options{
		FieldManager: testenv.Portside, Namespace: ns, Concurrent: 2, MaxConcurrentRollouts: 10,
		Resync: 10 * time.Hour, AllowLoopback: true, Registry: prometheus.NewRegistry(),
	}
	for _, c := range change {
		c(&options)
	}
	manager.HealthProbeBindAddress, manager.Metrics = "0", metricsserver.Options{BindAddress: "0"}
	mgr, err := NewManager(s.sent.Wrap(user), manager, options)
	if err != nil {
		t.Fatal(err)
	}
	if s.Service, err = Add(mgr, options); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background()) //nolint:usetesting // it is stopped before the test's own ends
	ended := make(chan error, 1)
	go func() { ended <- mgr.Start(ctx) }()
	s.stop = sync.OnceFunc(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("the service ended: %v", err)
		}
	})
	t.Cleanup(s.stop)
	return s
}

const statefulSet = `
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: files}
spec:
  replicas: 1
  serviceName: files
  selector: {matchLabels: {app: files}}
  template:
    metadata: {labels: {app: files}}
    spec:
      containers:
      - name: server
        image: example.com/files:1
        ports: [{name: api, containerPort: 8080, protocol: TCP}]
`

func adapterSet(adapters, more string) string {
	return fmt.Sprintf(`
apiVersion: portside.dev/v1alpha1
kind: AdapterSet
metadata: {name: files}
spec:
  targetRef: {apiVersion: apps/v1, kind: StatefulSet, name: files}
  adapters: %s
  rollout: {stabilizationWindowSeconds: 0, removalDelaySeconds: 0}
  %s
`, adapters, more)
}

func mustApply(t *testing.T, m *testenv.Manager, object string) {
	t.Helper()
	if _, err := m.Apply(t.Context(), object); err != nil {
		t.Fatal(err)
	}
}

func expectPorts(t *testing.T, cp *testenv.ControlPlane, ns string, want ...string) {
	t.Helper()
	testenv.Eventually(t, fmt.Sprintf("ports %q", want), func(ctx context.Context) error {
		live, err := cp.Manager("reader").Get(ctx, "StatefulSet", ns, "files")
		if err != nil {
			return err
		}
		if got := testenv.Ports(live, "server"); !slices.Equal(got, want) {
			return fmt.Errorf("they are %q", got)
		}
		return nil
	})
}

func expectReady(t *testing.T, cp *testenv.ControlPlane, ns, status, reason, summary string) {
	t.Helper()
	testenv.Eventually(t, fmt.Sprintf("Ready=%s, %s, %s", status, reason, summary), func(ctx context.Context) error {
		live, err := cp.Manager("reader").Get(ctx, "AdapterSet", ns, "files")
		if err != nil {
			return err
		}
		conditions, _, _ := unstructured.NestedSlice(live.Object, "status", "conditions")
		ports := summaryOf(live)
		for _, c := range conditions {
			if c, ok := c.(map[string]any); ok && c["type"] == "Ready" && c["status"] == status && c["reason"] == reason && ports == summary {
				return nil
			}
		}
		return errors.New(fmt.Sprint(live.Object["status"]))
	})
}

// summaryOf returns the ready and the desired ports of an AdapterSet, such as
// 1/2.
func summaryOf(set *unstructured.Unstructured) string {
	ready, _, _ := unstructured.NestedInt64(set.Object, "status", "readyPorts")
	desired, _, _ := unstructured.NestedInt64(set.Object, "status", "desiredPorts")
	return fmt.Sprintf("%d/%d", ready, desired)
}

// expectTrue waits for a condition of an AdapterSet to be true for a reason.
func expectTrue(t *testing.T, cp *testenv.ControlPlane, ns, name, kind, reason string) {
	t.Helper()
	expectCondition(t, cp, ns, name, kind, "True", reason)
}

// expectCondition waits for a condition of an AdapterSet.
func expectCondition(t *testing.T, cp *testenv.ControlPlane, ns, name, kind, is, reason string) {
	t.Helper()
	testenv.Eventually(t, fmt.Sprintf("%s of %s is %s, %s", kind, name, is, reason), func(ctx context.Context) error {
		live, err := cp.Manager("reader").Get(ctx, "AdapterSet", ns, name)
		if err != nil {
			return err
		}
		conditions, _, _ := unstructured.NestedSlice(live.Object, "status", "conditions")
		for _, c := range conditions {
			if c, ok := c.(map[string]any); ok && c["type"] == kind && c["status"] == is && c["reason"] == reason {
				return nil
			}
		}
		return errors.New(fmt.Sprint(live.Object["status"]))
	})
}
