package controller

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/portside-dev/portside/testenv"
)

const (
	withNFS    = "[{type: nfs, port: 12049}]"
	withNFSSMB = "[{type: nfs, port: 12049}, {type: smb, port: 1445}]"
)

var (
	static  = []string{"api:8080/TCP"}
	nfs     = append(slices.Clone(static), "adapter-nfs:12049/TCP")
	nfsSMB  = append(slices.Clone(static), "adapter-smb:1445/TCP", "adapter-nfs:12049/TCP")
	nfsSMB2 = append(slices.Clone(nfs), "adapter-smb:1445/TCP") // smb came later
)

// pods answer for adapters, and stop answering that they run.
type pods struct {
	stopped atomic.Bool // in the pods that have the ports
	polls   atomic.Int64
}

func (p *pods) handler(pod *corev1.Pod) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		running := !hasNFS(pod) || !p.stopped.Load()
		fmt.Fprintf(w, `[{"type": "nfs", "port": 12049, "enabled": true, "running": %t}, {"type": "smb", "port": 1445, "enabled": true, "running": %t}]`, running, running)
		p.polls.Add(1)
	})
}

const discovered = `
apiVersion: portside.dev/v1alpha1
kind: AdapterSet
metadata: {name: files}
spec:
  targetRef: {apiVersion: apps/v1, kind: StatefulSet, name: files}
  discovery:
    http: {port: api, scheme: HTTP, path: /api/v1/adapters, intervalSeconds: 5, timeoutSeconds: 4}
  rollout: {stabilizationWindowSeconds: 0, removalDelaySeconds: 300}
`

// TestARollingRestartTakesNoPortAway: the ports restart the pods, one of which
// hangs for twenty minutes, and in those that have restarted no adapter runs.
func TestARollingRestartTakesNoPortAway(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	p := &pods{}
	p.stopped.Store(true)
	s.cp.ServePods(s.ns, testenv.PodServer{Port: 8080, Handler: p.handler})
	release := s.cp.HoldUnready(s.ns, func(pod *corev1.Pod) bool { return pod.Name == "files-0" && hasNFS(pod) })
	mustApply(t, s.git, strategy(2, "{}"))
	s.rolledOut(t)
	history := s.cp.Record(t, "StatefulSet", s.ns, "files")
	mustApply(t, s.git, discovered)
	s.polled(t, p, 2)
	expectPorts(t, s.cp, s.ns, nfsSMB...)
	testenv.Eventually(t, "one pod has restarted, and the other hangs", func(ctx context.Context) error {
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
		s.polled(t, p, 1)
	}
	s.expect(t, "Stalled", "True", "RolloutStuck")
	expectPorts(t, s.cp, s.ns, nfsSMB...)

	release()
	s.rolledOut(t)
	s.polled(t, p, 4)
	s.expect(t, "Reconciling", "True", "RemovalWaiting") // the delay begins with a complete poll after the rollout
	for range 4 {
		s.clock.Step(time.Minute)
		s.polled(t, p, 1)
	}
	p.stopped.Store(false)
	s.polled(t, p, 2)
	s.expect(t, "Reconciling", "False", "AsExpected")
	s.expect(t, "Ready", "True", "InPlace")
	templateChanges(t, history, 1)
}

// polled lets time pass until pods were asked some times more.
func (s *scene) polled(t *testing.T, p *pods, times int64) {
	t.Helper()
	want := p.polls.Load() + times
	testenv.Eventually(t, "the pods are asked", func(context.Context) error {
		if n := p.polls.Load(); n < want {
			s.clock.Step(time.Second)
			return fmt.Errorf("%d times of %d", n, want)
		}
		return nil
	})
}

// TestNothingIsUnderWayWhereNothingRestarts: a second change waits for nothing.
func TestNothingIsUnderWayWhereNothingRestarts(t *testing.T) {
	t.Parallel()
	for name, workload := range map[string]string{
		"OnDelete":        strategy(1, "{type: OnDelete}"),
		"below partition": strategy(1, "{type: RollingUpdate, rollingUpdate: {partition: 1}}"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t, func(o *Options) { o.MaxConcurrentRollouts = 1 })
			s.setUp(t, workload, adapterSet(withNFS, ""), nfs...)
			mustApply(t, s.git, adapterSet(withNFSSMB, ""))
			expectPorts(t, s.cp, s.ns, nfsSMB2...)
			s.expect(t, "Reconciling", "False", "AsExpected")
			if n := s.cp.PodStarts(s.ns); n != 1 {
				t.Errorf("%d pods started", n)
			}
		})
	}
}

