package controller

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	testclock "k8s.io/utils/clock/testing"

	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/testenv"
)

// scene is a namespace with a service whose time is the test's.
type scene struct {
	*service
	cp    *testenv.ControlPlane
	ns    string
	git   *testenv.Manager
	clock *countingClock
}

// countingClock counts how often it is looked at, so that who never rests shows.
type countingClock struct {
	*testclock.FakeClock
	looks atomic.Int64
}

func newClock(now time.Time) *countingClock {
	return &countingClock{FakeClock: testclock.NewFakeClock(now)}
}

func (c *countingClock) Now() time.Time {
	c.looks.Add(1)
	return c.FakeClock.Now()
}

// rests fails the test unless the service rests until it is told something.
func (s *scene) rests(t *testing.T) {
	t.Helper()
	before := s.clock.looks.Load()
	for range 3 {
		s.caughtUp(t)
	}
	if looks := s.clock.looks.Load() - before; looks > 150 {
		t.Errorf("the service looked at the clock %d times, and had three things to do", looks)
	}
}

func newScene(t *testing.T, change ...func(*Options)) *scene {
	t.Helper()
	cp := testenv.WithControllers(t)
	ns := cp.Namespace(t)
	s := &scene{cp: cp, ns: ns, git: cp.Manager("git").In(ns), clock: newClock(time.Now().Truncate(time.Second))}
	s.restart(t, change...)
	return s
}

// restart ends the service and begins another, which knows nothing of it, at
// the same time.
func (s *scene) restart(t *testing.T, change ...func(*Options)) {
	t.Helper()
	if s.service != nil {
		s.stop()
	}
	s.clock = newClock(s.clock.Now())
	s.service = start(t, s.cp, s.ns, append(change, func(o *Options) { o.Clock = s.clock })...)
}

// setUp has a workload that is rolled out, and an AdapterSet whose ports are in
// place in all of its pods.
func (s *scene) setUp(t *testing.T, workload, set string, ports ...string) {
	t.Helper()
	mustApply(t, s.git, workload)
	s.rolledOut(t)
	mustApply(t, s.git, set)
	expectPorts(t, s.cp, s.ns, ports...)
	s.rolledOut(t)
	s.expect(t, "Ready", "True", "InPlace")
	s.expect(t, "Reconciling", "False", "AsExpected")
}

func (s *scene) rolledOut(t *testing.T) {
	t.Helper()
	s.cp.WaitRolledOut(t, "StatefulSet", s.ns, "files")
}

// get reads an AdapterSet.
func (s *scene) get(ctx context.Context, name string) (*v1alpha1.AdapterSet, error) {
	live, err := s.git.Get(ctx, "AdapterSet", s.ns, name)
	if err != nil {
		return nil, err
	}
	set := &v1alpha1.AdapterSet{}
	return set, runtime.DefaultUnstructuredConverter.FromUnstructured(live.Object, set)
}

// expect waits for a condition of the AdapterSet files, and returns its message.
func (s *scene) expect(t *testing.T, kind, is, reason string) (message string) {
	t.Helper()
	return s.expectOf(t, "files", kind, is, reason)
}

func (s *scene) expectOf(t *testing.T, name, kind, is, reason string) (message string) {
	t.Helper()
	testenv.Eventually(t, fmt.Sprintf("%s of %s is %s, %s", kind, name, is, reason), func(ctx context.Context) error {
		set, err := s.get(ctx, name)
		if err != nil {
			return err
		}
		for _, c := range set.Status.Conditions {
			if c.Type == kind && string(c.Status) == is && c.Reason == reason {
				message = c.Message
				return nil
			}
		}
		return fmt.Errorf("%+v", set.Status)
	})
	return message
}

// caughtUp waits until the service has decided, and told, at the time of the
// clock as it is now: it has told of a generation that is newer than all else.
func (s *scene) caughtUp(t *testing.T) {
	t.Helper()
	s.caughtUpWith(t, "files")
}

