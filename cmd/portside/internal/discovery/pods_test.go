package discovery

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/go-logr/logr"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes/scheme"
	ctrl "sigs.k8s.io/controller-runtime"
	ctrlcache "sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/cache"
	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/fixture"
	"github.com/portside-dev/portside/testenv/portside"
)

func TestMain(m *testing.M) {
	ctrl.SetLogger(logr.Discard())
	testenv.Main(m, testenv.Options{})
}

// labeled returns a workload whose pods have a label that those of others have as
// well. The name of one workload begins with that of another.
func labeled(kind, name string, options ...fixture.Option) *unstructured.Unstructured {
	return fixture.Workload(kind, name, append([]fixture.Option{
		fixture.Spec("template: {metadata: {labels: {team: web}}}"),
		fixture.Container("sidecar", "api:9000", "admin:9001"), fixture.Container("server", "api:8080", "udp:8081/UDP"),
	}, options...)...)
}

// lone is a pod with the label of the workload web, and without a controller.
const lone = `
apiVersion: v1
kind: Pod
metadata: {name: web-lone, labels: {app: other, team: web}}
spec: {containers: [{name: server, image: server, ports: [{name: api, containerPort: 8080}]}]}
`

// api is the port that pods are asked at.
var api = intstr.FromString("api")