func TestAPausedDeploymentIsNotUnderWay(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	mustApply(t, s.git, `
apiVersion: apps/v1
kind: Deployment
metadata: {name: files}
spec:
  paused: true
  selector: {matchLabels: {app: files}}
  template:
    metadata: {labels: {app: files}}
    spec: {containers: [{name: server, image: "example.com/files:1"}]}
`)
	for _, adapters := range []string{withNFS, withNFSSMB} {
		set := strings.Replace(adapterSet(adapters, ""), "kind: StatefulSet", "kind: Deployment", 1)
		mustApply(t, s.git, set)
		s.caughtUp(t)
		s.expect(t, "Ready", "True", "InPlace")
		s.expect(t, "Reconciling", "False", "AsExpected")
	}
}

const newImage = `[{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "example.com/files:2"}]`

// hasNewImage tells a pod of a template after that edit.
func hasNewImage(pod *corev1.Pod) bool { return pod.Spec.Containers[0].Image == "example.com/files:2" }

// stepsUntilTrue lets time pass until a condition is true for a reason.
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

// TestARolloutThatNeverCompletes: nothing is added to it, however long it
// takes, and after a while somebody has to act.
func TestARolloutThatNeverCompletes(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.setUp(t, statefulSet, adapterSet(withNFS, ""), nfs...)
	history := s.cp.Record(t, "StatefulSet", s.ns, "files")
	release := s.cp.HoldUnready(s.ns, nil)
	s.edit(t, newImage)
	mustApply(t, s.git, adapterSet(withNFSSMB, ""))
	s.expect(t, "Reconciling", "True", "RolloutUnderWay")
	s.expect(t, "Stalled", "False", "AsExpected")
	s.stepsUntilTrue(t, "files", "Stalled", "RolloutStuck")
	s.expect(t, "Ready", "False", "RolloutStuck")
	s.expect(t, "Reconciling", "False", "AsExpected")
	s.rests(t)
	templateChanges(t, history, 1)
	release()
	expectPorts(t, s.cp, s.ns, nfsSMB2...)
	s.expect(t, "Stalled", "False", "AsExpected")
	templateChanges(t, history, 2)
}

// TestARolloutOfOursThatNeverCompletes: the ports are as wanted, so they are
// told as ready, and somebody has to see to the pods.
func TestARolloutOfOursThatNeverCompletes(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	release := s.cp.HoldUnready(s.ns, hasNFS)
	mustApply(t, s.git, statefulSet)
	s.rolledOut(t)
	mustApply(t, s.git, adapterSet(withNFS, ""))
	s.expect(t, "Reconciling", "True", "RollingOut")
	s.stepsUntilTrue(t, "files", "Stalled", "RolloutStuck")
	s.expect(t, "Ready", "True", "InPlace")
	s.expectEvents(t, "AdapterSet", "RolloutStuck", "--max-concurrent-rollouts")
	s.expectEvents(t, "StatefulSet", "RolloutStuck", "--max-concurrent-rollouts")
	s.rests(t)
	s.restart(t)
	s.caughtUp(t)
	s.expect(t, "Stalled", "True", "RolloutStuck") // it is still ours, and still stuck
	release()
	s.expect(t, "Reconciling", "False", "AsExpected")
	s.expect(t, "Stalled", "False", "AsExpected")
}

func TestHostNetworkIsBlockedUnlessAllowed(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	workload := strings.Replace(statefulSet, "      containers:", "      hostNetwork: true\n      containers:", 1)
	mustApply(t, s.git, workload)
	s.rolledOut(t)
	mustApply(t, s.git, adapterSet(withNFS, ""))
	s.expect(t, "Stalled", "True", "Conflicting")
	expectReady(t, s.cp, s.ns, "False", "Conflicting", "0/1")
	s.expectEvents(t, "AdapterSet", "PortBlocked", "hostNetwork")
	expectPorts(t, s.cp, s.ns, static...)
	mustApply(t, s.git, strings.Replace(adapterSet(withNFS, ""), "rollout: {", "hostNetwork: Allow\n  rollout: {", 1))
	s.caughtUp(t)
	s.caughtUp(t) // and hostNetwork is Allow again
	if message := s.expect(t, "Stalled", "True", "Conflicting"); !strings.Contains(message, `the annotation portside.dev/allow-host-network: "true" on the workload`) {
		t.Errorf("the message is %q", message)
	}
	if writes := s.sent.CountOf(testenv.VerbApply, "statefulsets"); writes != 0 {
		t.Errorf("the workload was written %d times", writes)
	}
	mustApply(t, s.git, strings.Replace(workload, "metadata: {name: files}", `metadata: {name: files, annotations: {portside.dev/allow-host-network: "true"}}`, 1))
	expectReady(t, s.cp, s.ns, "True", "InPlace", "1/1")
	expectPorts(t, s.cp, s.ns, nfs...)
}

