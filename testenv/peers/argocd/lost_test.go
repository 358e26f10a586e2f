package argocd_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/argoproj/argo-cd/v3/common"

	"github.com/portside-dev/portside/apply/advice"
	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/peers/compat"
	"github.com/portside-dev/portside/testenv/peers/velero"
)

// lost is an object that lost its managedFields while portside had ports in it, see
// argoproj/argo-cd#28721. One manager then owns all fields by an Update.
type lost struct {
	// annotated reports whether the object has the annotation of client-side apply. At
	// the next server-side apply kubectl's code, which Argo CD runs, then joins the
	// entry of that manager to Argo CD's and applies again, which removes what Git lacks
	// and no other manager owns.
	annotated bool
	// reconciled reports whether portside reconciles before that apply.
	reconciled bool
	// restored reports whether a restore dropped managedFields. Otherwise they were
	// emptied.
	restored bool
}

// adapter is the adapter whose port portside has in the object.
var adapter = compat.Adapter("nfs", 12049)

// manager returns the manager that owns all fields: the one that the API server invents
// at the next apply, or the one that restored.
func (l lost) manager() string {
	if l.restored {
		return velero.Manager
	}
	return testenv.BeforeFirstApply
}

func (l lost) first() setup {
	if l.annotated {
		return clientSide()
	}
	return serverSide()
}

// lose has Argo CD sync the first commit, portside add its port, and the object lose its
// managedFields.
func (l lost) lose(t *testing.T, s *compat.Site) {
	t.Helper()
	compat.Must(t, syncs(l.first().definition(t))(s, firstOf(s.Kind)))
	s.Reconcile(adapter)
	if l.restored {
		backup := s.Live()
		s.Manager("testenv").MustDelete(t, s.Kind, s.Namespace, compat.Name)
		compat.Must(t, velero.Restore{DropManagedFields: true, PreserveNodePorts: true}.Create(s, backup))
	} else {
		s.EmptyManagedFields()
	}
	if l.reconciled {
		s.Reconcile(adapter)
	}
}

func (l lost) site(t *testing.T, kind string) *compat.Site {
	t.Helper()
	s := compat.NewSite(t, testenv.Shared(t))
	s.Kind = kind
	l.lose(t, s)
	return s
}

// effect returns the expected effect of the next sync.
func (l lost) effect(kind string) (ports, restarts string) {
	switch {
	case !l.annotated || l.reconciled:
		return "no", "no"
	case kind == compat.ServiceKind:
		return "removes adapter-nfs", "no"
	}
	return "removes them", "yes"
}

// row returns the mode and what to set.
func (l lost) row(kind string) (mode, set string) {
	switch mode = "server-side apply " + compat.AfterEmptied + ", "; {
	case !l.annotated:
		mode += "without the annotation of client-side apply, before or after a reconcile by portside"
		set = "the annotation argocd.argoproj.io/client-side-apply-migration-manager: before-first-apply, once portside has reconciled (without it Git cannot drop a port)"
	case l.reconciled:
		mode += compat.Annotated + ", after a reconcile by portside"
	default:
		mode, set = mode+compat.Annotated, compat.ReconcileThenSync
	}
	if kind == compat.ServiceKind {
		mode = "Service: " + mode
	}
	return mode, set
}

// firstOf returns the first commit for a workload or a Service.
func firstOf(kind string) compat.Commit {
	c := compat.First()
	c.Kind = kind
	return c
}

// droppedOf returns the first commit without one of its ports.
func droppedOf(kind string) compat.Commit { return firstOf(kind).With(compat.First().Ports[0]) }

// TestEvents asks what the first server-side apply of an object that lost its
// managedFields does to our ports. Afterwards each manager owns its own ports alone, and
// Git can drop one, at once or after what the row says to set. A restore that drops
// managedFields is like emptying them, and has no rows here.
func TestEvents(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{compat.Kind, compat.ServiceKind} {
		for i := range 8 {
			l := lost{annotated: i&1 > 0, reconciled: i&2 > 0, restored: i&4 > 0}
			t.Run(fmt.Sprintf("%s, %+v", kind, l), func(t *testing.T) {
				t.Parallel()
				s := l.site(t, kind)
				before := s.Live()
				compat.Must(t, syncs(serverSide().definition(t))(s, firstOf(kind)))
				ports, restarts := s.Effect(before)
				if wantPorts, wantRestarts := l.effect(kind); ports != wantPorts || restarts != wantRestarts {
					t.Errorf("the sync changed our ports: %s, and restarts pods: %s; want %s, %s", ports, restarts, wantPorts, wantRestarts)
				}
				if !l.annotated {
					migrate(t, s, l.manager())
				}
				s.Reconcile(adapter)
				s.ExpectNames("api", "metrics", "adapter-nfs")
				s.ExpectOwner("12049/TCP", testenv.Portside)
				s.ExpectOwner("8080/TCP", testenv.ArgoCD)
				compat.Must(t, syncs(serverSide().definition(t))(s, droppedOf(kind)))
				s.ExpectNames("api", "adapter-nfs")
				if mode, set := l.row(kind); !l.restored {
					compat.Must(t, compat.Event("Argo CD", mode, set, ports, restarts).Write())
				}
			})
		}
	}
}

// migrate has Argo CD migrate the manager that owns all fields. Before, Git cannot drop
// a port, and ours is Shared.
func migrate(t *testing.T, s *compat.Site, manager string) {
	t.Helper()
	result := s.Reconcile(adapter)
	if state := compat.State(result, "nfs"); state != "Shared by "+manager {
		t.Errorf("before the migration the port is %s", state)
	}
	expectAdvice(t, result.Warnings, manager)
	compat.Must(t, syncs(serverSide().definition(t))(s, droppedOf(s.Kind)))
	s.ExpectNames("api", "metrics", "adapter-nfs")

	to := serverSide().definition(t)
	to.Annotations[common.AnnotationClientSideApplyMigrationManager] = manager
	before := s.Live()
	compat.Must(t, syncs(to)(s, firstOf(s.Kind)))
	if ports, restarts := s.Effect(before); ports != "no" || restarts != "no" {
		t.Errorf("the migration changed our ports: %s, and restarts pods: %s", ports, restarts)
	}
}

// expectAdvice expects the advice to adopt our port from a manager. Of the one that the
// API server invents it says that nothing writes under that name.
func expectAdvice(t *testing.T, warnings []advice.Warning, manager string) {
	t.Helper()
	if len(warnings) != 1 || warnings[0].Reason != advice.WritesToo || warnings[0].Manager.Name != manager {
		t.Fatalf("the warnings are %v", warnings)
	}
	invented := strings.Contains(warnings[0].Message, "nothing writes under that name")
	if want := manager == testenv.BeforeFirstApply; invented != want {
		t.Errorf("the warning is %q", warnings[0].Message)
	}
}
