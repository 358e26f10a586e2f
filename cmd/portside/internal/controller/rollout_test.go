package controller

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/dittofs"
	"github.com/portside-dev/portside/testenv/fixture"
)

// TestRollingRestartRemovesNoPort: adding the ports restarts the pods. One pod hangs for
// twenty minutes, and no adapter runs in the restarted pods.
func TestRollingRestartRemovesNoPort(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	before, after := newServer(t, dittofs.Options{}), newServer(t, dittofs.Options{})
	before.Answer(dittofs.Adapters("nfs:12049", "smb:1445"))
	s.cp.ServePods(s.ns, testenv.PodServer{Port: 8080, Handler: func(pod *corev1.Pod) http.Handler {
		if hasNFS(pod) {
			return after
		}
		return before
	}})
	release := s.cp.HoldUnready(s.ns, func(pod *corev1.Pod) bool { return pod.Name == "files-0" && hasNFS(pod) })
	s.git.MustApply(t, statefulSet(fixture.Spec("replicas: 2")))
	s.waitRolledOut(t)
	history := s.record(t)
	s.git.MustApply(t, adapterSet(discovered))
	s.polled(t, 2, before, after)
	s.expectPorts(t, nfsSMB...)
	testenv.Eventually(t, "one pod to be restarted, and the other to hang", func(ctx context.Context) error {
		live, err := s.git.Get(ctx, "StatefulSet", s.ns, "files")
		if err != nil {
			return err
		}
		if status := fmt.Sprint(live.Object["status"]); !strings.Contains(status, "readyReplicas:1") || !strings.Contains(status, "updatedReplicas:2") {
			return fmt.Errorf("it is %s", status)
		}
		return nil
	})
	for range 20 {
		s.clock.Step(time.Minute)
		s.polled(t, 1, before, after)
	}
	s.expect(t, "Stalled", "True", "RolloutStuck")
	s.expectPorts(t, nfsSMB...)

	release()
	s.waitRolledOut(t)
	s.polled(t, 4, before, after)
	s.expect(t, "Reconciling", "True", "RemovalWaiting") // the delay begins with a complete poll after the rollout
	for range 4 {
		s.clock.Step(time.Minute)
		s.polled(t, 1, before, after)
	}
	after.Answer(dittofs.Adapters("nfs:12049", "smb:1445"))
	s.polled(t, 2, before, after)
	s.expect(t, "Reconciling", "False", "AsExpected")
	s.expect(t, "Ready", "True", "InPlace")
	expectTemplateChanges(t, history, 1)
}

// polled lets time pass until the servers were asked some more times.
func (s *scene) polled(t *testing.T, times int, servers ...*dittofs.Server) {
	t.Helper()
	want := asked(servers...) + times
	testenv.Eventually(t, "the pods to be asked", func(context.Context) error {
		if n := asked(servers...); n < want {
			s.clock.Step(time.Second)
			return fmt.Errorf("%d times of %d", n, want)
		}
		return nil
	})
}

// asked returns how often the servers were asked for their adapters.
func asked(servers ...*dittofs.Server) (times int) {
	for _, server := range servers {
		times += server.Count(dittofs.AdaptersPath)
	}
	return times
}

// serveAdapters has the pods of the namespace answer that nfs and smb are active.
func (s *scene) serveAdapters(t *testing.T) (server *dittofs.Server, stop func()) {
	t.Helper()
	server = newServer(t, dittofs.Options{})
	server.Answer(dittofs.Adapters("nfs:12049", "smb:1445"))
	stop = s.cp.ServePods(s.ns, server.PodServer())
	t.Cleanup(stop)
	return server, stop
}

// TestChangesWithoutRestart: a second change need not wait.
func TestChangesWithoutRestart(t *testing.T) {
	t.Parallel()
	for name, workload := range map[string]*unstructured.Unstructured{
		"OnDelete":        statefulSet(onDelete),
		"below partition": statefulSet(fixture.Spec("updateStrategy: {type: RollingUpdate, rollingUpdate: {partition: 1}}")),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t, func(o *Options) { o.MaxConcurrentRollouts = 1 })
			s.setUp(t, workload, adapterSet(withNFS), nfs...)
			s.git.MustApply(t, adapterSet(withNFSSMB))
			s.expectPorts(t, nfsSMB2...)
			s.expect(t, "Reconciling", "False", "AsExpected")
			if n := s.cp.PodStarts(s.ns); n != 1 {
				t.Errorf("%d pods started", n)
			}
		})
	}
}