// TestChangesSettle: those that come one after the other go out in one apply,
// once the last is as old as it must be.
func TestChangesSettle(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	mustApply(t, s.git, strategy(1, "{type: OnDelete}"))
	s.rolledOut(t)
	history := s.cp.Record(t, "StatefulSet", s.ns, "files")
	for _, adapters := range []string{withNFS, withNFSSMB} {
		mustApply(t, s.git, strings.Replace(adapterSet(adapters, ""), "stabilizationWindowSeconds: 0", "stabilizationWindowSeconds: 10", 1))
		s.caughtUp(t)
		s.expect(t, "Reconciling", "True", "Stabilizing")
		set, err := s.get(t.Context(), "files")
		if err != nil || len(set.Status.Ports) == 0 {
			t.Fatal(err)
		}
		for _, p := range set.Status.Ports {
			if p.State != "Pending" || p.Reason != "Stabilizing" {
				t.Errorf("%s is %s, %s", p.Name, p.State, p.Reason)
			}
		}
		s.clock.Step(9 * time.Second)
		s.caughtUp(t)
	}
	expectPorts(t, s.cp, s.ns, static...)
	s.clock.Step(time.Second)
	expectPorts(t, s.cp, s.ns, nfsSMB...)
	templateChanges(t, history, 1)
}

// TestARestartDoesNotShortenARemoval: nor does it begin anew.
func TestARestartDoesNotShortenARemoval(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	late := func(adapters string) string {
		return strings.Replace(adapterSet(adapters, ""), "removalDelaySeconds: 0", "removalDelaySeconds: 300", 1)
	}
	s.setUp(t, strategy(1, "{type: OnDelete}"), late(withNFS), nfs...)
	mustApply(t, s.git, late("[]"))
	s.expect(t, "Reconciling", "True", "RemovalWaiting")
	s.expectEvents(t, "AdapterSet", "RemovalWaiting", "adapter-nfs (12049/TCP) at ")
	s.expectEvents(t, "StatefulSet", "RemovalWaiting", "adapter-nfs (12049/TCP) at ")
	s.clock.Step(200 * time.Second)
	s.restart(t)
	s.caughtUp(t)
	s.clock.Step(99 * time.Second)
	s.caughtUp(t)
	expectPorts(t, s.cp, s.ns, nfs...)
	s.clock.Step(time.Second)
	expectPorts(t, s.cp, s.ns, static...)
	s.expectEvents(t, "AdapterSet", "PortRemoved", "Removed port adapter-nfs (12049/TCP)")
	s.expect(t, "Ready", "True", "InPlace")
}

// TestAPortIsToldUntilItIsGone: its delay is over, and a rollout is under way.
func TestAPortIsToldUntilItIsGone(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.setUp(t, statefulSet, adapterSet(withNFS, ""), nfs...)
	// The pod that runs stays ready: there is no rollout before the edit.
	release := s.cp.HoldUnready(s.ns, hasNewImage)
	mustApply(t, s.git, strings.Replace(adapterSet("[]", ""), "stabilizationWindowSeconds: 0", "stabilizationWindowSeconds: 60", 1))
	s.expect(t, "Reconciling", "True", "Stabilizing")
	s.edit(t, newImage)
	s.expect(t, "Reconciling", "True", "RemovalWaiting") // nothing counts any more
	s.clock.Step(time.Minute)
	s.caughtUp(t)
	set, err := s.get(t.Context(), "files")
	if err != nil {
		t.Fatal(err)
	}
	if set.Status.ReadyPorts != 1 || set.Status.Ports[0].State != "Owned" {
		t.Errorf("status is %+v", set.Status)
	}
	expectPorts(t, s.cp, s.ns, nfs...)
	release()
	s.expect(t, "Reconciling", "True", "Stabilizing")
	s.clock.Step(time.Minute)
	expectPorts(t, s.cp, s.ns, static...)
	expectReady(t, s.cp, s.ns, "True", "InPlace", "0/0")
}
