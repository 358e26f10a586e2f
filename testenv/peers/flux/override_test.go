package flux_test

import (
	"fmt"
	"testing"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/peers/compat"
)

const setNoOverride = "leave portside out of --override-manager, also as a prefix (with it each sync removes adapter ports)"

// TestEvents syncs with portside in the controller's flag --override-manager: Flux joins
// portside's entry to its own and removes what Git lacks, at each sync. Without the flag
// the ports that portside has added again stay.
func TestEvents(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{compat.Kind, compat.ServiceKind} {
		for _, overridden := range []string{testenv.Portside, "port"} {
			t.Run(kind+", "+overridden, func(t *testing.T) {
				t.Parallel()
				s := compat.NewSite(t, testenv.Shared(t))
				s.Kind = kind
				first := compat.First()
				first.Kind = kind
				compat.Must(t, syncs(kustomization(t))(s, first))
				var ports, restarts string
				for range 2 {
					s.Reconcile(compat.Adapter("nfs", 12049))
					before := s.Live()
					compat.Must(t, syncs(kustomization(t), overridden)(s, first))
					ports, restarts = s.Effect(before)
					s.ExpectNames("api", "metrics")
				}
				mode := "Kustomization, --override-manager=portside"
				if kind == compat.ServiceKind {
					mode = "Service: " + mode
				}
				compat.Must(t, compat.Event("Flux", mode, setNoOverride, ports, restarts).Write())

				s.Reconcile(compat.Adapter("nfs", 12049))
				before := s.Live()
				compat.Must(t, syncs(kustomization(t))(s, first))
				if ports, restarts := s.Effect(before); ports != "no" || restarts != "no" {
					t.Errorf("a sync without the flag changed our ports: %s, and restarts pods: %s", ports, restarts)
				}
				s.ExpectOwner("12049/TCP", testenv.Portside)
				s.ExpectOwner("8080/TCP", testenv.Flux)
			})
		}
	}
}

// TestEvents_lost: where managedFields were emptied, Flux applies nothing until Git changes, and
// then takes over before-first-apply by itself: the sync after that change removes our
// ports, unless portside has reconciled in between.
func TestEvents_lost(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{compat.Kind, compat.ServiceKind} {
		for _, reconciled := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, reconciled by portside: %t", kind, reconciled), func(t *testing.T) {
				t.Parallel()
				s := compat.NewSite(t, testenv.Shared(t))
				s.Kind = kind
				commit := compat.First()
				commit.Kind = kind
				compat.Must(t, syncs(kustomization(t))(s, commit))
				s.Reconcile(compat.Adapter("nfs", 12049))
				s.EmptyManagedFields()
				compat.Must(t, syncs(kustomization(t))(s, commit))
				s.ExpectNames("api", "metrics", "adapter-nfs")

				commit = commit.And(compat.Port{Name: "web", Number: 8443})
				compat.Must(t, syncs(kustomization(t))(s, commit))
				want := []string{"api", "metrics", "web"}
				if reconciled {
					s.Reconcile(compat.Adapter("nfs", 12049))
					want = append(want, "adapter-nfs")
				}
				before := s.Live()
				compat.Must(t, syncs(kustomization(t))(s, commit))
				s.ExpectNames(want...)
				ports, restarts := s.Effect(before)
				writeLost(s, reconciled, ports, restarts)
				s.Reconcile(compat.Adapter("nfs", 12049))
				s.ExpectOwner("12049/TCP", testenv.Portside)
				s.ExpectOwner("8080/TCP", testenv.Flux)
			})
		}
	}
}

// writeLost writes the row of the sync after the first change of Git.
func writeLost(s *compat.Site, reconciled bool, ports, restarts string) {
	s.Helper()
	mode, set := "Kustomization, second sync of a change "+compat.AfterEmptied, compat.ReconcileThenSync
	if reconciled {
		mode, set = mode+", after a reconcile by portside", ""
	}
	if s.Kind == compat.ServiceKind {
		mode = "Service: " + mode
	}
	compat.Must(s, compat.Event("Flux", mode, set, ports, restarts).Write())
}