// caughtUpWith is caughtUp with another AdapterSet.
func (s *scene) caughtUpWith(t *testing.T, name string) {
	t.Helper()
	patch := fmt.Appendf(nil, `{"spec":{"hostNetwork":"Allow"}}`)
	if set, err := s.get(t.Context(), name); err != nil {
		t.Fatal(err)
	} else if set.Spec.HostNetwork == v1alpha1.HostNetworkAllow {
		patch = fmt.Appendf(nil, `{"spec":{"hostNetwork":"Block"}}`)
	}
	if _, err := s.cp.Manager("somebody").Patch(t.Context(), "AdapterSet", s.ns, name, types.MergePatchType, patch); err != nil {
		t.Fatal(err)
	}
	testenv.Eventually(t, "the service has caught up with "+name, func(ctx context.Context) error {
		set, err := s.get(ctx, name)
		if err == nil && set.Status.ObservedGeneration != set.Generation {
			err = fmt.Errorf("generation %d, and %d is told of", set.Generation, set.Status.ObservedGeneration)
		}
		return err
	})
}

// edit is somebody's JSON patch of the workload.
func (s *scene) edit(t *testing.T, patch string) {
	t.Helper()
	if _, err := s.cp.Manager("kubectl-edit").Patch(t.Context(), "StatefulSet", s.ns, "files", types.JSONPatchType, []byte(patch)); err != nil {
		t.Fatal(err)
	}
}

// expectEvents waits for an event on the AdapterSet or the workload.
func (s *scene) expectEvents(t *testing.T, kind, reason, text string) {
	t.Helper()
	testenv.Eventually(t, fmt.Sprintf("an event %s on the %s", reason, kind), func(ctx context.Context) error {
		events, err := s.events(ctx)
		if err == nil && !slices.ContainsFunc(events, func(line string) bool {
			return strings.HasPrefix(line, kind+"/files "+reason+": ") && strings.Contains(line, text)
		}) {
			err = errors.New("there are\n" + strings.Join(events, "\n"))
		}
		return err
	})
}

// events are all of them, each as KIND/NAME REASON: NOTE.
func (s *scene) events(ctx context.Context) ([]string, error) {
	out, err := s.cp.Kubectl(ctx, s.ns, "", "get", "events.events.k8s.io", "-o",
		`jsonpath={range .items[*]}{.regarding.kind}/{.regarding.name} {.reason}: {.note}{"\n"}{end}`)
	return strings.Split(out, "\n"), err
}

// expectNoPortLost has an event sent that comes after all others, and fails the
// test if there is one with the reason PortLost by then.
func (s *scene) expectNoPortLost(t *testing.T) {
	t.Helper()
	mustApply(t, s.git, adapterSet("[{type: last, port: 64999}]", ""))
	s.expectEvents(t, "StatefulSet", "PortAdded", "adapter-last")
	events, err := s.events(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range events {
		if strings.Contains(line, " PortLost: ") {
			t.Error(line)
		}
	}
}

// hasNFS tells a pod of a template that has our port.
func hasNFS(pod *corev1.Pod) bool {
	return slices.ContainsFunc(pod.Spec.Containers[0].Ports, func(p corev1.ContainerPort) bool { return p.Name == "adapter-nfs" })
}

// strategy is the StatefulSet of the tests with an updateStrategy and replicas.
func strategy(replicas int, strategy string) string {
	return strings.Replace(statefulSet, "replicas: 1", fmt.Sprintf("replicas: %d\n  updateStrategy: %s", replicas, strategy), 1)
}

// templateChanges is how often the pod template changed.
func templateChanges(t *testing.T, h *testenv.History, want int) {
	t.Helper()
	if got := testenv.TemplateChanges(h.Stored(t)); got != want {
		t.Errorf("the pod template changed %d times, not %d", got, want)
	}
}
