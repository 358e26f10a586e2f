package controller

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/testenv"
)

// TestPodAway: two pods disagree on a number, and each is away for a while. What
// the other alone says changes nothing, neither while the pod is away nor after.
func TestPodAway(t *testing.T) {
	t.Parallel()
	for _, k := range []struct {
		name, kind, spec string
		then             string // a patch once the port is in place
	}{
		{"StatefulSet", "StatefulSet", "replicas: 2", ""},
		{"StatefulSet OnDelete", "StatefulSet", "replicas: 2\n  updateStrategy: {type: OnDelete}", ""},
		{"StatefulSet partition", "StatefulSet", "replicas: 2\n  updateStrategy: {type: RollingUpdate, rollingUpdate: {partition: 1}}", ""},
		{"Deployment", "Deployment", "replicas: 2", ""},
		{"Deployment paused", "Deployment", "replicas: 2", `{"spec":{"paused":true}}`},
		{"DaemonSet", "DaemonSet", "", ""},
		{"DaemonSet OnDelete", "DaemonSet", "updateStrategy: {type: OnDelete}", ""},
	} {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			a := newAsking(t, false)
			a.kind, a.live = k.kind, a.cp.Record(t, k.kind, a.ns, "files")
			a.site.say(says(nfsAt(12049)))
			workload := fmt.Sprintf(askedWorkload, k.kind, "files", k.spec)
			if k.kind == "DaemonSet" {
				a.cp.AddNode(t, a.ns)
				workload += "      tolerations: [{key: " + a.ns + ", operator: Exists}]\n"
			}
			mustApply(t, a.cp.Manager("git").In(a.ns), workload)
			a.cp.WaitRolledOut(t, k.kind, a.ns, "files")
			a.keepSet(k.kind, "files", v1alpha1.SchemeHTTP, 20)
			a.untilPorts("api:8080/TCP", "adapter-nfs:12049/TCP")
			a.cp.WaitRolledOut(t, k.kind, a.ns, "files")
			if k.then != "" {
				a.patch(k.then)
			}
			pods := a.pods()
			a.site.say(says(nfsAt(12050)), keyOf(&pods[1]))
			a.untilDiscovered("False", "Disagreeing", "every ready pod answered; pods report different numbers for adapter-nfs")

			a.podIsAway(pods[0], pods[1], 12049, 12050)
			another := a.pods()[0]
			if another.UID == pods[1].UID {
				another = a.pods()[1]
			}
			a.podIsAway(pods[1], another, 12050, 12049)
		})
	}
}

// podIsAway deletes one of two pods and has the one that takes its place not be
// ready for a while. Meanwhile the other gives its number, and then no adapter.
func (a *asking) podIsAway(away, other corev1.Pod, awaysNumber, othersNumber int) {
	a.Helper()
	a.site.say(says(nfsAt(awaysNumber)))
	a.site.say(says(nfsAt(awaysNumber)), keyOf(&away))
	a.site.say(says(nfsAt(othersNumber)), keyOf(&other))
	release := a.cp.HoldUnready(a.ns, func(p *corev1.Pod) bool { return keyOf(p) != keyOf(&other) })
	if err := a.cp.Manager("person").Delete(a.Context(), "Pod", a.ns, away.Name); err != nil {
		a.Fatal(err)
	}
	a.polls(4)
	a.expectTemplates(fmt.Sprintf("while the pod with %d is away", awaysNumber), 1)
	a.site.say(says("[]"), keyOf(&other))
	a.polls(4) // for longer than removalDelay
	a.expectTemplates("while the other has no adapter", 1)
	a.site.say(says(nfsAt(othersNumber)), keyOf(&other))
	a.polls(1)
	release()
	a.cp.WaitRolledOut(a, a.kind, a.ns, "files")
	a.polls(4)
	a.expectTemplates(fmt.Sprintf("when the pod with %d is back", awaysNumber), 1)
}

