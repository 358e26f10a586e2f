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
	"github.com/portside-dev/portside/testenv/fixture"
)

// TestEventsAboutBothObjects: an event is about the AdapterSet, and one about the
// workload.
func TestEventsAboutBothObjects(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.setUp(t, statefulSet(onDelete), adapterSet(withNFS), nfs...)
	s.expectBothEvents(t, "PortAdded", "Added port adapter-nfs (12049/TCP)")
	s.git.MustApply(t, adapterSet(fixture.Adapters("nfs:12049", "web:8080")))
	s.expectBothEvents(t, "PortShadowed", "Port adapter-web (8080/TCP): 8080/TCP is declared by git")
	s.edit(t, `[{"op": "replace", "path": "/spec/template/spec/containers/0/ports/1/name", "value": "mine"}]`)
	s.expectBothEvents(t, "PortBlocked", "Cannot add port adapter-nfs (12049/TCP): kubectl-edit")
	s.expectNoPortLost(t) // the item is there, and is not added again
}

// TestStatusWrites: status is written when it changes, by server-side apply alone.
func TestStatusWrites(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.setUp(t, statefulSet(onDelete), adapterSet(withNFS), nfs...)
	before := s.sent.CountOf(testenv.VerbApply, "adaptersets/status")
	if before == 0 || s.sent.CountOf(testenv.VerbPatch, "adaptersets/status")+s.sent.CountOf(testenv.VerbPut, "adaptersets/status") > 0 {
		t.Errorf("status is written by\n%s", &s.sent)
	}
	for i := range 20 {
		patch := fmt.Appendf(nil, `{"metadata":{"annotations":{"portside.dev/paused":"no %d"}}}`, i)
		s.git.MustPatch(t, "StatefulSet", s.ns, "files", types.MergePatchType, patch)
	}
	s.clock.Step(time.Hour)
	s.catchUp(t) // writes the status of a new generation
	if n := s.sent.CountOf(testenv.VerbApply, "adaptersets/status") - before; n != 1 {
		t.Errorf("status was written %d times\n%s", n, &s.sent)
	}
}

// TestStatusAfterRestart: a restart writes no status.
func TestStatusAfterRestart(t *testing.T) {
	t.Parallel()
	for name, set := range map[string]*unstructured.Unstructured{"declared": adapterSet(withNFS), "discovered": adapterSet(discovered)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			server, _ := s.serveAdapters(t)
			s.git.MustApply(t, statefulSet(onDelete))
			s.waitRolledOut(t)
			s.git.MustApply(t, set)
			if name == "discovered" {
				s.polled(t, 1, server)
			}
			s.expect(t, "Ready", "True", "InPlace")
			s.restart(t)
			if name == "discovered" {
				s.polled(t, 2, server)
			}
			before := s.sent.Writes()
			s.catchUp(t)
			if n := s.sent.Writes(); n != 1 || before != 0 {
				t.Errorf("a restart and a new generation cost %d writes\n%s", n, &s.sent)
			}
		})
	}
}

// TestStatusOfAnotherWriter corrects a status that another manager wrote.
func TestStatusOfAnotherWriter(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.setUp(t, statefulSet(onDelete), adapterSet(withNFS), nfs...)
	if _, err := s.cp.Kubectl(t.Context(), s.ns, "", "patch", "adapterset", "files", "--subresource=status", "--type=merge",
		"-p", `{"status":{"readyPorts":9}}`); err != nil {
		t.Fatal(err)
	}
	s.catchUp(t)
	s.expectReady(t, "True", "InPlace", "1/1")
}

func TestTargetNotFound(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.git.MustApply(t, adapterSet(withNFS))
	s.expect(t, "Ready", "False", "TargetNotFound")
	s.expect(t, "Stalled", "False", "AsExpected")
	s.git.MustApply(t, statefulSet(onDelete))
	s.expectPorts(t, nfs...)
	s.expect(t, "Ready", "True", "InPlace")
	first := s.uid(t)
	s.git.MustDelete(t, "StatefulSet", s.ns, "files")
	s.expect(t, "Ready", "False", "TargetNotFound")
	s.git.MustApply(t, statefulSet(onDelete))
	s.expectPorts(t, nfs...)
	s.expect(t, "Ready", "True", "InPlace")
	if again := s.uid(t); again == first {
		t.Errorf("status still has uid %s", first)
	}
}

// uid returns the uid of the target in status.
func (s *scene) uid(t *testing.T) types.UID {
	t.Helper()
	return s.mustGet(t).Status.Target.UID
}

