package helm_test

import (
	"strings"
	"testing"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/peers/compat"
	"github.com/portside-dev/portside/testenv/peers/helm"
)

// releaser is a version of Helm with its options.
type releaser interface {
	Sync(s *compat.Site, c compat.Commit) error
	Rollback(s *compat.Site, revision int) error
	Uninstall(s *compat.Site) error
}

// TestReleases upgrades, rolls back and uninstalls a release with our ports in
// place. The ports stay until the workload is deleted.
func TestReleases(t *testing.T) {
	t.Parallel()
	for name, h := range map[string]releaser{
		"Helm 4 server-side":                  helm.Helm4{Chart: chartFolder},
		"Helm 4 server-side, force conflicts": helm.Helm4{Chart: chartFolder, ForceConflicts: true},
		"Helm 4 client-side":                  helm.Helm4{Chart: chartFolder, ClientSide: true},
		"Helm 3":                              helm3{},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := compat.NewSite(t, testenv.Shared(t))
			nfs, smb := compat.Adapter("nfs", 12049), compat.Adapter("smb", 1445)
			compat.Must(t, h.Sync(s, compat.First()))
			s.Reconcile(nfs)
			second := compat.First().With(compat.Port{Name: "api", Number: 8081}, compat.Port{Name: "web", Number: 8443})
			second.Image = "dittofs:v2"
			compat.Must(t, h.Sync(s, second))
			s.Reconcile(nfs, smb)
			s.ExpectPorts("adapter-nfs:12049/TCP", "adapter-smb:1445/TCP", "api:8081/TCP", "web:8443/TCP")

			before := s.Live()
			compat.Must(t, h.Rollback(s, 1))
			if after := s.Live(); after.GetGeneration() != before.GetGeneration()+1 {
				t.Errorf("the rollback changed the template %d times", after.GetGeneration()-before.GetGeneration())
			}
			s.ExpectPorts("adapter-nfs:12049/TCP", "adapter-smb:1445/TCP", "api:8080/TCP", "metrics:9090/TCP")
			if result := s.Reconcile(nfs, smb); result.Outcome != apply.Unchanged {
				t.Errorf("the reconciliation after the rollback is %s", result.Outcome)
			}
			compat.Must(t, h.Uninstall(s))
			if result := s.Reconcile(nfs, smb); result.Outcome != apply.TargetNotFound {
				t.Errorf("the reconciliation after the uninstall is %s", result.Outcome)
			}
		})
	}
}

// TestMoveToServerSide upgrades a release by server-side apply that was merged on
// the client side before. The move changes no port, and the number of an adapter
// port can then be used for another protocol.
func TestMoveToServerSide(t *testing.T) {
	t.Parallel()
	for name, from := range map[string]releaser{"Helm 4": helm.Helm4{Chart: chartFolder, ClientSide: true}, "Helm 3": helm3{}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := compat.NewSite(t, testenv.Shared(t))
			compat.Must(t, from.Sync(s, compat.First()))
			s.Reconcile(compat.Adapter("nfs", 12049))
			before := s.Live()
			to := serverSideForced()
			for range 2 {
				compat.Must(t, to.Sync(s, compat.First()))
				s.Reconcile(compat.Adapter("nfs", 12049))
			}
			if after := s.Live(); after.GetGeneration() != before.GetGeneration() {
				t.Errorf("the move changed the template: %q", compat.Ports(after))
			}
			compat.Must(t, to.Sync(s, compat.First().And(compat.Port{Name: "nfs-udp", Number: 12049, Protocol: "UDP"})))
			s.Reconcile(compat.Adapter("nfs", 12049))
			s.ExpectPorts("adapter-nfs:12049/TCP", "api:8080/TCP", "metrics:9090/TCP", "nfs-udp:12049/UDP")
		})
	}
}

// TestForce_takesTheNumber: --force-conflicts takes the number of an adapter port,
// which a conflict refuses.
func TestForce_takesTheNumber(t *testing.T) {
	t.Parallel()
	s := compat.NewSite(t, testenv.Shared(t))
	taking := compat.First().And(compat.Port{Name: "nfs", Number: 12049})
	compat.Must(t, serverSide().Sync(s, compat.First()))
	s.Reconcile(compat.Adapter("nfs", 12049))
	if err := serverSide().Sync(s, taking); err == nil {
		t.Error("not refused without force")
	}
	compat.Must(t, serverSideForced().Sync(s, taking))
	s.Reconcile()
	s.ExpectPorts("api:8080/TCP", "metrics:9090/TCP", "nfs:12049/TCP")
}

// TestRefusals expects that Helm prints the action, the object and the field.
func TestRefusals(t *testing.T) {
	t.Parallel()
	renamed := compat.First()
	renamed.Container = "server"
	sameName := compat.First().And(compat.Port{Name: "adapter-nfs", Number: 12050})
	for name, test := range map[string]struct {
		mode   compat.Mode
		commit compat.Commit
		parts  []string
	}{
		"an adapter's number": {
			serverSide(), compat.First().And(compat.Port{Name: "nfs", Number: 12049}),
			[]string{compat.Name, `conflict with "portside"`, `.ports[containerPort=12049,protocol="TCP"].name`},
		},
		"another name for the container": {serverSideForced(), renamed, []string{compat.Name, "containers[0].image: Required value"}},
		"an adapter's name":              {serverSideForced(), sameName, []string{compat.Name, `ports[3].name: Duplicate value: "adapter-nfs"`}},
		"an adapter's name, client side": {clientSide(), sameName, []string{compat.Name, `ports[3].name: Duplicate value: "adapter-nfs"`}},
		"an adapter's name, Helm 3":      {three(), sameName, []string{compat.Name, `ports[3].name: Duplicate value: "adapter-nfs"`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := compat.NewSite(t, testenv.Shared(t))
			compat.Must(t, test.mode.Sync(s, compat.First()))
			s.Reconcile(compat.Adapter("nfs", 12049))
			err := test.mode.Sync(s, test.commit)
			if err == nil {
				t.Fatal("not refused")
			}
			for _, part := range append(test.parts, "helm upgrade") {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("no %q in: %v", part, err)
				}
			}
		})
	}
}

// TestMoved asks all questions again after the move.
func TestMoved(t *testing.T) {
	t.Parallel()
	for _, from := range []compat.Mode{clientSide(), three()} {
		t.Run(from.Tool, func(t *testing.T) {
			t.Parallel()
			serverSideForced().CheckAfter(t, from, compat.ServerSide(testenv.Helm).NotCompared())
		})
	}
}
