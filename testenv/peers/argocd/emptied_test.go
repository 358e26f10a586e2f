package argocd_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/argoproj/argo-cd/v3/common"
	corev1 "k8s.io/api/core/v1"

	"github.com/portside-dev/portside/apply/advice"
	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/peers/compat"
)

// emptied is the history of an object whose managedFields were emptied while portside
// had ports in it, see argoproj/argo-cd#28721. The API server then gives all fields to
// before-first-apply at the next server-side apply.
type emptied struct {
	name  string
	first setup // how the object was synced before
	// portside reports whether portside reconciles before the next sync.
	portside bool
	// ports and restarts are the expected effect of the next sync.
	ports, restarts string
	set             string
}

// annotated returns the history of an object with the annotation of client-side apply.
// At the next server-side apply kubectl's code, which Argo CD runs, joins the entry of
// before-first-apply to Argo CD's and applies again, which removes what Git lacks and no
// other manager owns.
func annotated(portside bool) emptied {
	if portside {
		return emptied{"with the annotation of client-side apply, after a reconcile by portside", clientSide(), true, "no", "no", ""}
	}
	return emptied{
		"with the annotation of client-side apply", clientSide(), false, "removes them", "yes",
		"let portside reconcile before that sync (portside run does so by itself after the stabilization window; otherwise run portside sync)",
	}
}

// unannotated returns the history of an object without that annotation, where
// before-first-apply stays.
func unannotated(portside bool) emptied {
	return emptied{
		"without the annotation of client-side apply, before or after a reconcile by portside", serverSide(), portside, "no", "no",
		"the annotation argocd.argoproj.io/client-side-apply-migration-manager: before-first-apply, once portside has reconciled (without it Git cannot drop a port)",
	}
}

// adapter is the adapter whose port 12049 the site has.
var adapter = compat.Adapter("nfs", 12049)

// annotated reports whether the object has the annotation of client-side apply.
func (e emptied) annotated() bool { return e.first.example == clientSideExample }

// site returns a site where managedFields have just been emptied.
func (e emptied) site(t *testing.T, kind string) *compat.Site {
	t.Helper()
	s := compat.NewSite(t, testenv.Shared(t))
	s.Kind = kind
	compat.Must(t, syncs(e.first.definition(t))(s, firstOf(kind)))
	s.Reconcile(adapter)
	s.EmptyManagedFields()
	if e.portside {
		s.Reconcile(adapter)
	}
	return s
}

// firstOf returns the first commit for a workload or a Service.
func firstOf(kind string) compat.Commit {
	c := compat.First()
	c.Kind = kind
	return c
}

// TestEvents asks what the first sync after managedFields were emptied does to our
// ports. Afterwards each manager owns its own ports alone, and Git can drop one, where
// the row says nothing else.
func TestEvents(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{compat.Kind, compat.ServiceKind} {
		for _, e := range []emptied{annotated(false), annotated(true), unannotated(false), unannotated(true)} {
			t.Run(fmt.Sprintf("%s, %s: %t", kind, e.name, e.portside), func(t *testing.T) {
				t.Parallel()
				s := e.site(t, kind)
				before, definition := s.Live(), serverSide().definition(t)
				compat.Must(t, syncs(definition)(s, firstOf(kind)))
				ports, restarts := s.Effect(before)
				mode, wantPorts, wantRestarts := "server-side apply after managedFields were emptied, "+e.name, e.ports, e.restarts
				if kind == compat.ServiceKind {
					mode, wantRestarts = "Service: "+mode, "no"
					if e.ports != "no" {
						wantPorts = "removes adapter-nfs"
					}
				}
				if ports != wantPorts || restarts != wantRestarts {
					t.Errorf("the sync changed our ports: %s, and restarts pods: %s; want %s, %s", ports, restarts, wantPorts, wantRestarts)
				}
				if !e.annotated() {
					expectMigrated(t, s, kind)
				} else {
					s.Reconcile(adapter)
					expectOwners(t, s)
				}
				dropped := firstOf(kind).With(compat.First().Ports[0])
				compat.Must(t, syncs(definition)(s, dropped))
				s.ExpectNames("api", "adapter-nfs")
				compat.Must(t, compat.Event("Argo CD", mode, e.set, ports, restarts).Write())
			})
		}
	}
}