// TestPendingRemovalOfDeletedWorkload: a removal is dropped with its workload. A new
// workload of the name does not get the port.
func TestPendingRemovalOfDeletedWorkload(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	late := fixture.Rollout(0, 300)
	s.setUp(t, statefulSet(onDelete), adapterSet(withNFS, late), nfs...)
	s.git.MustApply(t, adapterSet(noAdapters, late))
	s.expect(t, "Reconciling", "True", "RemovalWaiting")
	s.git.MustDelete(t, "StatefulSet", s.ns, "files")
	s.expect(t, "Ready", "False", "TargetNotFound")
	s.git.MustApply(t, statefulSet(onDelete))
	history := s.record(t)
	s.expectReady(t, "True", "InPlace", "0/0")
	s.expect(t, "Reconciling", "False", "AsExpected")
	s.clock.Step(time.Hour)
	s.catchUp(t)
	expectTemplateChanges(t, history, 0)
}

func TestContainerNotFound(t *testing.T) {
	t.Parallel()
	t.Run("native sidecar", func(t *testing.T) {
		t.Parallel()
		s := newScene(t)
		s.git.MustApply(t, statefulSet(onDelete, fixture.Spec("template: {spec: {initContainers: [{name: proxy, image: proxy, restartPolicy: Always}]}}")))
		s.git.MustApply(t, adapterSet(withNFS, fixture.Spec("container: proxy")))
		const want = `container "proxy" is an init container or native sidecar; portside manages ports of spec.containers only; it has server`
		if message := s.expect(t, "Stalled", "True", "ContainerNotFound"); !strings.Contains(message, want) {
			t.Errorf("the message is %q", message)
		}
	})
}

func TestContainerIsAdded(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.git.MustApply(t, statefulSet(onDelete))
	s.git.MustApply(t, adapterSet(withNFS, fixture.Spec("container: sidecar")))
	if message := s.expect(t, "Stalled", "True", "ContainerNotFound"); !strings.Contains(message, "it has server") {
		t.Errorf("the message is %q", message)
	}
	s.edit(t, `[{"op": "add", "path": "/spec/template/spec/containers/-", "value": {"name": "sidecar", "image": "example.com/sidecar:1"}}]`)
	s.expect(t, "Ready", "True", "InPlace")
	live := s.git.MustGet(t, "StatefulSet", s.ns, "files")
	if got := testenv.Ports(live, "sidecar"); !slices.Equal(got, []string{"adapter-nfs:12049/TCP"}) {
		t.Errorf("the ports are %q", got)
	}
}

// TestRecreatedAdapterSet: a pending status of the deleted AdapterSet is not written to
// the new one. Its ports stay, by its deletionPolicy.
func TestRecreatedAdapterSet(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.setUp(t, statefulSet(onDelete), adapterSet(withNFS), nfs...)
	for range 5 {
		s.git.MustApply(t, adapterSet(withNFSSMB))
		s.git.MustDelete(t, "AdapterSet", s.ns, "files")
		s.git.MustApply(t, adapterSet(withNFS))
		s.catchUp(t)
	}
	s.expectReady(t, "True", "InPlace", "1/1")
}

// TestTargetTaken: later AdapterSets of a target report it, and take over by age.
func TestTargetTaken(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.setUp(t, statefulSet(onDelete), adapterSet(withNFS), nfs...)
	for _, name := range []string{"second", "third"} {
		s.git.MustApply(t, adapterSet(withNFSSMB, renamed(name)))
		if message := s.expectOf(t, name, "Stalled", "True", "TargetTaken"); !strings.Contains(message, "AdapterSet files is older") {
			t.Errorf("the message of %s is %q", name, message)
		}
	}
	s.expect(t, "Ready", "True", "InPlace")
	s.git.MustDelete(t, "AdapterSet", s.ns, "files")
	s.expectPorts(t, nfsSMB2...)
	testenv.Eventually(t, "one of the others to have the target", func(ctx context.Context) error {
		var reasons []string
		for _, name := range []string{"second", "third"} {
			set, err := s.get(ctx, name)
			if err != nil {
				return err
			}
			reasons = append(reasons, set.Status.Conditions[0].Reason)
		}
		slices.Sort(reasons)
		if !slices.Equal(reasons, []string{"InPlace", "TargetTaken"}) {
			return fmt.Errorf("the reasons are %q", reasons)
		}
		return nil
	})
}
