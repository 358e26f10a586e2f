package controller

import (
	"context"
	"fmt"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"

	"github.com/portside-dev/portside/testenv"
)

// served is a workload with one adapter port and the service that keeps it.
func served(t *testing.T, more string) (cp *testenv.ControlPlane, ns string, git *testenv.Manager, sent *testenv.Requests) {
	t.Helper()
	cp = testenv.WithControllers(t)
	ns = cp.Namespace(t)
	sent = serve(t, cp, ns)
	git = cp.Manager("git").In(ns)
	mustApply(t, git, statefulSet)
	cp.WaitRolledOut(t, "StatefulSet", ns, "files")
	mustApply(t, git, adapterSet("[{type: nfs, port: 12049}]", more))
	expectPorts(t, cp, ns, "api:8080/TCP", "adapter-nfs:12049/TCP")
	cp.WaitRolledOut(t, "StatefulSet", ns, "files")
	expectReady(t, cp, ns, "True", "InPlace", "1/1")
	return cp, ns, git, sent
}

func expectGone(t *testing.T, cp *testenv.ControlPlane, ns string) {
	t.Helper()
	testenv.Eventually(t, "the AdapterSet is gone", func(ctx context.Context) error {
		_, err := cp.Manager("reader").Get(ctx, "AdapterSet", ns, "files")
		if apierrors.IsNotFound(err) {
			return nil
		}
		return fmt.Errorf("it is there, or: %w", err)
	})
}

func TestAdaptersComeChangeAndGo(t *testing.T) {
	t.Parallel()
	cp := testenv.WithControllers(t)
	ns := cp.Namespace(t)
	serve(t, cp, ns)
	git := cp.Manager("git").In(ns)
	mustApply(t, git, statefulSet)
	cp.WaitRolledOut(t, "StatefulSet", ns, "files")
	mustApply(t, git, adapterSet("[{type: nfs, port: 12049}]", ""))
	expectPorts(t, cp, ns, "api:8080/TCP", "adapter-nfs:12049/TCP")
	expectReady(t, cp, ns, "True", "InPlace", "1/1")
	mustApply(t, git, adapterSet("[{type: nfs, port: 2049}, {type: smb, port: 445}]", ""))
	expectPorts(t, cp, ns, "api:8080/TCP", "adapter-smb:445/TCP", "adapter-nfs:2049/TCP")
	expectReady(t, cp, ns, "True", "InPlace", "2/2")
	mustApply(t, git, adapterSet("[]", ""))
	expectPorts(t, cp, ns, "api:8080/TCP")
	expectReady(t, cp, ns, "True", "InPlace", "0/0")
}

func TestRetainLeavesThePortsAndRestartsNothing(t *testing.T) {
	t.Parallel()
	cp, ns, git, _ := served(t, "deletionPolicy: Retain")
	before := cp.WaitRolledOut(t, "StatefulSet", ns, "files")
	if err := git.Delete(t.Context(), "AdapterSet", ns, "files"); err != nil {
		t.Fatal(err)
	}
	testenv.Eventually(t, "our entry is given up", func(ctx context.Context) error {
		live, err := git.Get(ctx, "StatefulSet", ns, "files")
		if err != nil {
			return err
		}
		for _, e := range live.GetManagedFields() {
			if e.Manager == testenv.Portside {
				return fmt.Errorf("it is there: %s", e.FieldsV1)
			}
		}
		if live.GetGeneration() != before.GetGeneration() {
			t.Errorf("generation %d, not %d", live.GetGeneration(), before.GetGeneration())
		}
		return nil
	})
	expectPorts(t, cp, ns, "api:8080/TCP", "adapter-nfs:12049/TCP")
}

func TestRemoveTakesThePortsFirst(t *testing.T) {
	t.Parallel()
	cp, ns, git, _ := served(t, "deletionPolicy: Remove")
	if err := git.Delete(t.Context(), "AdapterSet", ns, "files"); err != nil {
		t.Fatal(err)
	}
	expectGone(t, cp, ns)
	expectPorts(t, cp, ns, "api:8080/TCP")
}

func TestSuspendAndPauseStopEveryWrite(t *testing.T) {
	t.Parallel()
	cp, ns, git, _ := served(t, "")
	mustApply(t, git, adapterSet("[]", "suspend: true"))
	expectStopped(t, cp, ns, "Suspended")
	pause(t, git, ns, `"true"`)
	mustApply(t, git, adapterSet("[]", ""))
	expectStopped(t, cp, ns, "Paused")
	expectPorts(t, cp, ns, "api:8080/TCP", "adapter-nfs:12049/TCP")
	pause(t, git, ns, "null")
	expectPorts(t, cp, ns, "api:8080/TCP")
}

