package controller

import (
	"context"
	"fmt"
	"maps"
	"testing"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/dittofs"
)

// TestCompanions gives adapters that pods report companions: they come, move and go with
// their adapters, after the removal delay and not because of a poll that was not complete.
func TestCompanions(t *testing.T) {
	t.Parallel()
	a := ask(t, 2, 20, false)
	a.patch(a, "AdapterSet", `{"spec":{"companions":[
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
	a.server.Answer(dittofs.Status(500), "files-1")
	a.server.Answer(dittofs.Body("[]"))
	a.restart()
	a.polls(4)
	a.expect(a, "Discovered", "False", "PartlyAnswered")
	a.expectStates(map[string]string{"nfs": "Owned", "smb": "Owned", "nfs-pm": "Owned", "nfs-udp": "Owned", "mdns": "Owned"})
	a.expectTemplates("with a silent pod", 2)

	// A renumbered adapter takes along the companion that has its number.
	a.server.Recover(dittofs.Adapters("nfs:12050"))
	a.untilPorts("api:8080/TCP", "adapter-mdns:5353/UDP", "adapter-nfs-pm:10111/TCP", "adapter-nfs:12050/TCP", "adapter-nfs-udp:12050/UDP")
	a.expectStates(map[string]string{"nfs": "Owned", "nfs-pm": "Owned", "nfs-udp": "Owned", "mdns": "Owned"})
	a.untilSteady()

	// The last adapter goes, and all of its companions at the same time.
	a.server.Answer(dittofs.Body("[]"))
	a.polls(2)
	a.expect(a, "Reconciling", "True", "RemovalWaiting")
	a.expectStates(map[string]string{"nfs": "Owned", "nfs-pm": "Owned", "nfs-udp": "Owned", "mdns": "Owned"})
	a.expectTemplates("before the removal delay was over", 4)
	a.untilPorts("api:8080/TCP")
	a.expectTemplates("in all", 5)
}

// untilSteady waits until the rollout is complete and a poll has answered since.
func (a *asking) untilSteady() {
	a.Helper()
	a.waitRolledOut(a.T)
	a.polls(1)
	a.untilDiscovered("True", "Answered", "every ready pod answered")
}

// expectStates waits until status has ports of these types, in these states.
func (a *asking) expectStates(want map[string]string) {
	a.Helper()
	testenv.Eventually(a, fmt.Sprintf("the ports %q in status", want), func(ctx context.Context) error {
		set, err := a.get(ctx, "files")
		if err != nil {
			return err
		}
		got := map[string]string{}
		for _, p := range set.Status.Ports {
			got[p.Type] = p.State
		}
		if !maps.Equal(got, want) || len(set.Status.Ports) != len(want) {
			return fmt.Errorf("they are %q, of %d", got, len(set.Status.Ports))
		}
		return nil
	})
}
