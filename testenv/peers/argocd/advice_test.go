package argocd_test

import (
	"errors"
	"testing"

	"github.com/argoproj/argo-cd/v3/common"
	"github.com/argoproj/argo-cd/v3/pkg/apis/application/v1alpha1"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/peers/compat"
)

// TestServerSideDiffOfClientSideApply: what client-side apply wrote is an
// Update's in managedFields. Argo CD's dry run is a server-side apply, which
// leaves that beside what it applies, and so has a renumbered port twice. That is
// Argo CD's own: there is no portside here.
func TestServerSideDiffOfClientSideApply(t *testing.T) {
	t.Parallel()
	s := compat.NewSite(t, testenv.Shared(t))
	renumbered := compat.First().With(compat.Port{Name: "api", Number: 8081}, compat.Port{Name: "metrics", Number: 9090})
	compat.Must(t, clientSideComparedThere().mode(t).Sync(s, compat.First()))
	if err := clientSideComparedThere().mode(t).Sync(s, renumbered); !errors.Is(err, errCannotCompare) {
		t.Errorf("without portside: %v, want %v", err, errCannotCompare)
	}
	compat.Must(t, clientSide().mode(t).Sync(s, renumbered))
	s.ExpectPorts("api:8081/TCP", "metrics:9090/TCP")
}

// TestMoveToServerSide: an application that was synced by client-side apply, or
// by Replace=true, is synced by server-side apply from now on, which cures what
// hurt before. The move itself changes no template. What client-side apply wrote
// is handed over by itself; what Replace=true wrote needs Argo CD's annotation
// for it, or Git could drop none of these ports.
func TestMoveToServerSide(t *testing.T) {
	t.Parallel()
	for _, move := range []struct {
		from       setup
		handedOver string // the name that wrote, where it has to be said
	}{
		{clientSide(), ""},
		{clientSideComparedThere(), ""},
		{replace(), replacer},
		{replaceComparedThere(), replacer},
	} {
		t.Run(move.from.name, func(t *testing.T) {
			t.Parallel()
			s := compat.NewSite(t, testenv.Shared(t))
			compat.Must(t, move.from.mode(t).Sync(s, compat.First()))
			s.Pass(compat.Adapter("nfs", 12049))
			before := s.Live()
			to := serverSide().definition(t)
			if move.handedOver != "" {
				to.Annotations[common.AnnotationClientSideApplyMigrationManager] = move.handedOver
			}
			for range 3 {
				compat.Must(t, syncs(to)(s, compat.First()))
				s.Pass(compat.Adapter("nfs", 12049))
				if inSync, err := compares(to)(s, compat.First()); err != nil || !inSync {
					t.Errorf("after the move it is in sync: %t, %v", inSync, err)
				}
			}
			if after := s.Live(); after.GetGeneration() != before.GetGeneration() {
				t.Errorf("the move changed the template: %q", compat.Ports(after))
			}
			s.ExpectPorts("api:8080/TCP", "metrics:9090/TCP", liveNFS)

			compat.Must(t, syncs(to)(s, moved()))
			s.Pass(compat.Adapter("nfs", 12049))
			s.ExpectPorts("api:8081/TCP", "nfs-udp:12049/UDP", liveNFS)
		})
	}
}

// TestMoved asks everything once more after the move.
func TestMoved(t *testing.T) {
	for _, move := range []struct {
		from       setup
		handedOver string
	}{{clientSide(), ""}, {replace(), replacer}} {
		t.Run(move.from.name, func(t *testing.T) {
			argoCDOn(t, testenv.Shared(t)) // also between the questions
			definition := serverSide().definition(t)
			if move.handedOver != "" {
				definition.Annotations[common.AnnotationClientSideApplyMigrationManager] = move.handedOver
			}
			to := serverSide().mode(t)
			to.Sync, to.Compare, to.Replace = syncs(definition), compares(definition), nil
			to.CheckAfter(t, move.from.mode(t), compat.ServerSide(testenv.ArgoCD))
		})
	}
}

// TestMoveFromReplaceNeedsTheAnnotation: without it Argo CD cannot even compare.
func TestMoveFromReplaceNeedsTheAnnotation(t *testing.T) {
	t.Parallel()
	s := compat.NewSite(t, testenv.Shared(t))
	compat.Must(t, replace().mode(t).Sync(s, compat.First()))
	compat.Must(t, serverSide().mode(t).Sync(s, compat.First()))
	if err := serverSide().mode(t).Sync(s, moved()); !errors.Is(err, errCannotCompare) {
		t.Errorf("%v, want %v", err, errCannotCompare)
	}
}

// moved drops a port, renumbers one, and has the number of ours for UDP.
func moved() compat.Commit {
	return compat.First().With(compat.Port{Name: "api", Number: 8081}, compat.Port{Name: "nfs-udp", Number: 12049, Protocol: "UDP"})
}

// TestIgnoringHidesGit: managedFieldsManagers ignores the fields of ours that Git
// has another value for, such as the name of a port whose number Git takes. Then
// Argo CD shows Synced, and the port does not have the name that Git says.
func TestIgnoringHidesGit(t *testing.T) {
	t.Parallel()
	taking := compat.First().And(compat.Port{Name: "nfs", Number: 12049})
	for name, ignore := range map[string][]v1alpha1.ResourceIgnoreDifferences{"ignored": byManager(), "not ignored": nil} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := compat.NewSite(t, testenv.Shared(t))
			u := serverSideMerged()
			u.ignore = ignore
			compat.Must(t, u.mode(t).Sync(s, compat.First()))
			s.Pass(compat.Adapter("nfs", 12049))
			inSync, err := compares(u.definition(t))(s, taking)
			if err != nil || inSync != (ignore != nil) {
				t.Errorf("it is in sync: %t, %v", inSync, err)
			}
		})
	}
}

// TestReplaceTakesPortsAway: neither way to ignore differences keeps our ports
// through a sync with Replace=true, for RespectIgnoreDifferences does not carry
// the items of a list over that Git does not have.
func TestReplaceTakesPortsAway(t *testing.T) {
	t.Parallel()
	for name, ignore := range map[string][]v1alpha1.ResourceIgnoreDifferences{"by manager": byManager(), "by name": byName()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := compat.NewSite(t, testenv.Shared(t))
			u := replace()
			u.options, u.ignore = append(u.options, respectIgnored), ignore
			compat.Must(t, u.mode(t).Sync(s, compat.First()))
			s.Pass(compat.Adapter("nfs", 12049))
			compat.Must(t, u.mode(t).Sync(s, compat.First()))
			s.ExpectPorts("api:8080/TCP", "metrics:9090/TCP")
			s.Pass(compat.Adapter("nfs", 12049))
			s.ExpectPorts("api:8080/TCP", "metrics:9090/TCP", liveNFS)
		})
	}
}
