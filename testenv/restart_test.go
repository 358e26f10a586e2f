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
)

func TestTheAPIServerStopsAndStartsAgain(t *testing.T) {
	t.Parallel()
	cp := testenv.Own(t, testenv.Options{Controllers: true})
	const crd = "../examples/install/crd/portside.dev_adaptersets.yaml"
	if err := errors.Join(cp.InstallCRD(t.Context(), crd), cp.InstallCRD(t.Context(), crd)); err != nil {
		t.Fatal(err)
	}
	ns := cp.Namespace(t)
	kubeconfig, err := cp.Kubeconfig()
	if err != nil {
		t.Fatal(err)
	}
	history := cp.Record(t, "StatefulSet", ns, dittofs)
	proxy := cp.Proxy(t, cp.Config(), testenv.ProxyHooks{})
	argo := twoPods(t, cp, ns)
	if err := errOf(argo.Create(t.Context(), adapterSet)); err != nil {
		t.Fatal(err)
	}
	for name, stop := range map[string]func() error{"stopped": cp.StopAPIServer, "killed": cp.KillAPIServer} {
		if err := stop(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		wantAway(t, cp, proxy)
		if cp.StopAPIServer() == nil || cp.KillAPIServer() == nil {
			t.Errorf("%s: it was stopped twice", name)
		}
		if err := cp.StartAPIServer(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if cp.StartAPIServer() == nil {
			t.Errorf("%s: it was started twice", name)
		}
		if after, err := cp.Kubeconfig(); err != nil || string(after) != string(kubeconfig) {
			t.Errorf("%s: the kubeconfig is another: %v", name, err)
		}
		for _, manager := range []*testenv.Manager{argo, throughProxy(t, proxy, ns)} {
			if err := errOf(manager.Get(t.Context(), "AdapterSet", ns, dittofs)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if out, err := cp.Kubectl(t.Context(), ns, "", "get", "aset", "-o", "name"); err != nil || strings.TrimSpace(out) != "adapterset.portside.dev/dittofs" {
			t.Errorf("%s: kubectl has %q: %v", name, out, err)
		}
		// The controllers and the pods go on.
		patch(t, argo, "StatefulSet", ns, `{"spec":{"template":{"metadata":{"annotations":{"changed":"`+name+`"}}}}}`)
		cp.WaitRolledOut(t, "StatefulSet", ns, dittofs)
	}
	if got := cp.PodStarts(ns); got != 6 {
		t.Errorf("%d pods have started, want 2 each time", got)
	}
	if stored := history.Stored(t); testenv.TemplateChanges(stored) != 2 {
		t.Errorf("%+v: want two changes of the template", stored)
	}
	if err := cp.KillAPIServer(); err != nil { // what stops it then finds it so
		t.Error(err)
	}
}

const adapterSet = `
apiVersion: portside.dev/v1alpha1
kind: AdapterSet
metadata: {name: dittofs}
spec:
  targetRef: {apiVersion: apps/v1, kind: StatefulSet, name: dittofs}
  adapters: [{type: nfs, port: 12049, protocol: TCP}]
`

// wantAway wants the API server to be away, directly and through the proxy,
// which has no answer of its own either.
func wantAway(t *testing.T, cp *testenv.ControlPlane, proxy *testenv.Proxy) {
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
		t.Errorf("through the proxy the answer is %s, want none", response.Status)
	}
}
