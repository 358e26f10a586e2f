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

	"github.com/portside-dev/portside/testenv"
)

// TestEventsAreOnBoth: on the AdapterSet and on the workload.
func TestEventsAreOnBoth(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.setUp(t, strategy(1, "{type: OnDelete}"), adapterSet(withNFS, ""), nfs...)
	both := func(reason, text string) {
		t.Helper()
		s.expectEvents(t, "AdapterSet", reason, text)
		s.expectEvents(t, "StatefulSet", reason, text)
	}
	both("PortAdded", "Added port adapter-nfs (12049/TCP)")
	mustApply(t, s.git, adapterSet("[{type: nfs, port: 12049}, {type: web, port: 8080}]", ""))
	both("PortShadowed", "Port adapter-web (8080/TCP): 8080/TCP is declared by git")
	s.edit(t, `[{"op": "replace", "path": "/spec/template/spec/containers/0/ports/1/name", "value": "mine"}]`)
	both("PortBlocked", "Cannot add port adapter-nfs (12049/TCP): kubectl-edit")
	s.expectNoPortLost(t) // it is there, and not to be added again
}

// TestStatusIsWrittenWhenItChanges: and by server-side apply alone.
func TestStatusIsWrittenWhenItChanges(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.setUp(t, strategy(1, "{type: OnDelete}"), adapterSet(withNFS, ""), nfs...)
	before := s.sent.CountOf(testenv.VerbApply, "adaptersets/status")
	if before == 0 || s.sent.CountOf(testenv.VerbPatch, "adaptersets/status")+s.sent.CountOf(testenv.VerbPut, "adaptersets/status") > 0 {
		t.Errorf("status is written by\n%s", &s.sent)
	}
	for i := range 20 {
		patch := fmt.Appendf(nil, `{"metadata":{"annotations":{"portside.dev/paused":"no %d"}}}`, i)
		if _, err := s.git.Patch(t.Context(), "StatefulSet", s.ns, "files", types.MergePatchType, patch); err != nil {
			t.Fatal(err)
		}
	}
	s.clock.Step(time.Hour)
	s.caughtUp(t) // tells of a generation
	if n := s.sent.CountOf(testenv.VerbApply, "adaptersets/status") - before; n != 1 {
		t.Errorf("status was written %d times\n%s", n, &s.sent)
	}
}

// TestARestartTellsNothingNew: what status says stays as good as it was.
func TestARestartTellsNothingNew(t *testing.T) {
	t.Parallel()
	for name, set := range map[string]string{"declared": adapterSet(withNFS, ""), "discovered": discovered} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			p := &pods{}
			s.cp.ServePods(s.ns, testenv.PodServer{Port: 8080, Handler: p.handler})
			mustApply(t, s.git, strategy(1, "{type: OnDelete}"))
			s.rolledOut(t)
			mustApply(t, s.git, set)
			if name == "discovered" {
				s.polled(t, p, 1)
			}
			s.expect(t, "Ready", "True", "InPlace")
			s.restart(t)
			if name == "discovered" {
				s.polled(t, p, 2)
			}
			before := s.sent.Writes()
			s.caughtUp(t)
			if n := s.sent.Writes(); n != 1 || before != 0 {
				t.Errorf("a restart and a generation to tell of cost %d writes\n%s", n, &s.sent)
			}
		})
	}
}

// TestStatusThatSomebodyWroteIsMadeTrue: it has one writer.
func TestStatusThatSomebodyWroteIsMadeTrue(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.setUp(t, strategy(1, "{type: OnDelete}"), adapterSet(withNFS, ""), nfs...)
	if _, err := s.cp.Kubectl(t.Context(), s.ns, "", "patch", "adapterset", "files", "--subresource=status", "--type=merge",
		"-p", `{"status":{"readyPorts":9}}`); err != nil {
		t.Fatal(err)
	}
	s.caughtUp(t)
	expectReady(t, s.cp, s.ns, "True", "InPlace", "1/1")
}

func TestTheTargetComesAndGoes(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	mustApply(t, s.git, adapterSet(withNFS, ""))
	s.expect(t, "Ready", "False", "TargetNotFound")
	s.expect(t, "Stalled", "False", "AsExpected")
	mustApply(t, s.git, strategy(1, "{type: OnDelete}"))
	expectPorts(t, s.cp, s.ns, nfs...)
	s.expect(t, "Ready", "True", "InPlace")
	first := s.uid(t)
	if err := s.git.Delete(t.Context(), "StatefulSet", s.ns, "files"); err != nil {
		t.Fatal(err)
	}
	s.expect(t, "Ready", "False", "TargetNotFound")
	mustApply(t, s.git, strategy(1, "{type: OnDelete}"))
	expectPorts(t, s.cp, s.ns, nfs...)
	s.expect(t, "Ready", "True", "InPlace")
	if again := s.uid(t); again == first {
		t.Errorf("status tells of %s still", first)
	}
}

// uid is that of the target that status tells of.
func (s *scene) uid(t *testing.T) types.UID {
	t.Helper()
	set, err := s.get(t.Context(), "files")
	if err != nil {
		t.Fatal(err)
	}
	return set.Status.Target.UID
}