// pods waits until the workload files has two pods that run, and returns them.
func (a *asking) pods() (pods []corev1.Pod) {
	a.Helper()
	client, err := kubernetes.NewForConfig(a.cp.Config())
	if err != nil {
		a.Fatal(err)
	}
	testenv.Eventually(a, "two pods", func(ctx context.Context) error {
		list, err := client.CoreV1().Pods(a.ns).List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		pods = slices.DeleteFunc(list.Items, func(p corev1.Pod) bool {
			return p.DeletionTimestamp != nil || p.Status.Phase != corev1.PodRunning
		})
		if len(pods) != 2 {
			return fmt.Errorf("there are %d", len(pods))
		}
		return nil
	})
	return pods
}

// TestHeldNumber: a number that all pods agreed on, and that is not applied yet,
// is dropped when pods do not agree on it any more, and when they may have been
// replaced since.
func TestHeldNumber(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		settle int
		change func(a *asking)
	}{
		"a pod has the old number again": {3600, func(a *asking) {
			a.site.say(says(smbAndNFSAt(12049)), "files-0")
			a.polls(1)
		}},
		"pods are replaced before the next poll": {int(pollInterval/time.Second) - 10, func(a *asking) {
			a.site.say(says(smbAndNFSAt(12049)))
			for _, pod := range []string{"files-0", "files-1"} {
				if err := a.cp.Manager("person").Delete(a.Context(), "Pod", a.ns, pod); err != nil {
					a.Fatal(err)
				}
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := ask(t, 2, 20, false)
			a.patchSet(fmt.Sprintf(`{"spec":{"rollout":{"stabilizationWindowSeconds":%d}}}`, c.settle))
			a.site.say(says(smbAndNFSAt(12050)))
			a.untilAsked(2)
			a.expectCondition("Reconciling", "True", "Stabilizing")
			c.change(a)
			a.expectCondition("Reconciling", "False", "AsExpected")
			a.cp.WaitRolledOut(t, a.kind, a.ns, "files")
			a.expectCondition("Reconciling", "False", "AsExpected")
			a.clock.Step(pollInterval - 5*time.Second)
			a.polls(1)
			a.clock.Step(time.Hour)
			a.polls(2)
			a.expectTemplates("in all", 1)
		})
	}
}

// TestNotAllReady is reported while it lasts, by a text that polls do not change.
func TestNotAllReady(t *testing.T) {
	t.Parallel()
	a := ask(t, 2, 20, false)
	release := a.cp.HoldUnready(a.ns, func(p *corev1.Pod) bool { return p.Name == "files-0" })
	a.untilDiscovered("False", "NotAllReady", "every ready pod answered; pods ready: 1 of 2; no port is removed or renumbered until all are ready")
	before := a.adapterSet(t.Context(), "files").GetResourceVersion()
	a.polls(4)
	if after := a.adapterSet(t.Context(), "files").GetResourceVersion(); after != before {
		t.Errorf("status was written: %s, %s before", after, before)
	}
	release()
	a.untilDiscovered("True", "Answered", "every ready pod answered")
}

// TestAwaitedPort: no pod is ready before the port is declared, since the
// readiness probe names it, and the port is declared because such pods are asked.
func TestAwaitedPort(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"StatefulSet", "Deployment", "DaemonSet"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			a := newAsking(t, false)
			a.kind = kind
			a.site.say(says(nfsAt(12049)))
			a.cp.HoldUnready(a.ns, func(p *corev1.Pod) bool { return !hasNFS(p) })
			mustApply(t, a.cp.Manager("git").In(a.ns), fmt.Sprintf(askedWorkload, kind, "files", "")+
				"        readinessProbe: {tcpSocket: {port: adapter-nfs}}\n")
			a.keepSet(kind, "files", v1alpha1.SchemeHTTP, 20)
			a.untilPorts("api:8080/TCP", "adapter-nfs:12049/TCP")
			if kind == "StatefulSet" { // its controller does not replace a pod that is not ready
				if err := a.cp.Manager("person").Delete(t.Context(), "Pod", a.ns, "files-0"); err != nil {
					t.Fatal(err)
				}
			}
			a.cp.WaitRolledOut(t, kind, a.ns, "files")
			a.untilDiscovered("True", "Answered", "every ready pod answered")
			a.untilPorts("api:8080/TCP", "adapter-nfs:12049/TCP")
		})
	}
}
