package apply_test

import (
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/testenv"
)

// TestNamedForAnotherAdapter has a user give a port of ours the name of an adapter that gets
// another number. Without transfers the port is given up without an owner, and its name
// stays the user's: that adapter is Blocked (row 9), and the other ports are applied.
func TestNamedForAnotherAdapter(t *testing.T) {
	t.Parallel()
	cp := testenv.Shared(t)
	namespace := cp.Namespace(t)
	cp.Manager(testenv.ArgoCD).In(namespace).MustApply(t, declared(workload.StatefulSet, static))
	applier, err := applierFor(cp.Config(), apply.WithoutTransfers())
	if err != nil {
		t.Fatal(err)
	}
	target := workload.Target{Kind: workload.StatefulSet, Namespace: namespace, Name: dittofs}
	reconcile := func(want apply.Outcome, adapters ...apply.Adapter) []string {
		t.Helper()
		result, err := applier.Apply(t.Context(), target, apply.Desired{Adapters: adapters})
		if err != nil || result.Outcome != want {
			t.Fatalf("%s, want %s: %v", result.Outcome, want, err)
		}
		var states []string
		for _, p := range result.Ports {
			states = append(states, p.Name+" "+string(p.State)+" "+string(p.Reason))
		}
		return states
	}
	reconcile(apply.Applied, smb)
	live := cp.Manager(testenv.KubectlEdit).MustPatch(t, "StatefulSet", namespace, dittofs, types.StrategicMergePatchType,
		[]byte(`{"spec":{"template":{"spec":{"containers":[{"name":"dittofs","ports":[{"containerPort":1445,"name":"adapter-nfs"}]}]}}}}`))
	ftp := apply.Adapter{Type: "ftp", Port: 21}
	states := reconcile(apply.Applied, nfs, ftp)
	if want := []string{"adapter-nfs Blocked NameTaken", "adapter-ftp Owned "}; !slices.Equal(states[:2], want) {
		t.Errorf("states %q, want %q", states, want)
	}
	reconcile(apply.Unchanged, nfs, ftp)
	now := cp.Manager("testenv").MustGet(t, "StatefulSet", namespace, dittofs)
	if err := testenv.CheckPorts(now, dittofs, append(testenv.Ports(live, dittofs), "adapter-ftp:21/TCP")...); err != nil {
		t.Error(err)
	}
}