// podsIn returns the Pods of a namespace, or of all, and a count of the ReplicaSets
// that it reads.
func podsIn(t *testing.T, cp *testenv.ControlPlane, ns string) (*Pods, *atomic.Int32) {
	t.Helper()
	portside.InstallCRD(t, cp)
	known := runtime.NewScheme()
	if err := errors.Join(scheme.AddToScheme(known), v1alpha1.AddToScheme(known)); err != nil {
		t.Fatal(err)
	}
	c, err := client.New(cp.Config(), client.Options{Scheme: known})
	if err != nil {
		t.Fatal(err)
	}
	options := cache.Options{Namespace: ns}.ForManager()
	options.Scheme = known
	watched, err := ctrlcache.New(cp.Config(), options)
	if err != nil {
		t.Fatal(err)
	}
	cluster, err := cache.NewCluster(t.Context(), watched, cache.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	ctx, stop := context.WithCancel(context.Background()) //nolint:usetesting // it is stopped before the test's own ends
	go func() { ended <- watched.Start(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	if !watched.WaitForCacheSync(ctx) {
		t.Fatal("the cache is not synced")
	}
	var asked atomic.Int32
	return NewPods(cluster, func(ctx context.Context, name types.NamespacedName) (types.UID, *metav1.OwnerReference, error) {
		asked.Add(1)
		set := &appsv1.ReplicaSet{}
		if err := c.Get(ctx, name, set); err != nil {
			return "", nil, err
		}
		return set.UID, metav1.GetControllerOfNoCopy(set), nil
	}), &asked
}

// found returns pods as "name port", without the generated parts of names.
func found(pods []Pod) []string {
	names := make([]string, 0, len(pods))
	for _, p := range pods {
		name, _, generated := strings.Cut(p.Name, "-")
		if generated {
			name += "-…"
		}
		names = append(names, fmt.Sprintf("%s %d", name, p.Port))
	}
	return names
}

func expectFound(t *testing.T, p *Pods, w Workload, want ...string) {
	t.Helper()
	expectFoundAt(t, p, w, api, want...)
}

func expectFoundAt(t *testing.T, p *Pods, w Workload, port intstr.IntOrString, want ...string) {
	t.Helper()
	testenv.Eventually(t, fmt.Sprintf("%s has pods %q", w.Target, want), func(ctx context.Context) error {
		pods, _, err := p.Find(ctx, w, port)
		if err != nil {
			return err
		}
		if got := found(pods); !slices.Equal(got, want) {
			return fmt.Errorf("they are %q", got)
		}
		return nil
	})
}

// start runs a workload.
func start(t *testing.T, cp *testenv.ControlPlane, kind, ns, name string, replicas int) Workload {
	t.Helper()
	m := cp.Manager("git").In(ns)
	m.MustApply(t, labeled(kind, name))
	scale(t, cp, kind, ns, name, replicas)
	live := cp.WaitRolledOut(t, kind, ns, name)
	return Workload{
		Target: workload.Target{Kind: workload.KindOf("apps/v1", kind), Namespace: ns, Name: name}, UID: live.GetUID(), Selector: "app=" + name, Container: "server",
	}
}

func scale(t *testing.T, cp *testenv.ControlPlane, kind, ns, name string, replicas int) {
	t.Helper()
	if kind == "DaemonSet" {
		return
	}
	cp.Manager("hpa").MustPatch(t, kind, ns, name, types.MergePatchType,
		fmt.Appendf(nil, `{"spec":{"replicas":%d}}`, replicas))
}

func TestPodsFindsReadyPods(t *testing.T) {
	t.Parallel()
	cp := testenv.WithControllers(t)
	for _, kind := range []string{"StatefulSet", "Deployment", "DaemonSet"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			ns := cp.Namespace(t)
			cp.Manager("git").In(ns).MustApply(t, lone)
			web := start(t, cp, kind, ns, "web", 2)
			start(t, cp, kind, ns, "web-api", 3)
			pods, _ := podsIn(t, cp, ns)
			both := []string{"web-… 8080", "web-… 8080"}
			if kind == "DaemonSet" {
				both = both[:1] // there is one node
			}
			expectFound(t, pods, web, both...)

			another := web
			another.UID = "of a deleted workload of that name"
			expectFound(t, pods, another)

			release := cp.HoldUnready(ns, func(p *corev1.Pod) bool { return p.Labels["app"] == "web" })
			expectFound(t, pods, web)
			release()
			expectFound(t, pods, web, both...)
		})
	}
}

func TestPodsPort(t *testing.T) {
	t.Parallel()
	cp := testenv.WithControllers(t)
	ns := cp.Namespace(t)
	web := start(t, cp, "StatefulSet", ns, "web", 1)
	pods, _ := podsIn(t, cp, ns)
	for _, c := range []struct {
		name, container string
		port            intstr.IntOrString
		want            string
	}{
		{"of the container itself", "server", intstr.FromString("api"), "web-… 8080"},
		{"of the other container", "sidecar", intstr.FromString("api"), "web-… 9000"},
		{"that only another container has", "server", intstr.FromString("admin"), "web-… 9001"},
		{"that no container has", "server", intstr.FromString("none"), "web-… 0"},
		{"that is not TCP", "server", intstr.FromString("udp"), "web-… 0"},
		{"by its number", "server", intstr.FromInt32(7), "web-… 7"},
	} {
		t.Run(c.name, func(t *testing.T) {
			web.Container = c.container
			expectFoundAt(t, pods, web, c.port, c.want)
		})
	}
}

// TestPodsReplicaSets: the controller of a ReplicaSet is read once, and kept only
// while the ReplicaSet has pods and the Deployment is polled.
func TestPodsReplicaSets(t *testing.T) {
	t.Parallel()
	cp := testenv.WithControllers(t)
	ns := cp.Namespace(t)
	web := start(t, cp, "Deployment", ns, "web", 1)
	start(t, cp, "Deployment", ns, "web-api", 1)
	pods, asked := podsIn(t, cp, ns)
	for range 10 {
		expectFound(t, pods, web, "web-… 8080")
	}
	if n := asked.Load(); n != 1 || len(pods.replicaSets.owned[web.UID]) != 1 {
		t.Errorf("%d reads, %v kept", n, pods.replicaSets.owned)
	}
	web.Selector = "team=web" // which the other Deployment's pods match as well
	for range 10 {
		expectFound(t, pods, web, "web-… 8080")
	}
	if n := asked.Load(); n != 2 || len(pods.replicaSets.owned[web.UID]) != 2 {
		t.Errorf("%d reads, %v kept", n, pods.replicaSets.owned)
	}

	scale(t, cp, "Deployment", ns, "web-api", 0)
	testenv.Eventually(t, "the ReplicaSet without pods is forgotten", func(ctx context.Context) error {
		if _, _, err := pods.Find(ctx, web, api); err != nil {
			return err
		}
		if kept := pods.replicaSets.owned[web.UID]; len(kept) != 1 {
			return fmt.Errorf("kept: %v", kept)
		}
		return nil
	})

	pods.Forget(web.UID)
	late, giveUp := context.WithCancel(t.Context())
	pods.replicaSets.read = func(_ context.Context, name types.NamespacedName) (types.UID, *metav1.OwnerReference, error) {
		giveUp() // the target is forgotten while it is asked about
		return "", nil, apierrors.NewNotFound(schema.GroupResource{Resource: "replicasets"}, name.Name)
	}
	if _, err := pods.podsOf(late, web); err != nil {
		t.Error(err)
	}
	if late.Err() == nil || len(pods.replicaSets.owned) != 0 {
		t.Errorf("kept: %v", pods.replicaSets.owned)
	}
}

// TestPodsUnreadableReplicaSet: a ReplicaSet that cannot be read may be the
// Deployment's, so its pods are not ignored.
func TestPodsUnreadableReplicaSet(t *testing.T) {
	t.Parallel()
	cp := testenv.WithControllers(t)
	ns := cp.Namespace(t)
	web := start(t, cp, "Deployment", ns, "web", 1)
	pods, _ := podsIn(t, cp, ns)
	pods.replicaSets.read = func(context.Context, types.NamespacedName) (types.UID, *metav1.OwnerReference, error) {
		return "", nil, errors.New("forbidden")
	}
	testenv.Eventually(t, "the error to be returned", func(ctx context.Context) error {
		if found, _, err := pods.Find(ctx, web, api); err == nil {
			return fmt.Errorf("found %v", found)
		}
		return nil
	})
}
