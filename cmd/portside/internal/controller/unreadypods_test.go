package controller

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/dittofs"
	"github.com/portside-dev/portside/testenv/fixture"
)

// TestUnreadyPod: two pods disagree on a number, and each is unready for a while. The
// answer of the other pod alone changes nothing, neither then nor later.
func TestUnreadyPod(t *testing.T) {
	t.Parallel()
	for _, k := range []struct {
		name, kind, spec string
		then             string // a patch once the port is in place
	}{
		{"StatefulSet", "StatefulSet", "replicas: 2", ""},
		{"StatefulSet OnDelete", "StatefulSet", "replicas: 2\nupdateStrategy: {type: OnDelete}", ""},
		{"StatefulSet partition", "StatefulSet", "replicas: 2\nupdateStrategy: {type: RollingUpdate, rollingUpdate: {partition: 1}}", ""},
		{"Deployment", "Deployment", "replicas: 2", ""},
		{"Deployment paused", "Deployment", "replicas: 2", `{"spec":{"paused":true}}`},
		{"DaemonSet", "DaemonSet", "", ""},
		{"DaemonSet OnDelete", "DaemonSet", "updateStrategy: {type: OnDelete}", ""},
	} {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			a := newAsking(t, false)
			a.kind = k.kind
			a.history = a.record(t)
			a.server.Answer(nfsAt12049)
			options := []fixture.Option{fixture.Spec(k.spec)}
			if k.kind == "DaemonSet" {
				a.cp.AddNode(t, a.ns)
				options = append(options, fixture.Spec("template: {spec: {tolerations: [{key: "+a.ns+", operator: Exists}]}}"))
			}
			a.git.MustApply(t, workloadOf(k.kind, "files", options...))
			a.waitRolledOut(t)
			a.git.MustApply(t, askingSet(k.kind, "files", v1alpha1.SchemeHTTP, 20))
			a.untilPorts(nfs...)
			a.waitRolledOut(t)
			if k.then != "" {
				a.patch(t, k.kind, k.then)
			}
			pods := a.pods()
			a.server.Answer(nfsAt12050, dittofs.PodKey(&pods[1]))
			a.untilDiscovered("False", "Disagreeing", "every ready pod answered; pods report different numbers for adapter-nfs")

			a.replacePod(pods[0], pods[1], nfsAt12049, nfsAt12050)
			another := a.pods()[0]
			if another.UID == pods[1].UID {
				another = a.pods()[1]
			}
			a.replacePod(pods[1], another, nfsAt12050, nfsAt12049)
		})
	}
}

// replacePod deletes one of two pods, and keeps its successor unready for a while.
// Meanwhile the other pod answers its number, and then no adapter.
func (a *asking) replacePod(deleted, other corev1.Pod, answer, othersAnswer http.HandlerFunc) {
	a.Helper()
	a.server.Answer(answer)
	a.server.Answer(answer, dittofs.PodKey(&deleted))
	a.server.Answer(othersAnswer, dittofs.PodKey(&other))
	release := a.cp.HoldUnready(a.ns, func(p *corev1.Pod) bool { return dittofs.PodKey(p) != dittofs.PodKey(&other) })
	a.cp.Manager("user").MustDelete(a, "Pod", a.ns, deleted.Name)
	a.polls(4)
	a.expectTemplates("while "+deleted.Name+" is not ready", 1)
	a.server.Answer(dittofs.Body("[]"), dittofs.PodKey(&other))
	a.polls(4) // for longer than removalDelay
	a.expectTemplates("while the other has no adapter", 1)
	a.server.Answer(othersAnswer, dittofs.PodKey(&other))
	a.polls(1)
	release()
	a.waitRolledOut(a.T)
	a.polls(4)
	a.expectTemplates("when "+deleted.Name+" is ready again", 1)
}

// pods waits until two pods run, and returns them.
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

// TestPendingNumber: a number that all pods agreed on and that is not applied yet is
// dropped when the pods no longer agree, and when they may have been replaced.
func TestPendingNumber(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		settle int
		change func(a *asking)
	}{
		"a pod has the old number again": {3600, func(a *asking) {
			a.server.Answer(smbNFSAt12049, "files-0")
			a.polls(1)
		}},
		"pods are replaced before the next poll": {int(pollInterval/time.Second) - 10, func(a *asking) {
			a.server.Answer(smbNFSAt12049)
			for _, pod := range []string{"files-0", "files-1"} {
				a.cp.Manager("user").MustDelete(a, "Pod", a.ns, pod)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := ask(t, 2, 20, false)
			a.patch(a, "AdapterSet", fmt.Sprintf(`{"spec":{"rollout":{"stabilizationWindowSeconds":%d}}}`, c.settle))
			a.server.Answer(smbNFSAt12050)
			a.untilAsked(2)
			a.expect(a, "Reconciling", "True", "Stabilizing")
			c.change(a)
			a.expect(a, "Reconciling", "False", "AsExpected")
			a.waitRolledOut(t)
			a.expect(a, "Reconciling", "False", "AsExpected")
			a.clock.Step(pollInterval - 5*time.Second)
			a.polls(1)
			a.clock.Step(time.Hour)
			a.polls(2)
			a.expectTemplates("in all", 1)
		})
	}
}

// TestNotAllReady is reported while it lasts, by a message that polls do not change.
func TestNotAllReady(t *testing.T) {
	t.Parallel()
	a := ask(t, 2, 20, false)
	release := a.cp.HoldUnready(a.ns, func(p *corev1.Pod) bool { return p.Name == "files-0" })
	a.untilDiscovered("False", "NotAllReady", "every ready pod answered; pods ready: 1 of 2; no port is removed or renumbered until all are ready")
	before := a.version("files")
	a.polls(4)
	if after := a.version("files"); after != before {
		t.Errorf("status was written: %s, %s before", after, before)
	}
	release()
	a.untilDiscovered("True", "Answered", "every ready pod answered")
}

// TestPodsWaitingForPort: no pod is ready before the port is declared, since the
// readiness probe names it, and the port is declared because such pods are asked.
func TestPodsWaitingForPort(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"StatefulSet", "Deployment", "DaemonSet"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			a := newAsking(t, false)
			a.kind = kind
			a.server.Answer(nfsAt12049)
			a.cp.HoldUnready(a.ns, func(p *corev1.Pod) bool { return !hasNFS(p) })
			a.git.MustApply(t, workloadOf(kind, "files", fixture.InContainer("server", "readinessProbe: {tcpSocket: {port: adapter-nfs}}")))
			a.git.MustApply(t, askingSet(kind, "files", v1alpha1.SchemeHTTP, 20))
			a.untilPorts(nfs...)
			if kind == "StatefulSet" { // its controller does not replace a pod that is not ready
				a.cp.Manager("user").MustDelete(t, "Pod", a.ns, "files-0")
			}
			a.waitRolledOut(t)
			a.untilDiscovered("True", "Answered", "every ready pod answered")
			a.untilPorts(nfs...)
		})
	}
}