func TestPausedDeployment(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.git.MustApply(t, fixture.Deployment("files", fixture.Container("server"), fixture.Spec("paused: true")))
	for _, adapters := range []fixture.Option{withNFS, withNFSSMB} {
		s.git.MustApply(t, adapterSetOf("Deployment", "files", adapters))
		s.catchUp(t)
		s.expect(t, "Ready", "True", "InPlace")
		s.expect(t, "Reconciling", "False", "AsExpected")
	}
}

const newImage = `[{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "example.com/files:2"}]`

// hasNewImage reports whether a pod has the template after that edit.
func hasNewImage(pod *corev1.Pod) bool { return pod.Spec.Containers[0].Image == "example.com/files:2" }

// stepsUntilTrue steps the clock until a condition is True for a reason.
func (s *scene) stepsUntilTrue(t *testing.T, name, kind, reason string) {
	t.Helper()
	testenv.Eventually(t, kind+" of "+name+" is true, "+reason, func(ctx context.Context) error {
		s.clock.Step(time.Minute)
		set, err := s.get(ctx, name)
		if err == nil && !slices.ContainsFunc(set.Status.Conditions, func(c metav1.Condition) bool {
			return c.Type == kind && c.Status == metav1.ConditionTrue && c.Reason == reason
		}) {
			err = fmt.Errorf("%+v", set.Status)
		}
		return err
	})
}

// TestStuckRollout: no change is added to a rollout that never completes, and after a
// while the AdapterSet is Stalled.
func TestStuckRollout(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.setUp(t, statefulSet(), adapterSet(withNFS), nfs...)
	history := s.record(t)
	release := s.cp.HoldUnready(s.ns, nil)
	s.edit(t, newImage)
	s.git.MustApply(t, adapterSet(withNFSSMB))
	s.expect(t, "Reconciling", "True", "RolloutUnderWay")
	s.expect(t, "Stalled", "False", "AsExpected")
	s.stepsUntilTrue(t, "files", "Stalled", "RolloutStuck")
	s.expect(t, "Ready", "False", "RolloutStuck")
	s.expect(t, "Reconciling", "False", "AsExpected")
	s.expectIdle(t)
	expectTemplateChanges(t, history, 1)
	release()
	s.expectPorts(t, nfsSMB2...)
	s.expect(t, "Stalled", "False", "AsExpected")
	expectTemplateChanges(t, history, 2)
}

// TestStuckRolloutOfPortside: the ports are as desired, so Ready is True. The pods need
// action, so Stalled is True as well.
func TestStuckRolloutOfPortside(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	release := s.cp.HoldUnready(s.ns, hasNFS)
	s.git.MustApply(t, statefulSet())
	s.waitRolledOut(t)
	s.git.MustApply(t, adapterSet(withNFS))
	s.expect(t, "Reconciling", "True", "RollingOut")
	s.stepsUntilTrue(t, "files", "Stalled", "RolloutStuck")
	s.expect(t, "Ready", "True", "InPlace")
	s.expectBothEvents(t, "RolloutStuck", "--max-concurrent-rollouts")
	s.expectIdle(t)
	s.restart(t)
	s.catchUp(t)
	s.expect(t, "Stalled", "True", "RolloutStuck") // it is still ours, and still stuck
	release()
	s.expect(t, "Reconciling", "False", "AsExpected")
	s.expect(t, "Stalled", "False", "AsExpected")
}

