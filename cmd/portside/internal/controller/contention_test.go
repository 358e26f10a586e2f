package controller

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	appsclient "k8s.io/client-go/kubernetes/typed/apps/v1"
	"k8s.io/client-go/util/retry"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/rollout"
	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/fixture"
)

// contended returns a scene in which an operator declares the workload by Updates,
// without our port. No pod restarts, so no rollout delays a change.
func contended(t *testing.T) (s *scene, operator *testenv.Manager) {
	t.Helper()
	s = newScene(t)
	operator = s.cp.Manager("operator").In(s.ns)
	operator.MustCreate(t, statefulSet(onDelete))
	s.waitRolledOut(t)
	s.git.MustApply(t, adapterSet(withNFS))
	s.expectPorts(t, nfs...)
	s.expect(t, "Ready", "True", "InPlace")
	return s, operator
}

// removePort writes the ports that the operator knows, which are not ours.
func (s *scene) removePort(t *testing.T, operator *testenv.Manager) {
	t.Helper()
	if err := retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		_, err := operator.Update(t.Context(), "StatefulSet", s.ns, "files", func(w *unstructured.Unstructured) {
			testenv.SetPorts(w, "server", "[{name: api, containerPort: 8080, protocol: TCP}]")
		})
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

// additions returns how often the port was added.
func additions(t *testing.T, h *testenv.History) (n int) {
	t.Helper()
	was := true // at the beginning of the history
	for _, stored := range h.Stored(t) {
		has := slices.Contains(stored.Ports["server"], "adapter-nfs:12049/TCP")
		if has && !was {
			n++
		}
		was = has
	}
	return n
}

// exhaust removes the port every second of the clock until it is not added again at
// once.
func (s *scene) exhaust(t *testing.T, operator *testenv.Manager) {
	t.Helper()
	for range rollout.MaxReadds {
		s.removePort(t, operator)
		s.expectPorts(t, nfs...)
		s.clock.Step(time.Second)
	}
	s.removePort(t, operator)
	s.expectPorts(t, static...)
	s.catchUp(t)
}

func TestContention(t *testing.T) {
	t.Parallel()
	s, operator := contended(t)
	history := s.record(t)
	s.exhaust(t, operator)
	if message := s.expect(t, "Ready", "False", "Contended"); !strings.Contains(message, "operator") {
		t.Errorf("the message is %q", message)
	}
	s.expect(t, "Stalled", "True", "Contended")
	s.expectEvents(t, "AdapterSet", "PortLost", "removed port adapter-nfs (12049/TCP)")
	s.expectEvents(t, "StatefulSet", "PortLost", "operator")
	for range 2 {
		n := additions(t, history)
		s.clock.Step(rollout.ReaddInterval - 2*time.Second)
		s.catchUp(t)
		s.expectIdle(t)
		if got := additions(t, history); got != n {
			t.Fatalf("it was added again %d times within the hour", got-n)
		}
		s.clock.Step(2 * time.Second)
		s.expectPorts(t, nfs...)
		s.expect(t, "Ready", "True", "InPlace")
		s.removePort(t, operator)
		s.catchUp(t)
		s.expect(t, "Ready", "False", "Contended")
	}
	if got, want := additions(t, history), rollout.MaxReadds+2; got != want {
		t.Errorf("it was added again %d times, not %d", got, want)
	}
	s.expectPorts(t, static...)
	// The operator stops. The port is in place, and the contention is remembered for
	// another hour.
	s.clock.Step(rollout.ReaddInterval)
	s.expectPorts(t, nfs...)
	s.expect(t, "Ready", "True", "InPlace")
	s.expect(t, "Stalled", "False", "AsExpected")
	s.expectPortReason(t, "Contended")
	s.clock.Step(rollout.ReaddInterval)
	s.expectPortReason(t, "")
	s.expect(t, "Ready", "True", "InPlace")
}

// expectPortReason waits until the only port in status has a reason.
func (s *scene) expectPortReason(t *testing.T, reason string) {
	t.Helper()
	testenv.Eventually(t, "a port with the reason "+reason, func(ctx context.Context) error {
		set, err := s.get(ctx, "files")
		if err == nil && (len(set.Status.Ports) != 1 || set.Status.Ports[0].Reason != reason) {
			err = fmt.Errorf("there are %+v", set.Status.Ports)
		}
		return err
	})
}

// TestPortLostIsReportedOnce, however often the target is reconciled afterwards. A
// repetition would not be another event but a series of the first.
func TestPortLostIsReportedOnce(t *testing.T) {
	t.Parallel()
	s, operator := contended(t)
	s.removePort(t, operator)
	s.expectPorts(t, nfs...)
	for range 3 {
		s.catchUp(t)
	}
	s.git.MustApply(t, adapterSet(fixture.Adapters("last:64999")))
	s.expectEvents(t, "StatefulSet", "PortAdded", "adapter-last") // comes after all others
	out, err := s.cp.Kubectl(t.Context(), s.ns, "", "get", "events.events.k8s.io", "-o",
		`jsonpath={range .items[?(@.reason=="PortLost")]}{.regarding.kind} {.series.count}{"\n"}{end}`)
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Fields(out)
	slices.Sort(got)
	if want := []string{"AdapterSet", "StatefulSet"}; !slices.Equal(got, want) {
		t.Errorf("events PortLost, with how often they were repeated: %q, want %q", got, want)
	}
}

// TestPortLostIsNotReportedOfRecreatedWorkload recreates a workload while no service
// runs.
func TestPortLostIsNotReportedOfRecreatedWorkload(t *testing.T) {
	t.Parallel()
	s, operator := contended(t)
	s.stop()
	operator.MustDelete(t, "StatefulSet", s.ns, "files")
	operator.MustCreate(t, statefulSet(onDelete))
	s.waitRolledOut(t)
	s.restart(t)
	s.expectPorts(t, nfs...)
	s.expectNoPortLost(t)
}

func TestContentionAfterRestart(t *testing.T) {
	t.Parallel()
	s, operator := contended(t)
	history := s.record(t)
	s.exhaust(t, operator)
	s.expect(t, "Ready", "False", "Contended")
	n := additions(t, history)
	for range 3 {
		s.restart(t)
		s.catchUp(t)
		if message := s.expect(t, "Ready", "False", "Contended"); !strings.Contains(message, "operator") {
			t.Errorf("after a restart the message is %q", message)
		}
	}
	s.clock.Step(rollout.ReaddInterval - time.Second)
	s.catchUp(t)
	if got := additions(t, history); got != n {
		t.Fatalf("it was added again %d times after restarts", got-n)
	}
	s.expect(t, "Ready", "False", "Contended")
	s.clock.Step(time.Second)
	s.expectPorts(t, nfs...)
	s.expect(t, "Ready", "True", "InPlace")
	s.restart(t)
	s.catchUp(t)
	s.expect(t, "Ready", "True", "InPlace")
	s.removePort(t, operator)
	s.catchUp(t)
	s.expectPorts(t, static...)
	s.expect(t, "Ready", "False", "Contended")
}

// TestContentionIsAboutOneNumber shows that contention about one number is no
// problem of another one.
func TestContentionIsAboutOneNumber(t *testing.T) {
	t.Parallel()
	s, operator := contended(t)
	s.exhaust(t, operator)
	s.expect(t, "Ready", "False", "Contended")
	s.git.MustApply(t, adapterSet(fixture.Adapters("nfs:12060", "smb:1460")))
	s.expectPorts(t, append(slices.Clone(static), "adapter-smb:1460/TCP", "adapter-nfs:12060/TCP")...)
	s.expectReady(t, "True", "InPlace", "2/2")
	s.expect(t, "Stalled", "False", "AsExpected")
}

// TestContentionDelaysNoOtherPort adds a port that no manager removes.
func TestContentionDelaysNoOtherPort(t *testing.T) {
	t.Parallel()
	s, operator := contended(t)
	s.exhaust(t, operator)
	s.git.MustApply(t, adapterSet(withNFSSMB))
	s.expectPorts(t, append(slices.Clone(static), "adapter-smb:1445/TCP")...)
	s.expectReady(t, "False", "Contended", "1/2")
}

// TestOwnershipIsNotContention takes portside's ownership of a port away again and
// again. The port stays in the template as it is, so it was not removed.
func TestOwnershipIsNotContention(t *testing.T) {
	t.Parallel()
	for name, give := range map[string]func(t *testing.T, s *scene, operator *testenv.Manager){
		"managedFields_are_emptied": func(t *testing.T, s *scene, operator *testenv.Manager) {
			t.Helper()
			operator.MustPatch(t, "StatefulSet", s.ns, "files", types.MergePatchType, []byte(`{"metadata":{"managedFields":[{}]}}`))
		},
		"released_and_kept": func(t *testing.T, s *scene, _ *testenv.Manager) {
			t.Helper()
			s.release(t)
		},
		"transferred": func(t *testing.T, s *scene, _ *testenv.Manager) {
			t.Helper()
			s.cp.Manager("other").In(s.ns).MustApply(t, fixture.PortsOf("StatefulSet", "files", "server", "adapter-nfs:12049/TCP"))
			s.release(t)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, operator := contended(t)
			history := s.record(t)
			for range rollout.MaxReadds + 2 {
				give(t, s, operator)
				s.catchUp(t)
			}
			s.expect(t, "Ready", "True", "InPlace")
			s.expectIdle(t)
			s.expectPorts(t, nfs...)
			expectTemplateChanges(t, history, 0)
			s.expectNoPortLost(t)
		})
	}
}

// release gives up portside's ownership and keeps the ports, as portside release
// --keep-ports does.
func (s *scene) release(t *testing.T) {
	t.Helper()
	client, err := appsclient.NewForConfig(s.cp.Config())
	if err != nil {
		t.Fatal(err)
	}
	applier, err := apply.New(workload.ClientGo(client))
	if err != nil {
		t.Fatal(err)
	}
	if result, err := applier.Release(t.Context(), workload.Target{Kind: workload.StatefulSet, Namespace: s.ns, Name: "files"}, true); err != nil {
		t.Fatal(result.Outcome, err)
	}
}
