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
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	testclock "k8s.io/utils/clock/testing"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/fixture"
	"github.com/portside-dev/portside/testenv/portside"
)

// scene is a namespace with a service.
type scene struct {
	*service
	cp    *testenv.ControlPlane
	ns    string
	kind  string // of the workload files
	git   *testenv.Manager
	clock *countingClock // the service's; nil for the real one
}

// countingClock counts its reads, which shows whether the service is idle.
type countingClock struct {
	*testclock.FakeClock
	reads atomic.Int64
}

func newClock(now time.Time) *countingClock {
	return &countingClock{FakeClock: testclock.NewFakeClock(now)}
}

func (c *countingClock) Now() time.Time {
	c.reads.Add(1)
	return c.FakeClock.Now()
}

// newScene returns a scene whose service runs.
func newScene(t *testing.T, change ...func(*Options)) *scene {
	t.Helper()
	s := stoppedScene(t)
	s.start(t, change...)
	return s
}

// stoppedScene returns a scene whose service does not run yet.
func stoppedScene(t *testing.T) *scene {
	t.Helper()
	s := realTimeScene(t)
	s.clock = newClock(time.Now().Truncate(time.Second))
	return s
}

// realTimeScene is stoppedScene with the real clock.
func realTimeScene(t *testing.T) *scene {
	t.Helper()
	cp := testenv.WithControllers(t)
	portside.InstallCRD(t, cp)
	ns := cp.Namespace(t)
	return &scene{cp: cp, ns: ns, kind: "StatefulSet", git: cp.Manager("git").In(ns)}
}

// start starts the service.
func (s *scene) start(t *testing.T, change ...func(*Options)) {
	t.Helper()
	s.startAs(t, s.cp.Config(), change...)
}

// startAs starts the service as a user.
func (s *scene) startAs(t *testing.T, user *rest.Config, change ...func(*Options)) {
	t.Helper()
	s.startIn(t, user, ctrl.Options{}, change...)
}

// startLeading starts the service with leader election, by a Lease in the
// namespace. The Lease is renewed as often as by default, but a late renewal does
// not lose it.
func (s *scene) startLeading(t *testing.T, user *rest.Config, change ...func(*Options)) {
	t.Helper()
	s.startIn(t, user, ctrl.Options{
		LeaderElection: true, LeaderElectionID: testenv.Portside, LeaderElectionNamespace: s.ns, LeaderElectionReleaseOnCancel: true,
		LeaseDuration: new(time.Hour), RenewDeadline: new(10 * time.Minute),
	}, change...)
}

// startIn starts the service in a manager with these options.
func (s *scene) startIn(t *testing.T, user *rest.Config, manager ctrl.Options, change ...func(*Options)) {
	t.Helper()
	options := optionsFor(s.ns)
	if s.clock != nil {
		options.Clock = s.clock
	}
	for _, c := range change {
		c(&options)
	}
	s.service = run(t, user, manager, options, asIs)
}

// restart stops the service and starts another at the same time, which knows
// nothing of the first one.
func (s *scene) restart(t *testing.T, change ...func(*Options)) {
	t.Helper()
	s.stop()
	s.clock = newClock(s.clock.Now())
	s.start(t, change...)
}

// setUp creates a workload and an AdapterSet, and waits until the ports are in
// place in all pods.
func (s *scene) setUp(t *testing.T, workload, set *unstructured.Unstructured, ports ...string) {
	t.Helper()
	s.git.MustApply(t, workload)
	s.waitRolledOut(t)
	s.git.MustApply(t, set)
	s.expectPorts(t, ports...)
	s.waitRolledOut(t)
	s.expect(t, "Ready", "True", "InPlace")
	s.expect(t, "Reconciling", "False", "AsExpected")
}

func (s *scene) waitRolledOut(t *testing.T) *unstructured.Unstructured {
	t.Helper()
	return s.cp.WaitRolledOut(t, s.kind, s.ns, "files")
}

