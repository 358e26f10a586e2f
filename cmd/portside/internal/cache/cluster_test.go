package cache

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/portside"
)

// TestOptions of the namespace and the selector. The selector chooses AdapterSets
// alone: workloads and pods need no such label.
func TestOptions(t *testing.T) {
	t.Parallel()
	cp := testenv.Shared(t)
	portside.InstallCRD(t, cp)
	ns, other := cp.Namespace(t), cp.Namespace(t)
	git := cp.Manager("git")
	for _, in := range []string{ns, other} {
		for _, kind := range workload.Kinds() {
			git.In(in).MustApply(t, workloadOf(kind.Kind, "files"))
		}
		git.In(in).MustApply(t, adapterSet("files", "files"))
		git.In(in).MustApply(t, `{apiVersion: v1, kind: Pod, metadata: {name: files-0}, spec: {containers: [{name: server, image: "example.com/files:1"}]}}`)
	}
	git.In(ns).MustApply(t, adapterSet("theirs", "photos"))
	git.MustPatch(t, "AdapterSet", ns, "theirs", types.MergePatchType, []byte(`{"metadata":{"labels":{"team":"photos"}}}`))
	team := labels.SelectorFromSet(labels.Set{"team": "files"})
	for name, c := range map[string]struct {
		options      Options
		other, their bool
	}{
		"all":           {Options{}, true, true},
		"one namespace": {Options{Namespace: ns}, false, true},
		"one label":     {Options{Selector: team}, true, false},
		"one of each":   {Options{Namespace: ns, Selector: team}, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cached := synced(t, cp.Config(), c.options)
			is := func(what string, is, want bool) {
				t.Helper()
				if is != want {
					t.Errorf("%s is cached: %t", what, is)
				}
			}
			is("the AdapterSet", len(namesOf(t, cached, targetIn(ns, "files"))) > 0, true)
			is("the AdapterSet of another team", len(namesOf(t, cached, targetIn(ns, "photos"))) > 0, c.their)
			for _, kind := range workload.Kinds() {
				is("the "+kind.Kind, cachedWorkload(t.Context(), t, cached, workload.Target{Kind: kind, Namespace: ns, Name: "files"}) != nil, true)
			}
			pods, err := cached.Pods(t.Context(), ns, labels.Everything())
			if err != nil {
				t.Fatal(err)
			}
			is("the pod", len(pods) > 0, true)
			sets := cached.AllAdapterSets()
			is("the AdapterSet of another namespace", slices.ContainsFunc(sets, func(set *v1alpha1.AdapterSet) bool { return set.Namespace == other }), c.other)
			if c.other {
				is("the workload of another namespace", cachedWorkload(t.Context(), t, cached, targetIn(other, "files")) != nil, true)
			}
		})
	}
}

func TestAdapterSets(t *testing.T) {
	t.Parallel()
	cp := testenv.Shared(t)
	portside.InstallCRD(t, cp)
	ns := cp.Namespace(t)
	git := cp.Manager("git").In(ns)
	git.MustApply(t, adapterSet("c", "files"))
	git.MustApply(t, adapterSet("b", "files"))
	testenv.Eventually(t, "a, created in a later second", func(ctx context.Context) error {
		first, err := git.Get(ctx, "AdapterSet", ns, "b")
		if err != nil {
			return err
		}
		last, err := git.Apply(ctx, adapterSet("a", "files"))
		if err != nil || last.GetCreationTimestamp().After(first.GetCreationTimestamp().Time) {
			return err
		}
		return errors.Join(errors.New("it is of the same second"), git.Delete(ctx, "AdapterSet", ns, "a"))
	})
	git.MustApply(t, adapterSet("other", "photos"))
	c := synced(t, cp.Config(), Options{Namespace: ns})
	names := namesOf(t, c, targetIn(ns, "files"))
	if !slices.Equal(names, []string{"b", "c", "a"}) && !slices.Equal(names, []string{"c", "b", "a"}) {
		t.Errorf("they are %q: the oldest first, and by name where two are of one second", names)
	}
	if names := namesOf(t, c, workload.Target{Kind: workload.Deployment, Namespace: ns, Name: "files"}); len(names) > 0 {
		t.Errorf("a target of another kind has %q", names)
	}
}

