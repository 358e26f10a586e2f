package discovery

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/testenv"
)

// forger creates workloads and pods on a control plane without controllers, so that
// no garbage collector removes the forged ones.
type forger struct {
	*testing.T
	client kubernetes.Interface
	web    workload.Target
	uid    types.UID
	// owner is the controller of the target's own pods.
	owner metav1.OwnerReference
}

func newForger(t *testing.T, cp *testenv.ControlPlane, kind string) *forger {
	t.Helper()
	client, err := kubernetes.NewForConfig(cp.Config())
	if err != nil {
		t.Fatal(err)
	}
	f := &forger{T: t, client: client, web: workload.Target{Kind: workload.KindOf("apps/v1", kind), Namespace: cp.Namespace(t), Name: "web"}}
	live := cp.Manager("git").In(f.web.Namespace).MustApply(t, labeled(kind, "web"))
	f.uid = live.GetUID()
	f.owner = metav1.OwnerReference{APIVersion: "apps/v1", Kind: kind, Name: "web", UID: f.uid, Controller: new(true)}
	if kind == "Deployment" {
		f.owner = f.replicaSet(f.web.Namespace, "web-7d4b9", f.owner)
	}
	return f
}

// replicaSet creates a ReplicaSet with these owners, and returns a reference to it.
func (f *forger) replicaSet(namespace, name string, owners ...metav1.OwnerReference) metav1.OwnerReference {
	f.Helper()
	rs, err := f.client.AppsV1().ReplicaSets(namespace).Create(f.Context(), &appsv1.ReplicaSet{
		ObjectMeta: metav1.ObjectMeta{Name: name, OwnerReferences: owners},
		Spec: appsv1.ReplicaSetSpec{
			Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "web"}},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "server", Image: "server"}}},
			},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		f.Fatal(err)
	}
	return metav1.OwnerReference{APIVersion: "apps/v1", Kind: "ReplicaSet", Name: name, UID: rs.UID, Controller: new(true)}
}

func (f *forger) workload() Workload {
	return Workload{Target: f.web, UID: f.uid, Selector: "app=web", Container: "server"}
}

// pod creates a ready pod, which is the target's own but for the change.
func (f *forger) pod(name string, change func(*corev1.Pod)) {
	f.Helper()
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: f.web.Namespace, Name: name, Labels: map[string]string{"app": "web"},
			OwnerReferences: []metav1.OwnerReference{f.owner},
		},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{
			Name: "server", Image: "server", Ports: []corev1.ContainerPort{{Name: "api", ContainerPort: 8080}},
		}}},
	}
	change(pod)
	live, err := f.client.CoreV1().Pods(pod.Namespace).Create(f.Context(), pod, metav1.CreateOptions{})
	if err != nil {
		f.Fatal(err)
	}
	live.Status.Phase, live.Status.PodIP = corev1.PodRunning, "10.0.0.7"
	live.Status.PodIPs = []corev1.PodIP{{IP: live.Status.PodIP}}
	live.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
	if _, err := f.client.CoreV1().Pods(pod.Namespace).UpdateStatus(f.Context(), live, metav1.UpdateOptions{}); err != nil {
		f.Fatal(err)
	}
}