// record records the history of the workload.
func (s *scene) record(t *testing.T) *testenv.History {
	t.Helper()
	return s.cp.Record(t, s.kind, s.ns, "files")
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

// mustGet reads the AdapterSet files.
func (s *scene) mustGet(t testing.TB) *v1alpha1.AdapterSet {
	t.Helper()
	set, err := s.get(t.Context(), "files")
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// portsAre returns a check of the ports of the workload files, in their order.
func (s *scene) portsAre(want []string) func(context.Context) error {
	return func(ctx context.Context) error {
		live, err := s.git.Get(ctx, s.kind, s.ns, "files")
		if err != nil {
			return err
		}
		if got := testenv.Ports(live, "server"); !slices.Equal(got, want) {
			return fmt.Errorf("they are %q", got)
		}
		return nil
	}
}

// expectPorts waits until the workload files has these ports, in this order.
func (s *scene) expectPorts(t *testing.T, want ...string) {
	t.Helper()
	testenv.Eventually(t, fmt.Sprintf("ports %q", want), s.portsAre(want))
}

// expectReady waits until Ready is so, with this many ready and desired ports, such
// as 1/2.
func (s *scene) expectReady(t *testing.T, status, reason, ports string) {
	t.Helper()
	testenv.Eventually(t, fmt.Sprintf("Ready is %s, %s with %s", status, reason, ports), func(ctx context.Context) error {
		set, err := s.get(ctx, "files")
		if err != nil {
			return err
		}
		if got := fmt.Sprintf("%d/%d", set.Status.ReadyPorts, set.Status.DesiredPorts); got != ports || !conditionIs(set, "Ready", status, reason) {
			return fmt.Errorf("%+v", set.Status)
		}
		return nil
	})
}

func conditionIs(set *v1alpha1.AdapterSet, kind, status, reason string) bool {
	c := meta.FindStatusCondition(set.Status.Conditions, kind)
	return c != nil && string(c.Status) == status && c.Reason == reason
}

// expect waits for a condition of the AdapterSet files, and returns its message.
func (s *scene) expect(t testing.TB, kind, status, reason string) (message string) {
	t.Helper()
	return s.expectOf(t, "files", kind, status, reason)
}

// expectOf is expect for another AdapterSet.
func (s *scene) expectOf(t testing.TB, name, kind, status, reason string) (message string) {
	t.Helper()
	testenv.Eventually(t, fmt.Sprintf("%s of %s is %s, %s", kind, name, status, reason), func(ctx context.Context) error {
		set, err := s.get(ctx, name)
		if err != nil {
			return err
		}
		if !conditionIs(set, kind, status, reason) {
			return fmt.Errorf("%+v", set.Status)
		}
		message = meta.FindStatusCondition(set.Status.Conditions, kind).Message
		return nil
	})
	return message
}

// expectGone waits until the AdapterSet files is deleted.
func (s *scene) expectGone(t *testing.T) {
	t.Helper()
	testenv.Eventually(t, "the AdapterSet to be deleted", func(ctx context.Context) error {
		_, err := s.get(ctx, "files")
		if apierrors.IsNotFound(err) {
			return nil
		}
		return fmt.Errorf("it exists, or: %w", err)
	})
}

// catchUp waits until the service has reconciled at the time of its clock: until
// status is of a generation that is newer than everything else.
func (s *scene) catchUp(t *testing.T) {
	t.Helper()
	s.catchUpWith(t, "files")
}

// catchUpWith is catchUp for another AdapterSet.
func (s *scene) catchUpWith(t *testing.T, name string) {
	t.Helper()
	set, err := s.get(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	other := v1alpha1.HostNetworkAllow
	if set.Spec.HostNetwork == other {
		other = v1alpha1.HostNetworkBlock
	}
	s.cp.Manager("test").MustPatch(t, "AdapterSet", s.ns, name, types.MergePatchType, fmt.Appendf(nil, `{"spec":{"hostNetwork":%q}}`, other))
	testenv.Eventually(t, "the service to catch up with "+name, func(ctx context.Context) error {
		set, err := s.get(ctx, name)
		if err == nil && set.Status.ObservedGeneration != set.Generation {
			err = fmt.Errorf("generation %d, observed %d", set.Generation, set.Status.ObservedGeneration)
		}
		return err
	})
}

// expectIdle fails the test unless the service is idle between events.
func (s *scene) expectIdle(t *testing.T) {
	t.Helper()
	before := s.clock.reads.Load()
	for range 3 {
		s.catchUp(t)
	}
	if reads := s.clock.reads.Load() - before; reads > 150 {
		t.Errorf("the service read the clock %d times for three changes", reads)
	}
}

// edit sends a JSON patch of the workload, as kubectl edit does.
func (s *scene) edit(t *testing.T, patch string) {
	t.Helper()
	s.cp.Manager(testenv.KubectlEdit).MustPatch(t, s.kind, s.ns, "files", types.JSONPatchType, []byte(patch))
}

// patch sends a merge patch of an object of the name files.
func (s *scene) patch(t testing.TB, kind, patch string) {
	t.Helper()
	s.cp.Manager("user").MustPatch(t, kind, s.ns, "files", types.MergePatchType, []byte(patch))
}

// pause sets the annotation that pauses the workload, to a JSON value.
func (s *scene) pause(t *testing.T, value string) {
	t.Helper()
	s.patch(t, s.kind, `{"metadata":{"annotations":{"portside.dev/paused":`+value+`}}}`)
}

// applyAsPortside applies portside's port and further parts under portside's field
// manager, as another client that uses this name would.
func (s *scene) applyAsPortside(t *testing.T, name string, options ...fixture.Option) {
	t.Helper()
	object := fixture.PortsOf(s.kind, name, "server", "adapter-nfs:12049/TCP")
	for _, option := range options {
		option(object.Object)
	}
	s.cp.Manager(testenv.Portside).In(s.ns).MustApply(t, object)
}

// expectEvents waits for an event about the AdapterSet or the workload.
func (s *scene) expectEvents(t *testing.T, kind, reason, text string) {
	t.Helper()
	testenv.Eventually(t, fmt.Sprintf("an event %s about the %s", reason, kind), func(ctx context.Context) error {
		events, err := s.events(ctx)
		if err == nil && !slices.ContainsFunc(events, func(line string) bool {
			return strings.HasPrefix(line, kind+"/files "+reason+": ") && strings.Contains(line, text)
		}) {
			err = errors.New("there are\n" + strings.Join(events, "\n"))
		}
		return err
	})
}

// expectBothEvents waits for an event about the AdapterSet and one about the
// workload.
func (s *scene) expectBothEvents(t *testing.T, reason, text string) {
	t.Helper()
	s.expectEvents(t, "AdapterSet", reason, text)
	s.expectEvents(t, s.kind, reason, text)
}

// events returns all events, each as KIND/NAME REASON: NOTE.
func (s *scene) events(ctx context.Context) ([]string, error) {
	out, err := s.cp.Kubectl(ctx, s.ns, "", "get", "events.events.k8s.io", "-o",
		`jsonpath={range .items[*]}{.regarding.kind}/{.regarding.name} {.reason}: {.note}{"\n"}{end}`)
	return strings.Split(out, "\n"), err
}

// eventsOf returns the events with a reason.
func (s *scene) eventsOf(t *testing.T, reason string) []string {
	t.Helper()
	events, err := s.events(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(events, func(line string) bool { return !strings.Contains(line, " "+reason+": ") })
}

// expectNoPortLost causes an event that comes after all others, and fails the test
// if there is an event PortLost by then.
func (s *scene) expectNoPortLost(t *testing.T) {
	t.Helper()
	s.git.MustApply(t, adapterSet(fixture.Adapters("last:64999")))
	s.expectEvents(t, "StatefulSet", "PortAdded", "adapter-last")
	for _, line := range s.eventsOf(t, "PortLost") {
		t.Error(line)
	}
}

// hasNFS reports whether a pod has our port.
func hasNFS(pod *corev1.Pod) bool {
	return slices.ContainsFunc(pod.Spec.Containers[0].Ports, func(p corev1.ContainerPort) bool { return p.Name == "adapter-nfs" })
}

// expectTemplateChanges fails the test unless the pod template has changed this
// often.
func expectTemplateChanges(t *testing.T, h *testenv.History, want int) {
	t.Helper()
	if got := testenv.TemplateChanges(h.Stored(t)); got != want {
		t.Errorf("the pod template changed %d times, not %d", got, want)
	}
}
