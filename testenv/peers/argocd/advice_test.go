package argocd_test

import (
	"errors"
	"testing"

	"github.com/argoproj/argo-cd/v3/common"
	"github.com/argoproj/argo-cd/v3/pkg/apis/application/v1alpha1"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/peers/compat"
)

// TestServerSideDiff_clientSideApply: client-side apply leaves an Update entry in
// managedFields. Argo CD's dry run, a server-side apply, keeps that entry's ports,
// so a renumbered port is there twice. That is Argo CD's own problem: portside does
// not run here.
func TestServerSideDiff_clientSideApply(t *testing.T) {
	t.Parallel()
	s := compat.NewSite(t, testenv.Shared(t))
	renumbered := compat.First().With(compat.Port{Name: "api", Number: 8081}, compat.Port{Name: "metrics", Number: 9090})
	compat.Must(t, clientSideServerDiff().mode(t).Sync(s, compat.First()))
	if err := clientSideServerDiff().mode(t).Sync(s, renumbered); !errors.Is(err, errCannotCompare) {
		t.Errorf("without portside: %v, want %v", err, errCannotCompare)
	}
	compat.Must(t, clientSide().mode(t).Sync(s, renumbered))
	s.ExpectPorts("api:8081/TCP", "metrics:9090/TCP")
}

// TestMoveToServerSide syncs an application by server-side apply that was synced by
// client-side apply or Replace=true before, which solves the problems of these. The
// move itself changes no template. Argo CD hands over by itself what client-side
// apply wrote. What Replace=true wrote needs Argo CD's annotation, or Git could
// drop none of these ports.
func TestMoveToServerSide(t *testing.T) {
	t.Parallel()
	for _, move := range []struct {
		from     setup
		migrates string // the manager in the annotation, if it is needed
	}{
		{clientSide(), ""},
		{clientSideServerDiff(), ""},
		{replace(), replacer},
		{replaceServerDiff(), replacer},
	} {
		t.Run(move.from.name, func(t *testing.T) {
			t.Parallel()
			s := compat.NewSite(t, testenv.Shared(t))
			compat.Must(t, move.from.mode(t).Sync(s, compat.First()))
			s.Reconcile(compat.Adapter("nfs", 12049))
			before := s.Live()
			to := serverSide().definition(t)
			if move.migrates != "" {
				to.Annotations[common.AnnotationClientSideApplyMigrationManager] = move.migrates
			}
			for range 3 {
				compat.Must(t, syncs(to)(s, compat.First()))
				s.Reconcile(compat.Adapter("nfs", 12049))
				if inSync, err := compares(to)(s, compat.First()); err != nil || !inSync {
					t.Errorf("in sync after the move: %t, %v", inSync, err)
				}
			}
			if after := s.Live(); after.GetGeneration() != before.GetGeneration() {
				t.Errorf("the move changed the template: %q", compat.Ports(after))
			}
			s.ExpectPorts("api:8080/TCP", "metrics:9090/TCP", liveNFS)

			compat.Must(t, syncs(to)(s, moved()))
			s.Reconcile(compat.Adapter("nfs", 12049))
			s.ExpectPorts("api:8081/TCP", "nfs-udp:12049/UDP", liveNFS)
		})
	}
}

// TestMoved asks all questions again after the move.
func TestMoved(t *testing.T) {
	for _, move := range []struct {
		from     setup
		migrates string
	}{{clientSide(), ""}, {replace(), replacer}} {
		t.Run(move.from.name, func(t *testing.T) {
			argoCDOn(t, testenv.Shared(t)) // also between the questions
			definition := serverSide().definition(t)
			if move.migrates != "" {
				definition.Annotations[common.AnnotationClientSideApplyMigrationManager] = move.migrates
			}
			to := serverSide().mode(t)
			to.Sync, to.Compare, to.Replace = syncs(definition), compares(definition), nil
			to.CheckAfter(t, move.from.mode(t), compat.ServerSide(testenv.ArgoCD))
		})
	}
}

// TestMoveFromReplace_withoutAnnotation: without the annotation Argo CD cannot
// compare.
func TestMoveFromReplace_withoutAnnotation(t *testing.T) {
	t.Parallel()
	s := compat.NewSite(t, testenv.Shared(t))
	compat.Must(t, replace().mode(t).Sync(s, compat.First()))
	compat.Must(t, serverSide().mode(t).Sync(s, compat.First()))
	if err := serverSide().mode(t).Sync(s, moved()); !errors.Is(err, errCannotCompare) {
		t.Errorf("%v, want %v", err, errCannotCompare)
	}
}

// moved returns a commit that drops a port, renumbers one, and has the number of
// ours for UDP.
func moved() compat.Commit {
	return compat.First().With(compat.Port{Name: "api", Number: 8081}, compat.Port{Name: "nfs-udp", Number: 12049, Protocol: "UDP"})
}

// TestIgnoreDifferences_hidesGit: managedFieldsManagers ignores our fields also
// where Git has another value, such as the name of a port whose number Git takes.
// Argo CD then shows Synced although the port does not have Git's name.
func TestIgnoreDifferences_hidesGit(t *testing.T) {
	t.Parallel()
	taking := compat.First().And(compat.Port{Name: "nfs", Number: 12049})
	for name, ignore := range map[string][]v1alpha1.ResourceIgnoreDifferences{"ignored": byManager(), "not ignored": nil} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := compat.NewSite(t, testenv.Shared(t))
			u := serverSideMerged()
			u.ignore = ignore
			compat.Must(t, u.mode(t).Sync(s, compat.First()))
			s.Reconcile(compat.Adapter("nfs", 12049))
			inSync, err := compares(u.definition(t))(s, taking)
			if err != nil || inSync != (ignore != nil) {
				t.Errorf("in sync: %t, %v", inSync, err)
			}
		})
	}
}

// TestReplace_removesPorts: no way to ignore differences keeps our ports through a
// sync with Replace=true, because RespectIgnoreDifferences does not restore list
// items that are not in Git.
func TestReplace_removesPorts(t *testing.T) {
	t.Parallel()
	for name, ignore := range map[string][]v1alpha1.ResourceIgnoreDifferences{"by manager": byManager(), "by name": byName()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := compat.NewSite(t, testenv.Shared(t))
			u := replace()
			u.options, u.ignore = append(u.options, respectIgnored), ignore
			compat.Must(t, u.mode(t).Sync(s, compat.First()))
			s.Reconcile(compat.Adapter("nfs", 12049))
			compat.Must(t, u.mode(t).Sync(s, compat.First()))
			s.ExpectPorts("api:8080/TCP", "metrics:9090/TCP")
			s.Reconcile(compat.Adapter("nfs", 12049))
			s.ExpectPorts("api:8080/TCP", "metrics:9090/TCP", liveNFS)
		})
	}
}
