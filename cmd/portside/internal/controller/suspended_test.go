package controller

import (
	"testing"

	"github.com/portside-dev/portside/testenv"
)

// TestSuspended_TargetDeleted deletes the workload of a suspended AdapterSet and creates
// another one.
func TestSuspended_TargetDeleted(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.setUp(t, statefulSet(onDelete), adapterSet(withNFS), nfs...)
	s.git.MustApply(t, adapterSet(withNFS, suspended))
	s.expect(t, "Reconciling", "False", "Suspended")
	s.git.MustDelete(t, "StatefulSet", s.ns, "files")
	s.expect(t, "Ready", "False", "TargetNotFound")
	s.expect(t, "Reconciling", "False", "Suspended")
	s.expect(t, "Stalled", "True", "Suspended")
	s.expectEvents(t, "AdapterSet", "TargetNotFound", "not found")

	s.git.MustApply(t, statefulSet(onDelete))
	s.expect(t, "Ready", "True", "Suspended")
	s.expect(t, "Stalled", "False", "AsExpected")
	s.expectPorts(t, static...)
	s.git.MustApply(t, adapterSet(withNFS))
	s.expectPorts(t, nfs...)
	s.expect(t, "Ready", "True", "InPlace")
}

// TestSuspended_Deleted deletes a suspended AdapterSet: its ports stay portside's, and an
// event says how to give them up.
func TestSuspended_Deleted(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.setUp(t, statefulSet(onDelete), adapterSet(withNFS), nfs...)
	s.git.MustApply(t, adapterSet(withNFS, suspended))
	s.expect(t, "Reconciling", "False", "Suspended")
	writes := s.sent.CountOf(testenv.VerbApply, "statefulsets") + s.sent.CountOf(testenv.VerbPatch, "statefulsets")
	s.delete(t)
	s.expectBothEvents(t, "PortsRetained", "run portside release -n "+s.ns+" statefulset/files --keep-ports")
	if s.released(t.Context()) == nil {
		t.Error("portside gave the ports up although the AdapterSet was suspended")
	}
	if n := s.sent.CountOf(testenv.VerbApply, "statefulsets") + s.sent.CountOf(testenv.VerbPatch, "statefulsets"); n != writes {
		t.Errorf("%d writes to the workload", n-writes)
	}
}