// TestARemovalThatWaitsGoesWithItsWorkload: the next one of that name never had
// the port, and never gets it.
func TestARemovalThatWaitsGoesWithItsWorkload(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	late := func(adapters string) string {
		return strings.Replace(adapterSet(adapters, ""), "removalDelaySeconds: 0", "removalDelaySeconds: 300", 1)
	}
	s.setUp(t, strategy(1, "{type: OnDelete}"), late(withNFS), nfs...)
	mustApply(t, s.git, late("[]"))
	s.expect(t, "Reconciling", "True", "RemovalWaiting")
	if err := s.git.Delete(t.Context(), "StatefulSet", s.ns, "files"); err != nil {
		t.Fatal(err)
	}
	s.expect(t, "Ready", "False", "TargetNotFound")
	mustApply(t, s.git, strategy(1, "{type: OnDelete}"))
	history := s.cp.Record(t, "StatefulSet", s.ns, "files")
	expectReady(t, s.cp, s.ns, "True", "InPlace", "0/0")
	s.expect(t, "Reconciling", "False", "AsExpected")
	s.clock.Step(time.Hour)
	s.caughtUp(t)
	templateChanges(t, history, 0)
}

func TestContainerNotFound(t *testing.T) {
	t.Parallel()
	t.Run("native sidecar", func(t *testing.T) {
		t.Parallel()
		s := newScene(t)
		mustApply(t, s.git, strings.Replace(strategy(1, "{type: OnDelete}"), "containers:", "initContainers: [{name: proxy, image: proxy, restartPolicy: Always}]\n      containers:", 1))
		mustApply(t, s.git, strings.Replace(adapterSet(withNFS, ""), "adapters:", "container: proxy\n  adapters:", 1))
		const want = `container "proxy" is an init container or native sidecar; portside manages ports of spec.containers only; it has server`
		if message := s.expect(t, "Stalled", "True", "ContainerNotFound"); !strings.Contains(message, want) {
			t.Errorf("the message is %q", message)
		}
	})
}

func TestTheContainerComes(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	mustApply(t, s.git, strategy(1, "{type: OnDelete}"))
	mustApply(t, s.git, strings.Replace(adapterSet(withNFS, ""), "adapters:", "container: sidecar\n  adapters:", 1))
	if message := s.expect(t, "Stalled", "True", "ContainerNotFound"); !strings.Contains(message, "it has server") {
		t.Errorf("it says %q", message)
	}
	s.edit(t, `[{"op": "add", "path": "/spec/template/spec/containers/-", "value": {"name": "sidecar", "image": "example.com/sidecar:1"}}]`)
	s.expect(t, "Ready", "True", "InPlace")
	live, err := s.git.Get(t.Context(), "StatefulSet", s.ns, "files")
	if err != nil {
		t.Fatal(err)
	}
	if got := testenv.Ports(live, "sidecar"); !slices.Equal(got, []string{"adapter-nfs:12049/TCP"}) {
		t.Errorf("the ports are %q", got)
	}
}

// TestAnAdapterSetIsMadeAnew: what was to be told of the first is not told of the
// second. Its ports stay, by its deletionPolicy, where they were already there.
func TestAnAdapterSetIsMadeAnew(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.setUp(t, strategy(1, "{type: OnDelete}"), adapterSet(withNFS, ""), nfs...)
	for range 5 {
		mustApply(t, s.git, adapterSet(withNFSSMB, ""))
		if err := s.git.Delete(t.Context(), "AdapterSet", s.ns, "files"); err != nil {
			t.Fatal(err)
		}
		mustApply(t, s.git, adapterSet(withNFS, ""))
		s.caughtUp(t)
	}
	expectReady(t, s.cp, s.ns, "True", "InPlace", "1/1")
}

// TestSeveralNameOneTarget: each later one says so, and their turn comes by age.
func TestSeveralNameOneTarget(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.setUp(t, strategy(1, "{type: OnDelete}"), adapterSet(withNFS, ""), nfs...)
	for _, name := range []string{"second", "third"} {
		mustApply(t, s.git, strings.Replace(adapterSet(withNFSSMB, ""), "{name: files}", "{name: "+name+"}", 1))
		if message := s.expectOf(t, name, "Stalled", "True", "TargetTaken"); !strings.Contains(message, "AdapterSet files is older") {
			t.Errorf("%s says %q", name, message)
		}
	}
	s.expect(t, "Ready", "True", "InPlace")
	if err := s.git.Delete(t.Context(), "AdapterSet", s.ns, "files"); err != nil {
		t.Fatal(err)
	}
	expectPorts(t, s.cp, s.ns, nfsSMB2...)
	testenv.Eventually(t, "one of the others has it, the other says so", func(ctx context.Context) error {
		var reasons []string
		for _, name := range []string{"second", "third"} {
			live, err := s.git.Get(ctx, "AdapterSet", s.ns, name)
			if err != nil {
				return err
			}
			conditions, _, _ := unstructured.NestedSlice(live.Object, "status", "conditions")
			ready, _ := conditions[0].(map[string]any)
			reasons = append(reasons, fmt.Sprint(ready["reason"]))
		}
		slices.Sort(reasons)
		if !slices.Equal(reasons, []string{"InPlace", "TargetTaken"}) {
			return fmt.Errorf("they say %q", reasons)
		}
		return nil
	})
}
