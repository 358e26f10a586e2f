package changes_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/changes"
	"github.com/portside-dev/portside/testenv"
)

const static = "[{name: api, containerPort: 8080, protocol: TCP}, {containerPort: 2049, protocol: TCP}]"

func statefulSet(ports string) string {
	return `{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: files}, spec: {serviceName: files,
  selector: {matchLabels: {app: files}}, template: {metadata: {labels: {app: files}}, spec: {
    containers: [{name: server, image: files, ports: ` + ports + `}]}}}}`
}

// scene is a StatefulSet of a test's own.
type scene struct {
	*testenv.ControlPlane
	namespace string
}

func newScene(t *testing.T) *scene {
	t.Helper()
	cp := testenv.Shared(t)
	w := &scene{cp, cp.Namespace(t)}
	w.argocd(t, static)
	return w
}

func (w *scene) argocd(t *testing.T, ports string) {
	t.Helper()
	if _, err := w.Manager(testenv.ArgoCD).In(w.namespace).Apply(t.Context(), statefulSet(ports)); err != nil {
		t.Error(err)
	}
}

func (w *scene) target() workload.Target {
	return workload.Target{Kind: workload.StatefulSet, Namespace: w.namespace, Name: "files"}
}

func (w *scene) applier(t *testing.T, config *rest.Config) *apply.Applier {
	t.Helper()
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	applier, err := apply.New(workload.ClientGo(client.AppsV1()))
	if err != nil {
		t.Fatal(err)
	}
	return applier
}

func (w *scene) reconcile(t *testing.T, config *rest.Config, adapters ...apply.Adapter) apply.Result {
	t.Helper()
	result, err := w.applier(t, config).Apply(t.Context(), w.target(), apply.Desired{Adapters: adapters})
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// meanwhile has something happen between what an applier reads and its first
// apply.
func meanwhile(config *rest.Config, do func()) *rest.Config {
	config = rest.CopyConfig(config)
	once := sync.OnceFunc(do)
	config.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(request *http.Request) (*http.Response, error) {
			if request.Method == http.MethodPatch {
				once()
			}
			return next.RoundTrip(request)
		})
	})
	return config
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(request *http.Request) (*http.Response, error) { return f(request) }

var (
	nfs = apply.Adapter{Type: "nfs", Port: 12049}
	smb = apply.Adapter{Type: "smb", Port: 1445}
)

func TestOf(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		result func(t *testing.T, w *scene) apply.Result
		want   string // empty for no change
		timed  bool   // by the server
	}{
		"a port is added": {
			func(t *testing.T, w *scene) apply.Result { return w.reconcile(t, w.Config(), nfs) },
			"server: +adapter-nfs 12049/TCP", true,
		},
		"a port gets another number": {
			func(t *testing.T, w *scene) apply.Result {
				w.reconcile(t, w.Config(), nfs)
				return w.reconcile(t, w.Config(), apply.Adapter{Type: "nfs", Port: 12050}, smb)
			},
			"server: -adapter-nfs 12049/TCP, +adapter-smb 1445/TCP, +adapter-nfs 12050/TCP", false, // within a second
		},
		"a port of another manager keeps its name": {
			func(t *testing.T, w *scene) apply.Result {
				return w.reconcile(t, meanwhile(w.Config(), func() { w.argocd(t, "[{containerPort: 12049, protocol: TCP}]") }), nfs)
			},
			"", false, // the apply gives it back
		},
		"the last port is removed": {
			func(t *testing.T, w *scene) apply.Result {
				w.reconcile(t, w.Config(), nfs)
				return w.reconcile(t, w.Config())
			},
			"server: -adapter-nfs 12049/TCP", false,
		},
		"all is released": {
			func(t *testing.T, w *scene) apply.Result {
				w.reconcile(t, w.Config(), nfs, smb)
				result, err := w.applier(t, w.Config()).Release(t.Context(), w.target(), false)
				if err != nil {
					t.Fatal(err)
				}
				return result
			},
			"server: -adapter-smb 1445/TCP, -adapter-nfs 12049/TCP", false,
		},
		"all is released and stays": {
			func(t *testing.T, w *scene) apply.Result {
				w.reconcile(t, w.Config(), nfs)
				result, err := w.applier(t, w.Config()).Release(t.Context(), w.target(), true)
				if err != nil {
					t.Fatal(err)
				}
				return result
			},
			"", false,
		},
		"nothing changes": {
			func(t *testing.T, w *scene) apply.Result {
				w.reconcile(t, w.Config(), nfs)
				return w.reconcile(t, w.Config(), nfs)
			},
			"", false,
		},
		"another manager changes its ports meanwhile": {
			func(t *testing.T, w *scene) apply.Result {
				return w.reconcile(t, meanwhile(w.Config(), func() { w.argocd(t, "[{name: web, containerPort: 9090, protocol: TCP}]") }), nfs)
			},
			"server: +adapter-nfs 12049/TCP", true,
		},
		"another manager adds the same port meanwhile": {
			func(t *testing.T, w *scene) apply.Result {
				same := strings.Replace(static, "]", ", {name: adapter-nfs, containerPort: 12049, protocol: TCP}]", 1)
				return w.reconcile(t, meanwhile(w.Config(), func() { w.argocd(t, same) }), nfs, smb)
			},
			"server: +adapter-smb 1445/TCP", true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			change, changed := changes.Of(c.result(t, newScene(t)), apply.DefaultFieldManager)
			if got := changes.Text(change.Ports); got != c.want || changed != (c.want != "") {
				t.Errorf("%t: %q, not %q", changed, got, c.want)
			}
			if c.timed && time.Since(change.Time.Time).Abs() > time.Minute {
				t.Errorf("at %s", change.Time)
			}
		})
	}
}