func TestHostNetwork(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	hostNetwork := fixture.Spec("template: {spec: {hostNetwork: true}}")
	s.git.MustApply(t, statefulSet(hostNetwork))
	s.waitRolledOut(t)
	s.git.MustApply(t, adapterSet(withNFS))
	s.expect(t, "Stalled", "True", "Conflicting")
	s.expectReady(t, "False", "Conflicting", "0/1")
	s.expectEvents(t, "AdapterSet", "PortBlocked", "hostNetwork")
	s.expectPorts(t, static...)
	s.git.MustApply(t, adapterSet(withNFS, fixture.Spec("hostNetwork: Allow")))
	s.catchUp(t)
	s.catchUp(t) // and hostNetwork is Allow again
	if message := s.expect(t, "Stalled", "True", "Conflicting"); !strings.Contains(message, `the annotation portside.dev/allow-host-network: "true" on the workload`) {
		t.Errorf("the message is %q", message)
	}
	if writes := s.sent.CountOf(testenv.VerbApply, "statefulsets"); writes != 0 {
		t.Errorf("the workload was written %d times", writes)
	}
	s.git.MustApply(t, statefulSet(hostNetwork, fixture.Metadata(`annotations: {portside.dev/allow-host-network: "true"}`)))
	s.expectReady(t, "True", "InPlace", "1/1")
	s.expectPorts(t, nfs...)
}

// TestStabilizationWindow: successive changes go out in one apply, once the last is as
// old as the window.
func TestStabilizationWindow(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.git.MustApply(t, statefulSet(onDelete))
	s.waitRolledOut(t)
	history := s.record(t)
	for _, adapters := range []fixture.Option{withNFS, withNFSSMB} {
		s.git.MustApply(t, adapterSet(adapters, fixture.Rollout(10, 0)))
		s.catchUp(t)
		s.expect(t, "Reconciling", "True", "Stabilizing")
		set := s.mustGet(t)
		if len(set.Status.Ports) == 0 {
			t.Fatal("status has no ports")
		}
		for _, p := range set.Status.Ports {
			if p.State != "Pending" || p.Reason != "Stabilizing" {
				t.Errorf("%s is %s, %s", p.Name, p.State, p.Reason)
			}
		}
		s.clock.Step(9 * time.Second)
		s.catchUp(t)
	}
	s.expectPorts(t, static...)
	s.clock.Step(time.Second)
	s.expectPorts(t, nfsSMB...)
	expectTemplateChanges(t, history, 1)
}

// TestRemovalDelayAfterRestart: a restart neither shortens nor restarts the delay.
func TestRemovalDelayAfterRestart(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	late := fixture.Rollout(0, 300)
	s.setUp(t, statefulSet(onDelete), adapterSet(withNFS, late), nfs...)
	s.git.MustApply(t, adapterSet(noAdapters, late))
	s.expect(t, "Reconciling", "True", "RemovalWaiting")
	s.expectBothEvents(t, "RemovalWaiting", "adapter-nfs (12049/TCP) at ")
	s.clock.Step(200 * time.Second)
	s.restart(t)
	s.catchUp(t)
	s.clock.Step(99 * time.Second)
	s.catchUp(t)
	s.expectPorts(t, nfs...)
	s.clock.Step(time.Second)
	s.expectPorts(t, static...)
	s.expectEvents(t, "AdapterSet", "PortRemoved", "Removed port adapter-nfs (12049/TCP)")
	s.expect(t, "Ready", "True", "InPlace")
}

// TestPortWaitingForRemoval: status has a port whose delay is over until a rollout is
// complete.
func TestPortWaitingForRemoval(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.setUp(t, statefulSet(), adapterSet(withNFS), nfs...)
	// The pod that runs stays ready: there is no rollout before the edit.
	release := s.cp.HoldUnready(s.ns, hasNewImage)
	s.git.MustApply(t, adapterSet(noAdapters, fixture.Rollout(60, 0)))
	s.expect(t, "Reconciling", "True", "Stabilizing")
	s.edit(t, newImage)
	s.expect(t, "Reconciling", "True", "RemovalWaiting") // the delay does not advance any more
	s.clock.Step(time.Minute)
	s.catchUp(t)
	set := s.mustGet(t)
	if set.Status.ReadyPorts != 1 || set.Status.Ports[0].State != "Owned" {
		t.Errorf("status is %+v", set.Status)
	}
	s.expectPorts(t, nfs...)
	release()
	s.expect(t, "Reconciling", "True", "Stabilizing")
	s.clock.Step(time.Minute)
	s.expectPorts(t, static...)
	s.expectReady(t, "True", "InPlace", "0/0")
}