func TestTrimmedAdapterSet(t *testing.T) {
	t.Parallel()
	cp := testenv.Shared(t)
	portside.InstallCRD(t, cp)
	ns := cp.Namespace(t)
	cp.Manager("git").In(ns).MustApply(t, adapterSet("files", "files"))
	c := synced(t, cp.Config(), Options{Namespace: ns})
	scheme := newScheme(t)
	direct, err := client.New(cp.Config(), client.Options{Scheme: scheme})
	if err != nil {
		t.Fatal(err)
	}
	stored := &v1alpha1.AdapterSet{ObjectMeta: nameIn(ns, "files")}
	if err := direct.Get(t.Context(), client.ObjectKeyFromObject(stored), stored); err != nil {
		t.Fatal(err)
	}
	if len(stored.Annotations) == 0 || len(stored.Labels) == 0 || len(stored.ManagedFields) == 0 {
		t.Fatalf("the server has not stored the fields to drop: %v", stored)
	}
	want := &v1alpha1.AdapterSet{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: ns, Name: "files", UID: stored.UID, ResourceVersion: stored.ResourceVersion,
			Generation: stored.Generation, CreationTimestamp: stored.CreationTimestamp,
		},
		Spec: stored.Spec,
	}
	sets, err := c.AdapterSets(targetIn(ns, "files"))
	if err != nil || len(sets) != 1 || !reflect.DeepEqual(sets[0], want) {
		t.Errorf("cached is\n%+v, %v\nnot\n%+v", sets, err, want)
	}
}

func TestWorkload(t *testing.T) {
	t.Parallel()
	cp := testenv.Shared(t)
	portside.InstallCRD(t, cp)
	ns := cp.Namespace(t)
	c := synced(t, cp.Config(), Options{Namespace: ns})
	client, err := kubernetes.NewForConfig(cp.Config())
	if err != nil {
		t.Fatal(err)
	}
	applier, err := apply.New(workload.ClientGo(client.AppsV1()))
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range workload.Kinds() {
		cp.Manager("git").In(ns).MustApply(t, workloadOf(kind.Kind, "files"))
		target := workload.Target{Kind: kind, Namespace: ns, Name: "files"}
		until(t, kind.Kind+" files", func(ctx context.Context) bool { return cachedWorkload(ctx, t, c, target) != nil })
		live, err := applier.Get(t.Context(), target)
		if err != nil {
			t.Fatal(err)
		}
		want, err := workload.ReadTrimmed(live.Object(), apply.DefaultFieldManager)
		if err != nil {
			t.Fatal(err)
		}
		if got := cachedWorkload(t.Context(), t, c, target); !got.Equal(want) {
			t.Errorf("the %s is\n%+v\nnot\n%+v", kind, got, want)
		}
	}
	if _, err := c.Workload(t.Context(), workload.Target{Kind: workload.KindOf("batch/v1", "CronJob"), Namespace: ns, Name: "files"}); err == nil {
		t.Error("there is a workload of a kind that is not known")
	}
}

// TestPodsAreCachedOnDemand: nothing asks the API server for pods before.
func TestPodsAreCachedOnDemand(t *testing.T) {
	t.Parallel()
	cp := testenv.Shared(t)
	portside.InstallCRD(t, cp)
	ns := cp.Namespace(t)
	proxy := cp.Proxy(t, cp.Config(), testenv.ProxyHooks{})
	c := synced(t, proxy.Config(), Options{Namespace: ns})
	asked := func() int { return proxy.CountOf(testenv.VerbList, "pods") + proxy.CountOf(testenv.VerbWatch, "pods") }
	if n := asked(); n > 0 {
		t.Errorf("%d requests for pods", n)
	}
	for range 2 {
		if _, err := c.Pods(t.Context(), ns, labels.Everything()); err != nil {
			t.Fatal(err)
		}
	}
	if n := asked(); n != 1 {
		t.Errorf("%d requests for pods after two reads", n)
	}
}

