package testenv_test

import (
	"errors"
	"net/http"
	"strings"
	"syscall"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/fixture"
	"github.com/portside-dev/portside/testenv/portside"
)

func TestAPIServerRestart(t *testing.T) {
	t.Parallel()
	cp := testenv.Own(t, testenv.Options{Controllers: true})
	portside.InstallCRD(t, cp)
	portside.InstallCRD(t, cp)
	ns := cp.Namespace(t)
	kubeconfig, err := cp.Kubeconfig()
	if err != nil {
		t.Fatal(err)
	}
	history := cp.Record(t, "StatefulSet", ns, dittofs)
	proxy := cp.Proxy(t, cp.Config(), testenv.ProxyHooks{})
	argo := twoPods(t, cp, ns)
	argo.MustApply(t, fixture.AdapterSet(dittofs, fixture.Target("StatefulSet", dittofs), fixture.Adapters("nfs:12049/TCP")))
	for name, stop := range map[string]func() error{"stopped": cp.StopAPIServer, "killed": cp.KillAPIServer} {
		if err := stop(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		expectUnreachable(t, cp, proxy)
		if cp.StopAPIServer() == nil || cp.KillAPIServer() == nil {
			t.Errorf("%s: stopping twice is no error", name)
		}
		if err := cp.StartAPIServer(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if cp.StartAPIServer() == nil {
			t.Errorf("%s: starting twice is no error", name)
		}
		if after, err := cp.Kubeconfig(); err != nil || string(after) != string(kubeconfig) {
			t.Errorf("%s: the kubeconfig changed: %v", name, err)
		}
		for _, manager := range []*testenv.Manager{argo, throughProxy(t, proxy, ns)} {
			if err := errOf(manager.Get(t.Context(), "AdapterSet", ns, dittofs)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if out, err := cp.Kubectl(t.Context(), ns, "", "get", "aset", "-o", "name"); err != nil || strings.TrimSpace(out) != "adapterset.portside.dev/dittofs" {
			t.Errorf("%s: kubectl prints %q: %v", name, out, err)
		}
		// The controllers and the fake kubelet work again.
		patch(t, argo, "StatefulSet", ns, `{"spec":{"template":{"metadata":{"annotations":{"changed":"`+name+`"}}}}}`)
		cp.WaitRolledOut(t, "StatefulSet", ns, dittofs)
	}
	if got := cp.PodStarts(ns); got != 6 {
		t.Errorf("%d pods have started, want 2 each time", got)
	}
	if stored := history.Stored(t); testenv.TemplateChanges(stored) != 2 {
		t.Errorf("%+v: want two changes of the template", stored)
	}
	if err := cp.KillAPIServer(); err != nil { // so that Stop finds it killed
		t.Error(err)
	}
}

// expectUnreachable expects that neither the API server nor the proxy answers.
func expectUnreachable(t *testing.T, cp *testenv.ControlPlane, proxy *testenv.Proxy) {
	t.Helper()
	if _, err := kubernetes.NewForConfigOrDie(cp.Config()).CoreV1().Nodes().List(t.Context(), metav1.ListOptions{}); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("%v, want the connection refused", err)
	}
	client, err := rest.HTTPClientFor(proxy.Config())
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, proxy.Config().Host+"/version", nil)
	if err != nil {
		t.Fatal(err)
	}
	if response, err := client.Do(request); err == nil {
		response.Body.Close()
		t.Errorf("the proxy answers %s, want no answer", response.Status)
	}
}
