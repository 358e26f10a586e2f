package controller

import (
	"context"
	"fmt"
	"maps"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/portside-dev/portside/testenv"
)

// TestCompanions gives adapters that pods report companions: they come, move and go with
// their adapters, after the removal delay and not because of a poll that was not complete.
func TestCompanions(t *testing.T) {
	t.Parallel()
	a := ask(t, 2, 20, false)
	a.patchSet(`{"spec":{"companions":[
		{"name":"nfs-pm","adapter":"nfs","port":10111},
		{"name":"nfs-udp","adapter":"nfs","protocol":"UDP"},
		{"name":"mdns","adapters":["nfs","smb"],"port":5353,"protocol":"UDP"}]}}`)
	both := []string{
		"api:8080/TCP", "adapter-smb:1445/TCP", "adapter-nfs:12049/TCP",
		"adapter-mdns:5353/UDP", "adapter-nfs-pm:10111/TCP", "adapter-nfs-udp:12049/UDP",
	}
	a.untilPorts(both...)
	a.expectStates(map[string]string{"nfs": "Owned", "smb": "Owned", "nfs-pm": "Owned", "nfs-udp": "Owned", "mdns": "Owned"})
	a.untilSteady()

	// A new process continues from the ports in place. A pod that is silent hides
	// nothing, and what the other no longer reports stays.
	a.site.say(fails(500), "files-1")
	a.site.say(says("[]"))
	a.restart()
	a.polls(4)
	a.expectCondition("Discovered", "False", "PartlyAnswered")
	a.expectStates(map[string]string{"nfs": "Owned", "smb": "Owned", "nfs-pm": "Owned", "nfs-udp": "Owned", "mdns": "Owned"})
	a.expectTemplates("with a silent pod", 2)

	// A renumbered adapter takes along the companion that has its number.
	a.site.recover(says(nfsAt(12050)))
	a.untilPorts("api:8080/TCP", "adapter-mdns:5353/UDP", "adapter-nfs-pm:10111/TCP", "adapter-nfs:12050/TCP", "adapter-nfs-udp:12050/UDP")
	a.expectStates(map[string]string{"nfs": "Owned", "nfs-pm": "Owned", "nfs-udp": "Owned", "mdns": "Owned"})
	a.untilSteady()

	// The last adapter goes, and all of its companions at the same time.
	before := a.templates()
	a.site.say(says("[]"))
	a.until("Reconciling is True, RemovalWaiting", a.condition("Reconciling", "True", "RemovalWaiting"))
	a.expectStates(map[string]string{"nfs": "Owned", "nfs-pm": "Owned", "nfs-udp": "Owned", "mdns": "Owned"})
	if n := a.templates() - before; n != 0 {
		t.Errorf("ports went before the removal delay was over, with %d changes", n)
	}
	a.untilPorts("api:8080/TCP")
	if n := a.templates() - before; n != 1 {
		t.Errorf("the removal of an adapter with its companions changed the pod template %d times", n)
	}
}

// untilSteady waits until the rollout is complete and a poll has answered since.
func (a *asking) untilSteady() {
	a.Helper()
	a.cp.WaitRolledOut(a, a.kind, a.ns, "files")
	a.polls(1)
	a.untilDiscovered("True", "Answered", "every ready pod answered")
}

// expectStates waits until status has ports of these types, in these states.
func (a *asking) expectStates(want map[string]string) {
	a.Helper()
	testenv.Eventually(a, fmt.Sprintf("the ports %q in status", want), func(ctx context.Context) error {
		ports, _, _ := unstructured.NestedSlice(a.adapterSet(ctx, "files").Object, "status", "ports")
		got := map[string]string{}
		for _, p := range ports {
			p := p.(map[string]any) //nolint:forcetypeassert // the CRD says so
			got[fmt.Sprint(p["type"])] = fmt.Sprint(p["state"])
		}
		if !maps.Equal(got, want) || len(ports) != len(want) {
			return fmt.Errorf("they are %q, of %d", got, len(ports))
		}
		return nil
	})
}
