package argocd_test

import (
	"strings"
	"testing"

	"github.com/portside-dev/portside/apply/port"
	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/peers/compat"
)

// TestRefusals expects the application, the object and the field in what Argo CD
// shows of a refused sync.
func TestRefusals(t *testing.T) {
	t.Parallel()
	renamed := compat.First()
	renamed.Container = "server"
	for what, refused := range map[string]struct {
		commit compat.Commit
		field  string
		by     []setup
	}{
		"an adapter port's name": {
			compat.First().And(compat.Port{Name: "adapter-nfs", Number: 12050}),
			`spec.template.spec.containers[0].ports[3].name: Duplicate value: "adapter-nfs"`,
			[]setup{clientSide(), clientSideServerDiff(), serverSideMerged(), serverSide()},
		},
		// Client-side apply deletes the container with the old name and everything
		// in it.
		"another name for the container": {
			renamed, "spec.template.spec.containers[0].image: Required value", []setup{serverSideMerged(), serverSide()},
		},
		// Only Git's own error: our ports cannot conflict with the whole object.
		"two ports with an adapter's name": {
			compat.First().And(compat.Port{Name: "adapter-nfs", Number: 12049}, compat.Port{Name: "adapter-nfs", Number: 12050}),
			`spec.template.spec.containers[0].ports[3].name: Duplicate value: "adapter-nfs"`, []setup{replace()},
		},
	} {
		for _, u := range refused.by {
			t.Run(u.name+", "+what, func(t *testing.T) {
				t.Parallel()
				expectRefused(t, u, refused.commit, refused.field)
			})
		}
	}
}

// expectRefused expects the application, the object and the field in Argo CD's
// error, and the object unchanged.
func expectRefused(t *testing.T, u setup, commit compat.Commit, field string) {
	t.Helper()
	s := compat.NewSite(t, testenv.Shared(t))
	compat.Must(t, syncs(u.definition(t))(s, compat.First()))
	s.Reconcile(compat.Adapter("nfs", 12049))
	before := s.Live()
	err := syncs(u.definition(t))(s, commit)
	if err == nil {
		t.Fatal("not refused")
	}
	for _, part := range []string{"Application " + s.Namespace, `"dittofs" is invalid`, "StatefulSet", field} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("no %q in: %v", part, err)
		}
	}
	if s.Live().GetResourceVersion() != before.GetResourceVersion() {
		t.Error("the refused sync changed the workload")
	}
}

// TestPortsideNamesArgoCD expects Argo CD's manager and the port in the message of
// a Blocked port.
func TestPortsideNamesArgoCD(t *testing.T) {
	t.Parallel()
	for _, u := range []setup{clientSide(), serverSide()} {
		t.Run(u.name, func(t *testing.T) {
			t.Parallel()
			s := compat.NewSite(t, testenv.Shared(t))
			compat.Must(t, u.mode(t).Sync(s, compat.First().And(compat.Port{Name: "adapter-nfs", Number: 12050})))
			p := s.Reconcile(compat.Adapter("nfs", 12049)).Ports[0]
			if p.State != port.Blocked {
				t.Errorf("the port is %s", p.State)
			}
			for _, part := range []string{testenv.ArgoCD, "adapter-nfs", "12050"} {
				if !strings.Contains(p.Message, part) {
					t.Errorf("no %q in: %s", part, p.Message)
				}
			}
		})
	}
}
