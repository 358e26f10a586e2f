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
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/portside-dev/portside/cmd/portside/internal/install"
	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/portside"
)

// installation is portside as install prints it: what it may do is what its
// ServiceAccount may, and what it is told is what its Deployment says.
type installation struct {
	*fleet
	options install.Options
	sent    *testenv.Requests // by the replica that was started last

	mu      sync.Mutex
	refused []string
}

// newInstallation installs portside, and waits until its guard is in force.
func newInstallation(t *testing.T, cp *testenv.ControlPlane, o install.Options) *installation {
	t.Helper()
	i := &installation{fleet: newFleet(t, cp, 0), options: o}
	if o.WatchNamespace != "" {
		i.options.WatchNamespace = i.namespace
	}
	if len(o.DiscoveryNamespaces) > 0 {
		i.options.DiscoveryNamespaces = []string{i.namespace}
	}
	i.install(i.printed())
	i.apply(fmt.Sprintf(workloadOfFleet, "probe"))
	i.waitGuarded("probe")
	return i
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

// install applies manifests as users do.
func (i *installation) install(manifests string) {
	i.t.Helper()
	if _, err := i.Kubectl(i.t.Context(), "", manifests, "apply", "--server-side", "-f", "-"); err != nil {
		i.t.Fatal(err)
	}
}

// user returns the configuration of portside's ServiceAccount.
func (i *installation) user() *rest.Config {
	i.t.Helper()
	user, err := portside.Token(i.t.Context(), i.ControlPlane, i.options.Namespace, i.options.FieldManager)
	if err != nil {
		i.t.Fatal(err)
	}
	return user
}

// waitGuarded waits until the server has the policies: the guard refuses what
// only it does.
func (i *installation) waitGuarded(workload string) {
	i.t.Helper()
	client := kubernetes.NewForConfigOrDie(i.user())
	testenv.Eventually(i.t, "the guard to be in force", func(ctx context.Context) error {
		_, err := client.AppsV1().StatefulSets(i.namespace).Patch(ctx, workload, types.MergePatchType, []byte(`{"metadata":{"labels":{"probe":"guard"}}}`),
			metav1.PatchOptions{FieldManager: i.options.FieldManager, DryRun: []string{metav1.DryRunAll}})
		if err == nil || !strings.Contains(err.Error(), i.options.FieldManager+"-guard") {
			return fmt.Errorf("not refused by the guard: %w", err)
		}
		return nil
	})
}

// start starts a replica with the arguments that the Deployment has, and some
// that a test needs beside them.
func (i *installation) start(args ...string) *portside.Service {
	i.t.Helper()
	proxy := i.Proxy(i.t, i.user(), testenv.ProxyHooks{OnAnswer: i.noteRefusal})
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
		i.t.Fatalf("the Deployment's arguments are %q: %v", args, err)
	}
	return args[1:]
}

// noteRefusal keeps what RBAC and the policies refuse.
func (i *installation) noteRefusal(answer *http.Response) error {
	if code := answer.StatusCode; code == http.StatusForbidden || code == http.StatusUnauthorized || code == http.StatusUnprocessableEntity {
		i.mu.Lock()
		defer i.mu.Unlock()
		i.refused = append(i.refused, fmt.Sprintf("%d: %s %s", code, answer.Request.Method, answer.Request.URL.Path))
	}
	return nil
}

// expectNothingRefused fails the test when portside was refused something, or
// says that it was.
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
func (i *installation) expectPorts(kind, name string, want ...string) {
	i.t.Helper()
	want = slices.Sorted(slices.Values(want))
	testenv.Eventually(i.t, fmt.Sprintf("the ports %q", want), func(ctx context.Context) error {
		live, err := i.git.Get(ctx, kind, i.namespace, name)
		if err != nil {
			return err
		}
		if got := slices.Sorted(slices.Values(testenv.Ports(live, "server"))); !slices.Equal(got, want) {
			return fmt.Errorf("there are %q", got)
		}
		return nil
	})
}

// expectReady waits until the status says that the generation that is live is
// in place.
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
		if got != summary || observed != set.GetGeneration() || condition(set, "Ready") != "True" {
			return fmt.Errorf("generation %d: %v", set.GetGeneration(), set.Object["status"])
		}
		return nil
	})
}

func condition(set *unstructured.Unstructured, kind string) string {
	conditions, _, _ := unstructured.NestedSlice(set.Object, "status", "conditions")
	for _, c := range conditions {
		if c, _ := c.(map[string]any); c["type"] == kind {
			return fmt.Sprint(c["status"])
		}
	}
	return ""
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

// delete deletes an AdapterSet, and waits until it is gone.
func (i *installation) delete(name string) {
	i.t.Helper()
	if err := i.git.Delete(i.t.Context(), "AdapterSet", i.namespace, name); err != nil {
		i.t.Fatal(err)
	}
	testenv.Eventually(i.t, "the AdapterSet to be gone", func(ctx context.Context) error {
		_, err := i.git.Get(ctx, "AdapterSet", i.namespace, name)
		if apierrors.IsNotFound(err) {
			return nil
		}
		return errors.Join(errors.New("it is there"), err)
	})
}
