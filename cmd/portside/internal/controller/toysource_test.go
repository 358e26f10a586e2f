package controller_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/kubernetes"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/cmd/portside/internal/controller"
	"github.com/portside-dev/portside/cmd/portside/internal/discovery"
	"github.com/portside-dev/portside/testenv"
)

// configMapSource is a source that reads a ConfigMap, with a type and a number in
// each key. It is all that a further source takes.
type configMapSource struct {
	configMaps corev1client.ConfigMapsGetter
	name       string
}

// Interval implements discovery.Source.
func (configMapSource) Interval() time.Duration { return 100 * time.Millisecond }

// Questions implements discovery.Source.
func (s configMapSource) Questions(_ context.Context, w discovery.Workload) ([]discovery.Question, discovery.Readiness, error) {
	return []discovery.Question{{Ask: func(ctx context.Context) ([]apply.Adapter, error) {
		found, err := s.configMaps.ConfigMaps(w.Target.Namespace).Get(ctx, s.name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return nil, &discovery.Error{Reason: "ConfigMapMissing", Message: "the ConfigMap does not exist"}
		}
		if err != nil {
			return nil, err
		}
		var active []apply.Adapter
		for typ, text := range found.Data {
			number, err := strconv.ParseInt(text, 10, 64)
			if err != nil {
				return nil, &discovery.Error{Reason: discovery.Malformed}
			}
			active = append(active, apply.Adapter{Type: typ, Port: number})
		}
		return active, nil
	}}}, discovery.Readiness{}, nil
}

const toyWorkload = `
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: files}
spec:
  replicas: 0
  serviceName: files
  selector: {matchLabels: {app: files}}
  template:
    metadata: {labels: {app: files}}
    spec: {containers: [{name: server, image: example.com/files:1, ports: [{name: api, containerPort: 8080, protocol: TCP}]}]}
`

const toySet = `
apiVersion: portside.dev/v1alpha1
kind: AdapterSet
metadata: {name: files}
spec:
  targetRef: {apiVersion: apps/v1, kind: StatefulSet, name: files}
  discovery: {http: {port: api, scheme: HTTP, path: /config-map}}
  rollout: {stabilizationWindowSeconds: 0, removalDelaySeconds: 0}
`

// TestToySource runs the service with a source of another package.
func TestToySource(t *testing.T) {
	t.Parallel()
	cp := testenv.WithControllers(t)
	ns := cp.Namespace(t)
	if err := cp.InstallCRD(t.Context(), "../../../../examples/chart/crds/portside.dev_adaptersets.yaml"); err != nil {
		t.Fatal(err)
	}
	client, err := kubernetes.NewForConfig(cp.Config())
	if err != nil {
		t.Fatal(err)
	}
	startWith(t, cp, ns, func(set *v1alpha1.AdapterSet) (discovery.Source, error) {
		if d := set.Spec.Discovery; d != nil && d.HTTP.Path == "/config-map" {
			return configMapSource{client.CoreV1(), set.Name}, nil
		}
		return nil, nil
	})
	git := cp.Manager("git").In(ns)
	write := func(data string) {
		t.Helper()
		if _, err := git.Apply(t.Context(), fmt.Sprintf("{apiVersion: v1, kind: ConfigMap, metadata: {name: files}, data: {%s}}", data)); err != nil {
			t.Fatal(err)
		}
	}
	expect := func(reason string, ports ...string) {
		t.Helper()
		testenv.Eventually(t, fmt.Sprintf("ports %q, Discovered for the reason %s", ports, reason), func(ctx context.Context) error {
			live, err := git.Get(ctx, "StatefulSet", ns, "files")
			if err != nil {
				return err
			}
			set, err := git.Get(ctx, "AdapterSet", ns, "files")
			if err != nil {
				return err
			}
			if got := testenv.Ports(live, "server"); !slices.Equal(got, append([]string{"api:8080/TCP"}, ports...)) {
				return fmt.Errorf("they are %q", got)
			}
			conditions, _, _ := unstructured.NestedSlice(set.Object, "status", "conditions")
			for _, c := range conditions {
				if c, ok := c.(map[string]any); ok && c["type"] == "Discovered" && c["reason"] == reason {
					return nil
				}
			}
			return errors.New(fmt.Sprint(conditions))
		})
	}
	write(`nfs: "12049"`)
	for _, object := range []string{toyWorkload, toySet} {
		if _, err := git.Apply(t.Context(), object); err != nil {
			t.Fatal(err)
		}
	}
	expect("Answered", "adapter-nfs:12049/TCP")
	write(`nfs: "12049", smb: "1445"`)
	expect("Answered", "adapter-nfs:12049/TCP", "adapter-smb:1445/TCP")
	if err := git.Delete(t.Context(), "ConfigMap", ns, "files"); err != nil {
		t.Fatal(err)
	}
	expect("ConfigMapMissing", "adapter-nfs:12049/TCP", "adapter-smb:1445/TCP")
	write(`smb: "1445"`)
	expect("Answered", "adapter-smb:1445/TCP")
}

// startWith runs the service with a further kind of source until the test ends.
func startWith(t *testing.T, cp *testenv.ControlPlane, ns string, kind discovery.Kind) {
	t.Helper()
	options := controller.Options{
		FieldManager: testenv.Portside, Namespace: ns, Concurrent: 2, MaxConcurrentRollouts: 10,
		Resync: 10 * time.Hour, Registry: prometheus.NewRegistry(), Sources: discovery.Sources{kind},
	}
	mgr, err := controller.NewManager(cp.Config(), ctrl.Options{HealthProbeBindAddress: "0", Metrics: metricsserver.Options{BindAddress: "0"}}, options)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := controller.Add(mgr, options); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background()) //nolint:usetesting // it is stopped before the test's own ends
	ended := make(chan error, 1)
	go func() { ended <- mgr.Start(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("the service ended: %v", err)
		}
	})
}
