package testenv_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/portside-dev/portside/testenv"
)

const configMap = `{apiVersion: v1, kind: ConfigMap, metadata: {name: counted}, data: {a: b}}`

func TestRequests_verbs(t *testing.T) {
	t.Parallel()
	cp := testenv.Shared(t)
	ns := cp.Namespace(t)
	requests := &testenv.Requests{}
	config := requests.Wrap(cp.Config())
	manager, err := testenv.NewManager(config, "counted")
	if err != nil {
		t.Fatal(err)
	}
	manager = manager.In(ns)
	client := kubernetes.NewForConfigOrDie(config)
	maps := client.CoreV1().ConfigMaps(ns)
	ctx := t.Context()
	for _, step := range []struct {
		verbs string // that the step counts
		do    func() error
	}{
		{"APPLY", func() error { _, err := manager.Apply(ctx, configMap); return err }},
		{"APPLY", func() error { _, err := manager.ForceApply(ctx, configMap); return err }},
		{"GET", func() error { _, err := manager.Get(ctx, "ConfigMap", ns, "counted"); return err }},
		{"GET", func() error { _, err := client.CoreV1().Namespaces().Get(ctx, ns, metav1.GetOptions{}); return err }},
		{"LIST", func() error { _, err := maps.List(ctx, metav1.ListOptions{}); return err }},
		{"LIST", func() error { _, err := client.CoreV1().Namespaces().List(ctx, metav1.ListOptions{}); return err }},
		{"WATCH", func() error { return watchOnce(ctx, client, ns) }},
		{"PATCH", func() error {
			_, err := manager.Patch(ctx, "ConfigMap", ns, "counted", types.MergePatchType, []byte(`{"data":{"c":"d"}}`))
			return err
		}},
		{"GET PUT", func() error {
			_, err := manager.Update(ctx, "ConfigMap", ns, "counted", func(u *unstructured.Unstructured) { u.SetLabels(map[string]string{"e": "f"}) })
			return err
		}},
		{"DELETE", func() error { return manager.Delete(ctx, "ConfigMap", ns, "counted") }},
		{"POST", func() error { _, err := manager.Create(ctx, configMap); return err }},
		{"DISCOVERY", func() error { _, err := client.Discovery().ServerVersion(); return err }},
		{"DISCOVERY", func() error { _, err := client.Discovery().ServerResourcesForGroupVersion("apps/v1"); return err }},
	} {
		requests.Reset()
		if err := step.do(); err != nil {
			t.Fatalf("%s: %v", step.verbs, err)
		}
		verbs := strings.Fields(step.verbs)
		want := len(verbs)
		if verbs[0] == testenv.VerbDiscovery {
			want = 0
		}
		if requests.Total() != want {
			t.Errorf("%s: a total of %d, want %d: %s", step.verbs, requests.Total(), want, requests)
		}
		for _, verb := range verbs {
			if requests.Count(verb) != 1 {
				t.Errorf("%s: %d of %s, want 1: %s", step.verbs, requests.Count(verb), verb, requests)
			}
		}
	}
}

func watchOnce(ctx context.Context, client kubernetes.Interface, ns string) error {
	events, err := client.CoreV1().ConfigMaps(ns).Watch(ctx, metav1.ListOptions{})
	if err == nil {
		events.Stop()
	}
	return err
}

// TestRequests_conflicts creates an object twice, which is answered with 409.
func TestRequests_conflicts(t *testing.T) {
	t.Parallel()
	cp := testenv.Shared(t)
	requests := &testenv.Requests{}
	manager, err := testenv.NewManager(requests.Wrap(cp.Config()), "counted")
	if err != nil {
		t.Fatal(err)
	}
	manager = manager.In(cp.Namespace(t))
	for want := range 2 {
		_, _ = manager.Create(t.Context(), configMap)
		if n := requests.Conflicts("configmaps"); n != want {
			t.Errorf("%d conflicts, want %d", n, want)
		}
	}
	requests.Reset()
	if n := requests.Conflicts("configmaps"); n != 0 {
		t.Errorf("%d conflicts after a reset", n)
	}
}

func TestRequests_concurrentClients(t *testing.T) {
	t.Parallel()
	cp := testenv.Shared(t)
	ns := cp.Namespace(t)
	cp.Manager("owner").In(ns).MustApply(t, configMap)
	requests := &testenv.Requests{}
	patch := []byte(`{"data":{"c":"d"}}`)
	const clients = 8
	var all sync.WaitGroup
	for range clients {
		manager, err := testenv.NewManager(requests.Wrap(cp.Config()), "counted")
		if err != nil {
			t.Fatal(err)
		}
		all.Go(func() {
			if _, err := manager.Get(t.Context(), "ConfigMap", ns, "counted"); err != nil {
				t.Error(err)
			}
			if _, err := manager.Patch(t.Context(), "ConfigMap", ns, "counted", types.MergePatchType, patch); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if requests.Total() != 2*clients || requests.Writes() != clients {
		t.Errorf("%d requests and %d writes, want %d and %d: %s", requests.Total(), requests.Writes(), 2*clients, clients, requests)
	}
	if want := int64(clients * len(patch)); requests.BytesSent() != want {
		t.Errorf("%d bytes sent, want %d", requests.BytesSent(), want)
	}
}
