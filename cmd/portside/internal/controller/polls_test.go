package controller

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/testenv"
)

// nfsAt and smbAlone are what a pod answers.
func nfsAt(port int) string {
	return fmt.Sprintf(`[{"type": "nfs", "port": %d, "enabled": true, "running": true}]`, port)
}

// smbAndNFSAt is what one answers that has both.
func smbAndNFSAt(port int) string {
	return fmt.Sprintf(`[{"type": "smb", "port": 1445, "enabled": true, "running": true}, {"type": "nfs", "port": %d, "enabled": true, "running": true}]`, port)
}

const smbAlone = `[{"type": "smb", "port": 1445, "enabled": true, "running": true}]`

// inactiveSince is when the removal delay of adapter-nfs began as status has it,
// and false while it does not advance.
func (a *asking) inactiveSince(ctx context.Context) (time.Time, bool) {
	a.Helper()
	ports, _, _ := unstructured.NestedSlice(a.adapterSet(ctx, "files").Object, "status", "ports")
	for _, p := range ports {
		if p, ok := p.(map[string]any); ok && p["name"] == "adapter-nfs" {
			text, told, _ := unstructured.NestedString(p, "inactiveSince")
			since, err := time.Parse(time.RFC3339, text)
			if told && err != nil {
				a.Error(err)
			}
			return since, told
		}
	}
	return time.Time{}, false
}

// untilCounting waits until the removal delay of adapter-nfs advances.
func (a *asking) untilCounting() {
	a.Helper()
	a.until("the removal delay to begin", func(ctx context.Context) error {
		if _, counts := a.inactiveSince(ctx); !counts {
			return errors.New("it has not")
		}
		return nil
	})
}

// untilStopped waits until the removal delay of adapter-nfs stands still, and
// lets no time pass.
func (a *asking) untilStopped() {
	a.Helper()
	testenv.Eventually(a, "the removal delay to stop", func(ctx context.Context) error {
		if since, counts := a.inactiveSince(ctx); counts {
			return fmt.Errorf("it counts since %s", since)
		}
		return nil
	})
}

// expectCondition waits for a condition and lets no time pass.
func (a *asking) expectCondition(kind, is, reason string) {
	a.Helper()
	testenv.Eventually(a, fmt.Sprintf("%s is %s, %s", kind, is, reason), func(ctx context.Context) error {
		conditions, _, _ := unstructured.NestedSlice(a.adapterSet(ctx, "files").Object, "status", "conditions")
		for _, c := range conditions {
			if c, ok := c.(map[string]any); ok && c["type"] == kind && c["status"] == is && c["reason"] == reason {
				return nil
			}
		}
		return errors.New(fmt.Sprint(conditions))
	})
}

func (a *asking) patch(body string) {
	a.Helper()
	if _, err := a.cp.Manager("person").Patch(a.Context(), a.kind, a.ns, "files", types.MergePatchType, []byte(body)); err != nil {
		a.Fatal(err)
	}
}

// expectTemplates fails the test unless the pod template was changed so many
// times by now.
func (a *asking) expectTemplates(when string, want int) {
	a.Helper()
	if n := a.templates(); n != want {
		a.Errorf("%s: the pod template was changed %d times, not %d", when, n, want)
	}
}

// TestOldAnswer: a removal that one answer began is not carried out while no
// further poll is complete, however long that takes.
func TestOldAnswer(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name            string
		pods            int
		begin, end      func(a *asking)
		reason, message string
	}{
		{
			name: "the source fails", pods: 1,
			begin:  func(a *asking) { a.site.say(fails(500)) },
			reason: "ServerError", message: oneOf("the server failed (status 500)"),
		},
		{
			name: "one of two pods fails", pods: 2,
			begin:  func(a *asking) { a.site.say(fails(500), "files-1") },
			reason: "PartlyAnswered", message: "1 of 2 ready pods answered; 1: the server failed (status 500)",
		},
		{
			name: "scaled to 0", pods: 1,
			begin:  func(a *asking) { a.patch(`{"spec":{"replicas":0}}`); a.untilStopped() },
			end:    func(a *asking) { a.patch(`{"spec":{"replicas":1}}`) },
			reason: "NoReadyPods", message: "no pod is ready to be asked",
		},
		{
			name: "the Secret is gone", pods: 1,
			begin: func(a *asking) {
				if err := a.cp.Manager("git").Delete(a.Context(), "Secret", a.ns, "files-portside"); err != nil {
					a.Fatal(err)
				}
			},
			end:    func(a *asking) { a.applySecret() },
			reason: "CredentialsMissing", message: "the Secret with the credentials is not there",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a := ask(t, c.pods, 20, false)
			a.site.say(says(smbAlone))
			a.untilCounting()
			c.begin(a)
			a.untilDiscovered("False", c.reason, c.message)
			a.polls(6)
			a.expectTemplates("before there is another answer", 1)
			a.untilStopped()

			a.site.recover(says(smbAlone))
			if c.end != nil {
				c.end(a)
			}
			a.untilPorts("api:8080/TCP", "adapter-smb:1445/TCP")
			a.cp.WaitRolledOut(t, a.kind, a.ns, "files")
			a.untilDiscovered("True", "Answered", "every ready pod answered")
			a.expectTemplates("in all", 2)
		})
	}
}

// TestOldAnswerOfAnotherProcess: how long the pods were not asked is not known
// after a restart, so a removal begins again with the first complete poll.
func TestOldAnswerOfAnotherProcess(t *testing.T) {
	t.Parallel()
	a := ask(t, 1, 20, false)
	a.site.say(says(smbAlone))
	a.untilCounting()
	a.site.say(fails(500))
	a.clock.Step(10 * time.Second)
	a.restart()
	restarted := a.clock.Now()
	a.polls(4)
	a.expectTemplates("before there is an answer", 1)

	a.site.say(says(smbAlone))
	a.until("the removal delay to begin again", func(ctx context.Context) error {
		if since, _ := a.inactiveSince(ctx); !since.After(restarted) {
			return fmt.Errorf("it began at %s, and the restart was at %s", since, restarted)
		}
		return nil
	})
	a.expectTemplates("with the first answer", 1)
	a.untilPorts("api:8080/TCP", "adapter-smb:1445/TCP")
	a.expectTemplates("in all", 2)
}

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
			a.untilDiscovered("False", "Disagreeing", "every ready pod answered; not all give the same number for adapter-nfs")

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
		"a pod has the old number again": {2 * int(nextPoll/time.Second), func(a *asking) {
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
			if _, err := a.cp.Manager("person").Patch(t.Context(), "AdapterSet", a.ns, "files", types.MergePatchType,
				fmt.Appendf(nil, `{"spec":{"rollout":{"settleSeconds":%d}}}`, c.settle)); err != nil {
				t.Fatal(err)
			}
			a.site.say(says(smbAndNFSAt(12050)))
			a.polls(1)
			a.expectCondition("Reconciling", "True", "Settling")
			c.change(a)
			a.expectCondition("Reconciling", "False", "AsExpected")
			a.cp.WaitRolledOut(t, a.kind, a.ns, "files")
			a.expectCondition("Reconciling", "False", "AsExpected")
			a.clock.Step(pollInterval - 5*time.Second)
			a.polls(8)
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
