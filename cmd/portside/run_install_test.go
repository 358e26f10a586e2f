package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/kubernetes"

	"github.com/portside-dev/portside/cmd/portside/internal/install"
	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/fixture"
	"github.com/portside-dev/portside/testenv/portside"
)

// installation is portside as `portside install` prints it: a replica has the
// permissions of its ServiceAccount and the arguments of its Deployment.
type installation struct {
	*fleet
	portside.Installation
	options install.Options
	sent    *testenv.Requests // by the replica that was started last

	mu      sync.Mutex
	refused []string
}

// newInstallation installs portside and waits until its guard is in force.
func newInstallation(t *testing.T, cp *testenv.ControlPlane, o install.Options) *installation {
	t.Helper()
	portside.InstallCRD(t, cp)
	f := fleetIn(t, cp, cp.Namespace(t))
	if o.WatchNamespace != "" {
		o.WatchNamespace = f.namespace
	}
	if len(o.DiscoveryNamespaces) > 0 {
		o.DiscoveryNamespaces = []string{f.namespace}
	}
	i := installationOf(f, o)
	i.Apply(t, i.printed())
	i.apply(staticWorkload("probe"))
	i.WaitGuard(t, "StatefulSet", i.namespace, "probe")
	return i
}

// installationOf returns an installation for the release of the control plane, which
// is not applied yet.
func installationOf(f *fleet, o install.Options) *installation {
	o.KubeVersion, o.BetaPolicies = f.Release(), true
	return &installation{fleet: f, options: o, Installation: portside.Installation{
		ControlPlane: f.ControlPlane, Namespace: o.Namespace, FieldManager: o.FieldManager,
	}}
}

func (i *installation) printed() string {
	i.t.Helper()
	text, err := install.YAML(i.manifests())
	if err != nil {
		i.t.Fatal(err)
	}
	return string(text)
}

func (i *installation) manifests() []*unstructured.Unstructured {
	i.t.Helper()
	objects, err := install.Manifests(i.options)
	if err != nil {
		i.t.Fatal(err)
	}
	return objects
}

// start starts a replica with the arguments of the Deployment and further ones.
func (i *installation) start(args ...string) *portside.Service {
	i.t.Helper()
	proxy := i.Proxy(i.t, i.Token(i.t), testenv.ProxyHooks{OnAnswer: i.noteRefusal})
	i.sent = &proxy.Requests
	args = slices.Concat(i.arguments(), []string{"--leader-election-namespace", i.options.Namespace}, args)
	return portside.Run(i.t, self(i.t), proxy.Config(), args...).WaitReady()
}

func (i *installation) arguments() []string {
	i.t.Helper()
	objects := i.manifests()
	at := slices.IndexFunc(objects, func(o *unstructured.Unstructured) bool { return o.GetKind() == "Deployment" })
	containers, _, _ := unstructured.NestedSlice(objects[at].Object, "spec", "template", "spec", "containers")
	args, _, err := unstructured.NestedStringSlice(containers[0].(map[string]any), "args")
	if err != nil || len(args) == 0 || args[0] != "run" {
		i.t.Fatalf("the Deployment has the arguments %q: %v", args, err)
	}
	return args[1:]
}

// noteRefusal records what RBAC and the policies refuse.
func (i *installation) noteRefusal(answer *http.Response) error {
	if code := answer.StatusCode; code == http.StatusForbidden || code == http.StatusUnauthorized || code == http.StatusUnprocessableEntity {
		i.mu.Lock()
		defer i.mu.Unlock()
		i.refused = append(i.refused, fmt.Sprintf("%d: %s %s", code, answer.Request.Method, answer.Request.URL.Path))
	}
	return nil
}

// expectNothingRefused fails the test if a request of portside's was refused, or
// the log of a replica says so.
func (i *installation) expectNothingRefused(services ...*portside.Service) {
	i.t.Helper()
	i.mu.Lock()
	defer i.mu.Unlock()
	if len(i.refused) > 0 {
		i.t.Errorf("refused: %q", i.refused)
	}
	for _, s := range services {
		for line := range strings.Lines(s.Log.String()) {
			if l := strings.ToLower(line); strings.Contains(l, "forbidden") || strings.Contains(l, "rejected") {
				i.t.Errorf("the log has %s", line)
			}
		}
	}
}

// expectPorts waits until a workload has these ports and no others.
func (f *fleet) expectPorts(kind, name string, want ...string) {
	f.t.Helper()
	testenv.Eventually(f.t, fmt.Sprintf("the ports %q", want), func(ctx context.Context) error {
		live, err := f.git.Get(ctx, kind, f.namespace, name)
		if err != nil {
			return err
		}
		return testenv.CheckPorts(live, "server", want...)
	})
}

// expectReady waits until the status of the live generation is Ready with this many
// ports, as "1/1".
func (i *installation) expectReady(name, summary string) {
	i.t.Helper()
	testenv.Eventually(i.t, "the status of "+name, func(ctx context.Context) error {
		set, err := i.git.Get(ctx, "AdapterSet", i.namespace, name)
		if err != nil {
			return err
		}
		ready, _, _ := unstructured.NestedInt64(set.Object, "status", "readyPorts")
		desired, _, _ := unstructured.NestedInt64(set.Object, "status", "desiredPorts")
		got := fmt.Sprintf("%d/%d", ready, desired)
		observed, _, _ := unstructured.NestedInt64(set.Object, "status", "observedGeneration")
		if got != summary || observed != set.GetGeneration() || fixture.Condition(set, "Ready").Status != metav1.ConditionTrue {
			return fmt.Errorf("generation %d: %v", set.GetGeneration(), set.Object["status"])
		}
		return nil
	})
}

// expectEvents waits until a namespace has events of each reason about a kind.
func (i *installation) expectEvents(namespace, kind string, reasons ...string) {
	i.t.Helper()
	testenv.Eventually(i.t, fmt.Sprintf("events %q of a %s", reasons, kind), func(ctx context.Context) error {
		events, err := kubernetes.NewForConfigOrDie(i.Config()).CoreV1().Events(namespace).List(ctx, metav1.ListOptions{FieldSelector: "involvedObject.kind=" + kind})
		if err != nil {
			return err
		}
		var got []string
		for _, e := range events.Items {
			got = append(got, e.Reason)
		}
		for _, reason := range reasons {
			if !slices.Contains(got, reason) {
				return fmt.Errorf("there are %q", got)
			}
		}
		return nil
	})
}

// delete deletes an AdapterSet and waits until it is gone.
func (i *installation) delete(name string) {
	i.t.Helper()
	i.git.MustDelete(i.t, "AdapterSet", i.namespace, name)
	testenv.Eventually(i.t, "the AdapterSet to be gone", func(ctx context.Context) error {
		_, err := i.git.Get(ctx, "AdapterSet", i.namespace, name)
		if apierrors.IsNotFound(err) {
			return nil
		}
		return errors.Join(errors.New("still found"), err)
	})
}
