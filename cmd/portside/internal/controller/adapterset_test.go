package controller

import (
	"fmt"
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/fixture"
)

// served returns a scene in real time with one adapter port in place.
func served(t *testing.T, options ...fixture.Option) *scene {
	t.Helper()
	s := realTimeScene(t)
	s.start(t)
	s.git.MustApply(t, statefulSet())
	s.waitRolledOut(t)
	s.git.MustApply(t, adapterSet(append(options, withNFS)...))
	s.expectPorts(t, nfs...)
	s.waitRolledOut(t)
	s.expectReady(t, "True", "InPlace", "1/1")
	return s
}

func TestAdapters(t *testing.T) {
	t.Parallel()
	s := realTimeScene(t)
	s.start(t)
	s.git.MustApply(t, statefulSet())
	s.waitRolledOut(t)
	s.git.MustApply(t, adapterSet(withNFS))
	s.expectPorts(t, nfs...)
	s.expectReady(t, "True", "InPlace", "1/1")
	s.git.MustApply(t, adapterSet(fixture.Adapters("nfs:2049", "smb:445")))
	s.expectPorts(t, "api:8080/TCP", "adapter-smb:445/TCP", "adapter-nfs:2049/TCP")
	s.expectReady(t, "True", "InPlace", "2/2")
	s.git.MustApply(t, adapterSet(noAdapters))
	s.expectPorts(t, static...)
	s.expectReady(t, "True", "InPlace", "0/0")
}

func TestDeletionPolicyRetain(t *testing.T) {
	t.Parallel()
	s := served(t, fixture.Spec("deletionPolicy: Retain"))
	before := s.waitRolledOut(t)
	s.git.MustDelete(t, "AdapterSet", s.ns, "files")
	s.expectReleased(t)
	if live := s.git.MustGet(t, "StatefulSet", s.ns, "files"); live.GetGeneration() != before.GetGeneration() {
		t.Errorf("generation %d, not %d", live.GetGeneration(), before.GetGeneration())
	}
	s.expectPorts(t, nfs...)
}

func TestDeletionPolicyRemove(t *testing.T) {
	t.Parallel()
	s := served(t, removes)
	s.git.MustDelete(t, "AdapterSet", s.ns, "files")
	s.expectGone(t)
	s.expectPorts(t, static...)
}

func TestSuspendAndPause(t *testing.T) {
	t.Parallel()
	s := served(t)
	s.git.MustApply(t, adapterSet(noAdapters, suspended))
	s.expectStopped(t, "Suspended")
	s.pause(t, `"true"`)
	s.git.MustApply(t, adapterSet(noAdapters))
	s.expectStopped(t, "Paused")
	s.expectPorts(t, nfs...)
	s.pause(t, "null")
	s.expectPorts(t, static...)
}

// expectStopped waits until Reconciling is False for a reason. Ready is as before.
func (s *scene) expectStopped(t *testing.T, reason string) {
	t.Helper()
	s.expect(t, "Reconciling", "False", reason)
	s.expectReady(t, "True", "InPlace", "1/1")
}

func TestOldestAdapterSetWins(t *testing.T) {
	t.Parallel()
	s := served(t)
	s.git.MustApply(t, adapterSet(fixture.Adapters("smb:445"), renamed("later")))
	s.expectOf(t, "later", "Stalled", "True", "TargetTaken")
	s.expectPorts(t, nfs...)
	s.git.MustDelete(t, "AdapterSet", s.ns, "files")
	s.expectPorts(t, "api:8080/TCP", "adapter-smb:445/TCP")
	s.expectOf(t, "later", "Ready", "True", "InPlace")
}

func TestPortRemovedByAnotherManagerIsAddedAgain(t *testing.T) {
	t.Parallel()
	s := served(t)
	s.edit(t, `[{"op": "remove", "path": "/spec/template/spec/containers/0/ports/1"}]`)
	s.expectPorts(t, nfs...)
	s.expect(t, "Ready", "True", "InPlace")
}

func TestChangeWaitsForRollout(t *testing.T) {
	t.Parallel()
	s := served(t)
	release := s.cp.HoldUnready(s.ns, nil)
	defer release()
	s.edit(t, newImage)
	s.git.MustApply(t, adapterSet(fixture.Adapters("nfs:12049", "smb:445")))
	s.expect(t, "Reconciling", "True", "RolloutUnderWay")
	s.expectPorts(t, nfs...)
	release()
	s.expectPorts(t, append(slices.Clone(nfs), "adapter-smb:445/TCP")...)
}

func TestUnrelatedUpdatesCostNoRequest(t *testing.T) {
	t.Parallel()
	s := served(t)
	before := s.sent.Total()
	for i := range 200 {
		patch := fmt.Appendf(nil, `{"metadata":{"labels":{"round":"%d"}}}`, i)
		s.git.MustPatch(t, "StatefulSet", s.ns, "files", types.MergePatchType, patch)
	}
	// The service has acted on a later event of the same watch, so it has seen these.
	s.git.MustApply(t, adapterSet(fixture.Adapters("nfs:12049", "smb:445")))
	s.expectPorts(t, append(slices.Clone(nfs), "adapter-smb:445/TCP")...)
	if n := s.sent.Count(testenv.VerbApply); n > 12 || s.sent.Total()-before > 12 {
		t.Errorf("%d requests for 200 updates of labels and one change:\n%s", s.sent.Total()-before, &s.sent)
	}
}