func TestSynced(t *testing.T) {
	t.Parallel()
	cp := testenv.Shared(t)
	portside.InstallCRD(t, cp)
	proxy := cp.Proxy(t, cp.Config(), testenv.ProxyHooks{})
	held, release := proxy.HoldRequests(func(r *http.Request) bool {
		return testenv.Is(testenv.VerbList, "daemonsets")(r) || testenv.Is(testenv.VerbWatch, "daemonsets")(r)
	})
	c := start(t, proxy.Config(), Options{Namespace: cp.Namespace(t)})
	<-held
	until(t, "AdapterSets to be listed", func(context.Context) bool { return c.sets.HasSynced() })
	if c.Synced() {
		t.Error("synced without the DaemonSets")
	}
	release()
	until(t, "the lists", func(context.Context) bool { return c.Synced() })
}

func TestTrimPod(t *testing.T) {
	t.Parallel()
	yes := true
	pod := func(change func(*corev1.Pod)) *corev1.Pod {
		p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{
			Namespace: "storage", Name: "files-0", ResourceVersion: "7", Labels: map[string]string{"app": "files"},
			Annotations: map[string]string{"example.com/notes": "a long text"},
			OwnerReferences: []metav1.OwnerReference{
				{Kind: "Backup", Name: "no-controller", UID: "none"},
				{APIVersion: "apps/v1", Kind: "StatefulSet", Name: "files", UID: "1", Controller: &yes},
			},
		}}
		p.Status.Phase, p.Status.PodIP, p.Status.HostIP = corev1.PodRunning, "10.0.0.7", "10.0.0.1"
		p.Status.Conditions = []corev1.PodCondition{
			{Type: corev1.PodScheduled, Status: corev1.ConditionTrue}, {Type: corev1.PodReady, Status: corev1.ConditionTrue, Message: "a long text"},
		}
		p.Spec.Containers = []corev1.Container{{Name: "server", Image: "example.com/files:1", Ports: []corev1.ContainerPort{
			{Name: "api", ContainerPort: 8080, Protocol: corev1.ProtocolTCP, HostPort: 8080}, {ContainerPort: 9090},
		}}}
		change(p)
		return p
	}
	for name, c := range map[string]struct{ change, want func(*corev1.Pod) }{
		"controlled": {func(*corev1.Pod) {}, func(p *corev1.Pod) {
			p.Annotations, p.OwnerReferences, p.Status.HostIP = nil, p.OwnerReferences[1:], ""
			p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
			p.Spec.Containers = []corev1.Container{{Name: "server", Ports: []corev1.ContainerPort{{Name: "api", ContainerPort: 8080, Protocol: corev1.ProtocolTCP}}}}
		}},
		"without a controller": {func(p *corev1.Pod) { p.OwnerReferences = p.OwnerReferences[:1] }, func(p *corev1.Pod) {
			*p = corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: p.Namespace, Name: p.Name, ResourceVersion: p.ResourceVersion}}
		}},
	} {
		want := pod(c.change)
		c.want(want)
		trimmed, err := trimPod(pod(c.change))
		if err != nil {
			t.Fatal(err)
		}
		if got := trimmed.(*podObject).pod(); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: it is\n%+v\nnot\n%+v", name, got, want)
		}
		if again, err := trimPod(trimmed); err != nil || again != trimmed {
			t.Errorf("%s: trimmed again it is\n%+v, %v", name, again, err)
		}
	}
}