// expectStopped waits until Reconciling is false for a reason, and Ready is as it
// was.
func expectStopped(t *testing.T, cp *testenv.ControlPlane, ns, reason string) {
	t.Helper()
	expectCondition(t, cp, ns, "files", "Reconciling", "False", reason)
	expectReady(t, cp, ns, "True", "InPlace", "1/1")
}

func pause(t *testing.T, m *testenv.Manager, ns, value string) {
	t.Helper()
	patch := fmt.Appendf(nil, `{"metadata":{"annotations":{"portside.dev/paused":%s}}}`, value)
	if _, err := m.Patch(t.Context(), "StatefulSet", ns, "files", types.MergePatchType, patch); err != nil {
		t.Fatal(err)
	}
}

func TestTheOldestAdapterSetWins(t *testing.T) {
	t.Parallel()
	cp, ns, git, _ := served(t, "")
	later := `
apiVersion: portside.dev/v1alpha1
kind: AdapterSet
metadata: {name: later}
spec:
  targetRef: {apiVersion: apps/v1, kind: StatefulSet, name: files}
  adapters: [{type: smb, port: 445}]
  rollout: {stabilizationWindowSeconds: 0, removalDelaySeconds: 0}
`
	mustApply(t, git, later)
	expectTrue(t, cp, ns, "later", "Stalled", "TargetTaken")
	expectPorts(t, cp, ns, "api:8080/TCP", "adapter-nfs:12049/TCP")
	if err := git.Delete(t.Context(), "AdapterSet", ns, "files"); err != nil {
		t.Fatal(err)
	}
	expectPorts(t, cp, ns, "api:8080/TCP", "adapter-smb:445/TCP")
	expectTrue(t, cp, ns, "later", "Ready", "InPlace")
}

func TestPortRemovedByAnotherManagerIsAddedAgain(t *testing.T) {
	t.Parallel()
	cp, ns, _, _ := served(t, "")
	if _, err := cp.Manager("vandal").Patch(t.Context(), "StatefulSet", ns, "files", types.JSONPatchType,
		[]byte(`[{"op": "remove", "path": "/spec/template/spec/containers/0/ports/1"}]`)); err != nil {
		t.Fatal(err)
	}
	expectPorts(t, cp, ns, "api:8080/TCP", "adapter-nfs:12049/TCP")
	expectTrue(t, cp, ns, "files", "Ready", "InPlace")
}

func TestNothingIsAddedToARolloutUnderWay(t *testing.T) {
	t.Parallel()
	cp, ns, git, _ := served(t, "")
	release := cp.HoldUnready(ns, nil)
	defer release()
	if _, err := git.Patch(t.Context(), "StatefulSet", ns, "files", types.JSONPatchType,
		[]byte(`[{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "example.com/files:2"}]`)); err != nil {
		t.Fatal(err)
	}
	mustApply(t, git, adapterSet("[{type: nfs, port: 12049}, {type: smb, port: 445}]", ""))
	expectTrue(t, cp, ns, "files", "Reconciling", "RolloutUnderWay")
	expectPorts(t, cp, ns, "api:8080/TCP", "adapter-nfs:12049/TCP")
	release()
	expectPorts(t, cp, ns, "api:8080/TCP", "adapter-nfs:12049/TCP", "adapter-smb:445/TCP")
}

func TestUnrelatedUpdatesCostNoRequest(t *testing.T) {
	t.Parallel()
	cp, ns, git, sent := served(t, "")
	before := sent.Total()
	for i := range 200 {
		patch := fmt.Appendf(nil, `{"metadata":{"labels":{"round":"%d"}}}`, i)
		if _, err := git.Patch(t.Context(), "StatefulSet", ns, "files", types.MergePatchType, patch); err != nil {
			t.Fatal(err)
		}
	}
	// What comes after them in the same watch has been acted on, so they have.
	mustApply(t, git, adapterSet("[{type: nfs, port: 12049}, {type: smb, port: 445}]", ""))
	expectPorts(t, cp, ns, "api:8080/TCP", "adapter-nfs:12049/TCP", "adapter-smb:445/TCP")
	if n := sent.Count(testenv.VerbApply); n > 12 || sent.Total()-before > 12 {
		t.Errorf("%d requests for 200 updates of labels and one change:\n%s", sent.Total()-before, sent)
	}
}