func TestAppend(t *testing.T) {
	t.Parallel()
	change := func(ports int) v1alpha1.PortsChange {
		return v1alpha1.PortsChange{Ports: make([]v1alpha1.ChangedPort, ports)}
	}
	counts := func(all []v1alpha1.PortsChange) (counts []int) {
		for _, c := range all {
			counts = append(counts, len(c.Ports))
		}
		return counts
	}
	for name, c := range map[string]struct{ before, newer, want []int }{
		"the first":                     {nil, []int{1}, []int{1}},
		"none":                          {[]int{1, 2}, nil, []int{1, 2}},
		"the eleventh":                  {[]int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, []int{11}, []int{2, 3, 4, 5, 6, 7, 8, 9, 10, 11}},
		"as many ports as there may be": {[]int{64, 32}, []int{32}, []int{64, 32, 32}},
		"one port too many":             {[]int{64, 32}, []int{33}, []int{32, 33}},
		"as large as one may be":        {[]int{1, 1}, []int{128}, []int{128}},
		"larger than one may be":        {[]int{1}, []int{129}, []int{1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var all, newer []v1alpha1.PortsChange
			for _, n := range c.before {
				all = append(all, change(n))
			}
			for _, n := range c.newer {
				newer = append(newer, change(n))
			}
			if got := counts(changes.Append(all, newer...)); !slices.Equal(got, c.want) {
				t.Errorf("%v, not %v", got, c.want)
			}
		})
	}
}

// TestEvents: what the API server stores is found and read again, also of a
// change that is as large and as long as it can be.
func TestEvents(t *testing.T) {
	t.Parallel()
	w := newScene(t)
	result := w.reconcile(t, w.Config(), nfs)
	client, err := kubernetes.NewForConfig(w.Config())
	if err != nil {
		t.Fatal(err)
	}
	large := v1alpha1.PortsChange{Manager: strings.Repeat("m", 128)}
	for i := range int32(changes.MaxPorts) {
		large.Ports = append(large.Ports, v1alpha1.ChangedPort{
			Container: strings.Repeat("c", 63), Name: fmt.Sprintf("adapter-%07d", i), Port: 1 + i, Protocol: "TCP", Change: v1alpha1.PortAdded,
		})
	}
	small, _ := changes.Of(result, apply.DefaultFieldManager)
	other := *result.After
	other.UID, other.Name = "other", strings.Repeat("n", 253)
	for _, e := range []struct {
		of     *workload.Workload
		change v1alpha1.PortsChange
	}{{result.After, small}, {result.After, large}, {&other, large}} {
		event, err := changes.NewEvent(e.of, e.change, "sync", strings.Repeat("é", 100), metav1.NowMicro())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client.EventsV1().Events(w.namespace).Create(t.Context(), event, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	list, err := client.EventsV1().Events(w.namespace).List(t.Context(), metav1.ListOptions{FieldSelector: changes.EventsOf(result.After.UID)})
	if err != nil || len(list.Items) != 2 {
		t.Fatalf("%d Events: %v", len(list.Items), err)
	}
	slices.SortFunc(list.Items, func(a, b eventsv1.Event) int { return len(a.Note) - len(b.Note) })
	for i, want := range []v1alpha1.PortsChange{small, large} {
		got, is := changes.FromEvent(&list.Items[i])
		if !is || !slices.Equal(got.Ports, want.Ports) || got.Manager != want.Manager || got.Time.IsZero() {
			t.Errorf("%+v, not %+v", got, want)
		}
	}
	if e := list.Items[0]; e.Reason != "PortsChanged" || e.Note != "portside sync changed the ports: server: +adapter-nfs 12049/TCP" {
		t.Errorf("the Event is %s: %q", e.Reason, e.Note)
	}
	if _, is := changes.FromEvent(&eventsv1.Event{}); is {
		t.Error("an Event without a change has one")
	}
}