// TestPods of an attacker, who knows the UID of the target or of its ReplicaSet,
// are ignored.
func TestPods(t *testing.T) {
	t.Parallel()
	cp := testenv.Shared(t)
	all, _ := podsIn(t, cp, "")
	elsewhere := cp.Namespace(t)
	byOwner := func(change func(*metav1.OwnerReference)) func(*forger, *corev1.Pod) {
		return func(_ *forger, p *corev1.Pod) { change(&p.OwnerReferences[0]) }
	}
	// byReplicaSet has the pod controlled by a ReplicaSet that claims the target as
	// its controller, but for the change.
	byReplicaSet := func(inNamespace string, change func(*metav1.OwnerReference)) func(*forger, *corev1.Pod) {
		return func(f *forger, p *corev1.Pod) {
			owner := metav1.OwnerReference{APIVersion: "apps/v1", Kind: f.web.Kind.Kind, Name: "web", UID: f.uid, Controller: new(true)}
			change(&owner)
			if inNamespace == "" {
				inNamespace = f.web.Namespace
			}
			p.OwnerReferences[0] = f.replicaSet(inNamespace, "web-forged", owner)
		}
	}
	deployment := []string{"Deployment"}
	for _, c := range []struct {
		name  string
		kinds []string
		forge func(*forger, *corev1.Pod)
	}{
		{"of another namespace", nil, func(_ *forger, p *corev1.Pod) { p.Namespace = elsewhere }},
		{"of another apiVersion", nil, byOwner(func(o *metav1.OwnerReference) { o.APIVersion = "nowhere.example/v1" })},
		{"of another version", nil, byOwner(func(o *metav1.OwnerReference) { o.APIVersion = "apps/v1beta1" })},
		{"of another kind", nil, byOwner(func(o *metav1.OwnerReference) { o.Kind = "Nothing" })},
		{"of another kind of workload", nil, func(f *forger, p *corev1.Pod) {
			p.OwnerReferences[0].Kind = map[string]string{"StatefulSet": "DaemonSet", "DaemonSet": "ReplicaSet", "ReplicaSet": "StatefulSet"}[f.owner.Kind]
		}},
		{"of another name", nil, byOwner(func(o *metav1.OwnerReference) { o.Name = "web-other" })},
		{"of another UID", nil, byOwner(func(o *metav1.OwnerReference) { o.UID = "6b2a4f0e-0000-4000-8000-000000000000" })},
		{"without controller true", nil, byOwner(func(o *metav1.OwnerReference) { o.Controller = nil })},
		{"with controller false", nil, byOwner(func(o *metav1.OwnerReference) { o.Controller = new(false) })},
		{"without owners", nil, func(_ *forger, p *corev1.Pod) { p.OwnerReferences = nil }},
		{"with labels that do not match", nil, func(_ *forger, p *corev1.Pod) { p.Labels["app"] = "other" }},
		{"without labels", nil, func(_ *forger, p *corev1.Pod) { p.Labels = nil }},
		{"of the Deployment itself", deployment, func(f *forger, p *corev1.Pod) {
			p.OwnerReferences[0] = metav1.OwnerReference{APIVersion: "apps/v1", Kind: "Deployment", Name: "web", UID: f.uid, Controller: new(true)}
		}},
		{"of a ReplicaSet of another namespace", deployment, byReplicaSet(elsewhere, func(*metav1.OwnerReference) {})},
		{"of a ReplicaSet of another apiVersion", deployment, byReplicaSet("", func(o *metav1.OwnerReference) { o.APIVersion = "nowhere.example/v1" })},
		{"of a ReplicaSet of another kind", deployment, byReplicaSet("", func(o *metav1.OwnerReference) { o.Kind = "Rollout" })},
		{"of a ReplicaSet of another name", deployment, byReplicaSet("", func(o *metav1.OwnerReference) { o.Name = "web-other" })},
		{"of a ReplicaSet of another UID", deployment, byReplicaSet("", func(o *metav1.OwnerReference) { o.UID = "6b2a4f0e-0000-4000-8000-000000000000" })},
		{"of a ReplicaSet without controller true", deployment, byReplicaSet("", func(o *metav1.OwnerReference) { o.Controller = nil })},
	} {
		if c.kinds == nil {
			c.kinds = []string{"StatefulSet", "Deployment", "DaemonSet"}
		}
		for _, kind := range c.kinds {
			t.Run("ignores pods "+c.name+"/"+kind, func(t *testing.T) {
				t.Parallel()
				f := newForger(t, cp, kind)
				f.pod("forged-"+f.web.Namespace, func(p *corev1.Pod) { c.forge(f, p) })
				f.pod("own", func(*corev1.Pod) {}) // it is watched after the forged one
				testenv.Eventually(t, "the target's own pod to be found", func(ctx context.Context) error {
					found, _, err := all.Find(ctx, f.workload(), api)
					if err != nil {
						return err
					}
					names := make([]string, 0, len(found))
					for _, p := range found {
						names = append(names, p.Name)
					}
					if slices.ContainsFunc(names, func(name string) bool { return name != "own" }) {
						t.Fatalf("the pods are %q", names)
					}
					if len(names) == 0 {
						return errors.New("no pod is found")
					}
					return nil
				})
			})
		}
	}
}

// TestAdoptedReplicaSet: a ReplicaSet that has no controller yet may become the
// Deployment's, as one does that outlived an earlier Deployment.
func TestAdoptedReplicaSet(t *testing.T) {
	t.Parallel()
	cp := testenv.Shared(t)
	f := newForger(t, cp, "Deployment")
	rs := f.replicaSet(f.web.Namespace, "any-name")
	f.pod("own", func(p *corev1.Pod) { p.OwnerReferences[0] = rs })
	pods, asked := podsIn(t, cp, f.web.Namespace)
	testenv.Eventually(t, "the ReplicaSet to be read", func(ctx context.Context) error {
		found, _, err := pods.Find(ctx, f.workload(), api)
		if len(found) > 0 {
			t.Fatalf("found %v", found)
		}
		if err == nil && asked.Load() == 0 {
			err = errors.New("it was not")
		}
		return err
	})
	adopt := fmt.Appendf(nil, `{"metadata":{"ownerReferences":[{"apiVersion":"apps/v1","kind":"Deployment","name":"web","uid":%q,"controller":true}]}}`, f.uid)
	if _, err := f.client.AppsV1().ReplicaSets(f.web.Namespace).Patch(t.Context(), rs.Name, types.MergePatchType, adopt, metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	expectFound(t, pods, f.workload(), "own 8080")
}

// TestParseSelector: apps/v1 has no workload without a selector, and an empty one
// matches no pod.
func TestParseSelector(t *testing.T) {
	t.Parallel()
	if selector, err := parseSelector(""); err != nil || selector.Matches(labels.Set{"app": "web"}) {
		t.Errorf("an empty one matches: %v", err)
	}
	if _, err := parseSelector("app=="); err != nil {
		t.Error(err)
	}
	if _, err := parseSelector("app in"); err == nil {
		t.Error("an invalid one is parsed")
	}
}
