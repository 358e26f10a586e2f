package testenv_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/portside-dev/portside/testenv"
)

// throughProxy returns a manager whose requests go through the proxy, over a
// connection of its own: client-go shares connections among equal configurations.
func throughProxy(t *testing.T, p *testenv.Proxy, ns string) *testenv.Manager {
	t.Helper()
	manager, err := testenv.NewManager(p.Config(), "proxied")
	if err != nil {
		t.Fatal(err)
	}
	return manager.In(ns)
}

// TestProxy_Close is not parallel, since it checks all goroutines.
func TestProxy_Close(t *testing.T) {
	cp := testenv.Shared(t)
	ns := cp.Namespace(t)
	before := goleak.IgnoreCurrent()
	p, err := testenv.NewProxy(cp.Config(), testenv.ProxyHooks{})
	if err != nil {
		t.Fatal(err)
	}
	client := kubernetes.NewForConfigOrDie(p.Config()).CoreV1().ConfigMaps(ns)
	events, err := client.Watch(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	held, _ := p.HoldAnswers(testenv.Is(testenv.VerbList, "configmaps"))
	failed := make(chan error, 1)
	go func() {
		_, err := client.List(t.Context(), metav1.ListOptions{})
		failed <- err
	}()
	<-held
	p.Close()
	p.Close()
	if err := <-failed; err == nil {
		t.Error("a request that the closed proxy held was answered")
	}
	awaitEnd(events)
	events.Stop()
	if err := goleak.Find(before); err != nil {
		t.Error(err)
	}
}

// TestProxy_answersInstead has a hook answer one request and break another. Neither
// reaches the API server.
func TestProxy_answersInstead(t *testing.T) {
	t.Parallel()
	cp := testenv.Shared(t)
	ns := cp.Namespace(t)
	proxy := cp.Proxy(t, cp.Config(), testenv.ProxyHooks{Instead: func(request *http.Request) (*http.Response, error) {
		switch {
		case strings.HasSuffix(request.URL.Path, "/answered"):
			return testenv.StatusAnswer(http.StatusConflict, metav1.StatusReasonConflict, "injected"), nil
		case strings.HasSuffix(request.URL.Path, "/broken"):
			return nil, errors.New("injected")
		}
		return nil, nil
	}})
	manager := throughProxy(t, proxy, ns)
	apply := func(name string) error {
		_, err := manager.Apply(t.Context(), `{apiVersion: v1, kind: ConfigMap, metadata: {name: `+name+`}}`)
		return err
	}
	if err := apply("answered"); !apierrors.IsConflict(err) {
		t.Errorf("answered: %v", err)
	}
	if err := apply("broken"); err == nil || apierrors.ReasonForError(err) != metav1.StatusReasonUnknown {
		t.Errorf("broken: %v", err)
	}
	if err := apply("forwarded"); err != nil {
		t.Errorf("forwarded: %v", err)
	}
	if got := proxy.Total(); got != 1 {
		t.Errorf("%d requests were forwarded, want 1: %s", got, proxy)
	}
}

func TestProxy_counts(t *testing.T) {
	t.Parallel()
	cp := testenv.Shared(t)
	ns := cp.Namespace(t)
	proxy := cp.Proxy(t, cp.Config(), testenv.ProxyHooks{})
	manager := throughProxy(t, proxy, ns)
	ctx := t.Context()
	lease := `{apiVersion: coordination.k8s.io/v1, kind: Lease, metadata: {name: leader}}`
	renew := func(u *unstructured.Unstructured) {
		_ = unstructured.SetNestedField(u.Object, "me", "spec", "holderIdentity")
	}
	for _, err := range []error{
		errOf(manager.Apply(ctx, declared(static))),
		errOf(manager.Create(ctx, lease)),
		errOf(manager.Update(ctx, "Lease", ns, "leader", renew)),
		errOf(manager.Create(ctx, `{apiVersion: v1, kind: Secret, metadata: {name: credentials}}`)),
		errOf(manager.Get(ctx, "Secret", ns, "credentials")),
		errOf(manager.Get(ctx, "Secret", ns, "credentials")),
		errOf(kubernetes.NewForConfigOrDie(proxy.Config()).AppsV1().StatefulSets(ns).GetScale(ctx, dittofs, metav1.GetOptions{})),
		errOf(kubernetes.NewForConfigOrDie(proxy.Config()).Discovery().ServerVersion()),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for request, want := range map[string]int{
		"APPLY statefulsets": 1, "GET leases": 1, "PUT leases": 1, "POST leases": 1, "GET secrets": 2, "POST secrets": 1,
		"GET statefulsets/scale": 1, "GET statefulsets": 0, "PUT secrets": 0, "DISCOVERY ": 1,
	} {
		verb, resource, _ := strings.Cut(request, " ")
		if got := proxy.CountOf(verb, resource); got != want {
			t.Errorf("%d of %s, want %d: %s", got, request, want, proxy)
		}
	}
	want := []string{
		"APPLY /apis/apps/v1/namespaces/" + ns + "/statefulsets/dittofs?fieldManager=proxied&force=false",
		"POST /api/v1/namespaces/" + ns + "/secrets?fieldManager=proxied",
	}
	if got := proxy.Except("GET leases", "PUT leases", "POST leases", "GET secrets", "GET statefulsets/scale", "DISCOVERY"); !slices.Equal(got, want) {
		t.Errorf("the requests that are not allowed are %q, want %q", got, want)
	}
}

func errOf[T any](_ T, err error) error { return err }

// TestProxy_childProcess runs kubectl with nothing but a kubeconfig of the proxy.
func TestProxy_childProcess(t *testing.T) {
	t.Parallel()
	cp := testenv.Shared(t)
	user, err := cp.User("behind-the-proxy")
	if err != nil {
		t.Fatal(err)
	}
	proxy := cp.Proxy(t, user, testenv.ProxyHooks{})
	content, err := testenv.KubeconfigOf(proxy.Config(), cp.Namespace(t))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	kubectl := exec.CommandContext(t.Context(), filepath.Join(cp.Assets(), "kubectl"), "get", "secrets")
	kubectl.Env = []string{"KUBECONFIG=" + file, "HOME=" + filepath.Dir(file), "KUBERC=off"}
	out, err := kubectl.CombinedOutput()
	if err == nil || !strings.Contains(string(out), `User "behind-the-proxy" cannot list resource "secrets"`) {
		t.Errorf("kubectl: %v: %s", err, out)
	}
	if proxy.CountOf(testenv.VerbList, "secrets") != 1 {
		t.Errorf("kubectl's request was not counted: %s", proxy)
	}
}

// awaitEnd waits until the watch has ended.
func awaitEnd(events watch.Interface) {
	for open := true; open; {
		_, open = <-events.ResultChan()
	}
}

func TestProxy_CutAndRefuse(t *testing.T) {
	t.Parallel()
	cp := testenv.Shared(t)
	ns := cp.Namespace(t)
	proxy := cp.Proxy(t, cp.Config(), testenv.ProxyHooks{})
	client := kubernetes.NewForConfigOrDie(proxy.Config()).CoreV1().ConfigMaps(ns)
	events, err := client.Watch(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := errOf(cp.Manager("other").In(ns).Apply(t.Context(), configMap)); err != nil {
		t.Fatal(err)
	}
	if event := <-events.ResultChan(); event.Type != "ADDED" {
		t.Errorf("the watch delivers %v, want ADDED", event)
	}
	proxy.Cut()
	awaitEnd(events)
	if _, err := client.List(t.Context(), metav1.ListOptions{}); err != nil {
		t.Errorf("after the cut: %v", err)
	}
	proxy.Refuse(true)
	sent := proxy.Total()
	// A write, because client-go repeats a read for ten seconds.
	if err := client.Delete(t.Context(), "counted", metav1.DeleteOptions{}); err == nil || apierrors.ReasonForError(err) != metav1.StatusReasonUnknown {
		t.Errorf("a refused request: %v, want no answer", err)
	}
	if proxy.Total() != sent {
		t.Errorf("a refused request was forwarded: %s", proxy)
	}
	proxy.Refuse(false)
	if _, err := client.List(t.Context(), metav1.ListOptions{}); err != nil {
		t.Errorf("after Refuse(false): %v", err)
	}
}

func TestProxy_HoldAnswers(t *testing.T) {
	t.Parallel()
	cp := testenv.Shared(t)
	for name, end := range map[string]func(release, disconnect func()) (err error){
		"released":           func(release, _ func()) error { release(); return nil },
		"client disconnects": func(_, disconnect func()) error { disconnect(); return context.Canceled },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ns := cp.Namespace(t)
			proxy := cp.Proxy(t, cp.Config(), testenv.ProxyHooks{})
			held, release := proxy.HoldAnswers(testenv.Is(testenv.VerbApply, "statefulsets"))
			answered, disconnect := applyThrough(t, proxy, ns)
			<-held
			cp.Manager("testenv").MustGet(t, "StatefulSet", ns, dittofs) // the write is stored
			select {
			case err := <-answered:
				t.Errorf("the client got a held answer: %v", err)
			default:
			}
			want := end(release, disconnect)
			if err := <-answered; !errors.Is(err, want) {
				t.Errorf("the client got %v, want %v", err, want)
			}
			if proxy.Writes() != 1 {
				t.Errorf("want one write: %s", proxy)
			}
		})
	}
}

func TestProxy_HoldRequests(t *testing.T) {
	t.Parallel()
	cp := testenv.Shared(t)
	ns := cp.Namespace(t)
	proxy := cp.Proxy(t, cp.Config(), testenv.ProxyHooks{})
	held, release := proxy.HoldRequests(testenv.Is(testenv.VerbApply, "statefulsets"))
	answered, disconnect := applyThrough(t, proxy, ns)
	<-held
	disconnect()
	if err := <-answered; !errors.Is(err, context.Canceled) {
		t.Errorf("the client that disconnected got %v", err)
	}
	if err := errOf(throughProxy(t, proxy, ns).Get(t.Context(), "StatefulSet", ns, dittofs)); !apierrors.IsNotFound(err) {
		t.Errorf("the StatefulSet: %v, want NotFound, and the read not held", err)
	}
	if proxy.Writes() != 0 {
		t.Errorf("want no write forwarded: %s", proxy)
	}
	release()
	if err := errOf(throughProxy(t, proxy, ns).Apply(t.Context(), declared(static))); err != nil {
		t.Error(err)
	}
}

// applyThrough applies the StatefulSet through the proxy, without waiting.
func applyThrough(t *testing.T, p *testenv.Proxy, ns string) (answered <-chan error, disconnect func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	manager := throughProxy(t, p, ns)
	done := make(chan error, 1)
	go func() { done <- errOf(manager.Apply(ctx, declared(static))) }()
	return done, cancel
}

func TestProxy_hooks(t *testing.T) {
	t.Parallel()
	cp := testenv.Shared(t)
	ns := cp.Namespace(t)
	breakIt := errors.New("the connection breaks")
	var statuses []int
	proxy := cp.Proxy(t, cp.Config(), testenv.ProxyHooks{
		OnRequest: func(r *http.Request) {
			if got := r.Header.Get("Authorization"); got != "" {
				t.Errorf("%s is forwarded with the client's credentials %q", r.URL, got)
			}
			r.Header.Set("Accept", "application/json")
		},
		OnAnswer: func(r *http.Response) error {
			statuses = append(statuses, r.StatusCode)
			if got := r.Header.Get("Content-Type"); got != "application/json" {
				t.Errorf("%s answers %s, want JSON", r.Request.URL, got)
			}
			if r.Request.Method == http.MethodDelete {
				return breakIt
			}
			return nil
		},
	})
	config := proxy.Config()
	config.ContentConfig = rest.ContentConfig{ContentType: "application/vnd.kubernetes.protobuf"}
	maps := kubernetes.NewForConfigOrDie(config).CoreV1().ConfigMaps(ns)
	if _, err := maps.List(t.Context(), metav1.ListOptions{}); err != nil {
		t.Error(err)
	}
	if _, err := maps.Get(t.Context(), "none", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Error(err)
	}
	if err := maps.Delete(t.Context(), "none", metav1.DeleteOptions{}); err == nil || apierrors.IsNotFound(err) {
		t.Errorf("%v, want a broken connection", err)
	}
	if want := []int{200, 404, 404}; !slices.Equal(statuses, want) {
		t.Errorf("answers %v, want %v", statuses, want)
	}
}