// expectMigrated expects that Git cannot drop a port before Argo CD has migrated
// before-first-apply, and lets Argo CD do that. The adapter port is Shared until then,
// and portside advises adoption.
func expectMigrated(t *testing.T, s *compat.Site, kind string) {
	t.Helper()
	result := s.Reconcile(adapter)
	if state := compat.State(result, "nfs"); state != "Shared by "+testenv.BeforeFirstApply {
		t.Errorf("before the migration the port is %s", state)
	}
	if w := result.Warnings; len(w) != 1 || w[0].Reason != advice.WritesToo || !strings.Contains(w[0].Message, "nothing writes under that name") {
		t.Errorf("before the migration the warnings are %v", w)
	}
	dropped := firstOf(kind).With(compat.First().Ports[0])
	compat.Must(t, syncs(serverSide().definition(t))(s, dropped))
	s.ExpectNames("api", "metrics", "adapter-nfs")

	to := serverSide().definition(t)
	to.Annotations[common.AnnotationClientSideApplyMigrationManager] = testenv.BeforeFirstApply
	before := s.Live()
	compat.Must(t, syncs(to)(s, firstOf(kind)))
	if ports, restarts := s.Effect(before); ports != "no" || restarts != "no" {
		t.Errorf("the migration changed our ports: %s, and restarts pods: %s", ports, restarts)
	}
	if state := compat.State(s.Reconcile(adapter), "nfs"); state != "Owned" {
		t.Errorf("after the migration the port is %s", state)
	}
	expectOwners(t, s)
}

// TestEmptied_withoutAnnotation removes the annotation of client-side apply before the
// sync that would remove our ports.
func TestEmptied_withoutAnnotation(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{compat.Kind, compat.ServiceKind} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			s := annotated(false).site(t, kind)
			_, err := s.Kubectl(t.Context(), s.Namespace, "", "annotate", kind, compat.Name, corev1.LastAppliedConfigAnnotation+"-")
			compat.Must(t, err)
			before := s.Live()
			compat.Must(t, syncs(serverSide().definition(t))(s, firstOf(kind)))
			if ports, restarts := s.Effect(before); ports != "no" || restarts != "no" {
				t.Errorf("the sync changed our ports: %s, and restarts pods: %s", ports, restarts)
			}
			expectMigrated(t, s, kind)
		})
	}
}

// TestEmptied_adopt: without the migration, adoption of our ports from
// before-first-apply is enough for these. It changes nothing of Git's.
func TestEmptied_adopt(t *testing.T) {
	t.Parallel()
	for _, adopts := range []bool{false, true} {
		for _, kind := range []string{compat.Kind, compat.ServiceKind} {
			t.Run(fmt.Sprintf("%s, adopted: %t", kind, adopts), func(t *testing.T) {
				t.Parallel()
				s := unannotated(false).site(t, kind)
				compat.Must(t, syncs(serverSide().definition(t))(s, firstOf(kind)))
				s.Reconcile(adapter)
				want := []string{"api", "metrics", "adapter-nfs"}
				if adopts {
					s.Adopt(testenv.BeforeFirstApply)
					if state := compat.State(s.Reconcile(adapter), "nfs"); state != "Owned" {
						t.Errorf("once adopted, the port is %s", state)
					}
					want = []string{"api", "metrics"}
				}
				s.Reconcile() // the adapter is inactive
				s.ExpectNames(want...)
				compat.Must(t, syncs(serverSide().definition(t))(s, firstOf(kind)))
				s.ExpectNames(want...)
			})
		}
	}
}

// TestEmptied_moved asks all questions again after what the rows say to do.
func TestEmptied_moved(t *testing.T) {
	argoCDOn(t, testenv.Shared(t)) // also between the questions
	for _, e := range []emptied{annotated(true), unannotated(true)} {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			definition := serverSide().definition(t)
			if !e.annotated() {
				definition.Annotations[common.AnnotationClientSideApplyMigrationManager] = testenv.BeforeFirstApply
			}
			to, before := serverSide().mode(t), e.first.mode(t)
			to.Sync, to.Compare, to.Replace = syncs(definition), compares(definition), nil
			before.Mode = "managedFields emptied " + e.name
			before.Sync = func(s *compat.Site, c compat.Commit) error {
				if err := syncs(e.first.definition(t))(s, c); err != nil {
					return err
				}
				s.Reconcile(adapter)
				s.EmptyManagedFields()
				s.Reconcile(adapter)
				return nil
			}
			to.CheckAfter(t, before, compat.ServerSide(testenv.ArgoCD))
		})
	}
}

// expectOwners expects that portside alone owns its port, and Argo CD alone Git's.
func expectOwners(t *testing.T, s *compat.Site) {
	t.Helper()
	s.ExpectNames("api", "metrics", "adapter-nfs")
	s.ExpectOwner("12049/TCP", testenv.Portside)
	s.ExpectOwner("8080/TCP", testenv.ArgoCD)
}
