package testenv_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/fixture"
)

// answersName answers with the name of the pod.
func answersName(pod *corev1.Pod) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, pod.Name) })
}

func TestServePods(t *testing.T) {
	t.Parallel()
	cp := testenv.WithControllers(t)
	ns := cp.Namespace(t)
	port := freePort(t, "127.0.0.1")
	stop := cp.ServePods(ns, testenv.PodServer{Port: port, Handler: answersName})
	defer stop()
	seen, err := kubernetes.NewForConfigOrDie(cp.Config()).CoreV1().Pods(ns).Watch(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer seen.Stop()
	argo := cp.Manager(testenv.ArgoCD).In(ns)
	argo.MustApply(t, workload("StatefulSet", fixture.Spec("replicas: 2")))
	addresses := map[string]string{}
	for len(addresses) < 2 {
		pod := nextReady(t, seen)
		if got := answer(t, http.DefaultClient, "http", pod.Status.PodIP, port); got != pod.Name {
			t.Fatalf("at the address of %s a server answers %q", pod.Name, got)
		}
		if ip := netip.MustParseAddr(pod.Status.PodIP); !ip.IsLoopback() || addresses[ip.String()] != "" && addresses[ip.String()] != pod.Name {
			t.Errorf("%s has the address %s, as %q: want a loopback address of its own", pod.Name, ip, addresses[ip.String()])
		}
		addresses[pod.Status.PodIP] = pod.Name
	}
	argo.MustDelete(t, "StatefulSet", ns, dittofs)
	for range addresses {
		pod := next(t, seen, func(e watch.Event) bool { return e.Type == watch.Deleted })
		expectRefused(t, pod.Status.PodIP, port)
	}
}

func TestServePods_TLS(t *testing.T) {
	t.Parallel()
	cp := testenv.WithControllers(t)
	ns := cp.Namespace(t)
	own := httptest.NewTLSServer(nil) // for its certificate
	defer own.Close()
	port := freePort(t, "127.0.0.1")
	stop := cp.ServePods(ns, testenv.PodServer{Port: port, Handler: answersName, TLS: own.TLS.Clone()})
	twoPods(t, cp, ns)
	client := own.Client()
	client.Transport.(*http.Transport).TLSClientConfig.ServerName = "example.com"
	for _, name := range []string{"dittofs-0", "dittofs-1"} {
		if got := answer(t, client, "https", podIP(t, cp, ns, name), port); got != name {
			t.Errorf("at the address of %s a server answers %q", name, got)
		}
	}
	stop()
	expectRefused(t, podIP(t, cp, ns, "dittofs-0"), port)
}

// TestServePods_machineAddress gives one pod after the other an address that an
// EndpointSlice accepts, unlike a loopback address.
func TestServePods_machineAddress(t *testing.T) {
	t.Parallel()
	cp := testenv.WithControllers(t)
	ns := cp.Namespace(t)
	address, err := testenv.MachineAddress()
	if err != nil {
		t.Fatal(err)
	}
	port := freePort(t, address)
	defer cp.ServePods(ns, testenv.PodServer{Port: port, Address: address, Handler: func(pod *corev1.Pod) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, pod.Annotations["changed"]) })
	}})()
	argo := cp.Manager(testenv.ArgoCD).In(ns)
	argo.MustApply(t, workload("StatefulSet"),
		`{apiVersion: v1, kind: Service, metadata: {name: dittofs}, spec: {selector: {app: dittofs}, ports: [{name: api, port: 8080}]}}`)
	cp.WaitRolledOut(t, "StatefulSet", ns, dittofs)
	patch(t, argo, "StatefulSet", ns, changeTemplate)
	cp.WaitRolledOut(t, "StatefulSet", ns, dittofs)
	if got := answer(t, http.DefaultClient, "http", address, port); got != "true" {
		t.Errorf("the pod answers %q, want the answer of the new pod", got)
	}
	client := kubernetes.NewForConfigOrDie(cp.Config()).DiscoveryV1().EndpointSlices(ns)
	testenv.Eventually(t, "the EndpointSlice", func(ctx context.Context) error {
		list, err := client.List(ctx, metav1.ListOptions{})
		if err == nil && (len(list.Items) != 1 || len(list.Items[0].Endpoints) != 1 || list.Items[0].Endpoints[0].Addresses[0] != address) {
			err = fmt.Errorf("%v", list.Items)
		}
		return err
	})
}

func TestEndpointSliceRefusesLoopback(t *testing.T) {
	t.Parallel()
	cp := testenv.Shared(t)
	_, err := cp.Manager(testenv.ArgoCD).In(cp.Namespace(t)).Apply(t.Context(),
		`{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: dittofs}, addressType: IPv4, endpoints: [{addresses: [127.1.2.3]}]}`)
	if !apierrors.IsInvalid(err) {
		t.Errorf("%v, want Invalid", err)
	}
}

// next returns the pod of the next event that matches.
func next(t *testing.T, seen watch.Interface, matches func(watch.Event) bool) *corev1.Pod {
	t.Helper()
	for {
		select {
		case event, open := <-seen.ResultChan():
			if !open {
				t.Fatal("the watch has ended")
			}
			if pod, ok := event.Object.(*corev1.Pod); ok && matches(event) {
				return pod
			}
		case <-t.Context().Done():
			t.Fatal(t.Context().Err())
		}
	}
}

func nextReady(t *testing.T, seen watch.Interface) *corev1.Pod {
	t.Helper()
	return next(t, seen, func(event watch.Event) bool {
		for _, condition := range event.Object.(*corev1.Pod).Status.Conditions {
			if condition.Type == corev1.PodReady {
				return condition.Status == corev1.ConditionTrue
			}
		}
		return false
	})
}

func podIP(t *testing.T, cp *testenv.ControlPlane, ns, name string) string {
	t.Helper()
	pod, err := kubernetes.NewForConfigOrDie(cp.Config()).CoreV1().Pods(ns).Get(t.Context(), name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return pod.Status.PodIP
}

// freePort returns a port that was free just now.
func freePort(t *testing.T, address string) int {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", net.JoinHostPort(address, "0"))
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}

func answer(t *testing.T, client *http.Client, scheme, address string, port int) string {
	t.Helper()
	url := scheme + "://" + net.JoinHostPort(address, strconv.Itoa(port))
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func expectRefused(t *testing.T, address string, port int) {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", net.JoinHostPort(address, strconv.Itoa(port)))
	if err == nil {
		_ = conn.Close()
		t.Errorf("something listens at %s, port %d", address, port)
	}
}
