package argocd_test

import (
	"fmt"
	"testing"

	syncommon "github.com/argoproj/argo-cd/gitops-engine/pkg/sync/common"
	"github.com/argoproj/argo-cd/v3/common"
	corev1 "k8s.io/api/core/v1"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/peers/compat"
)

// TestLost_withoutAnnotation removes the annotation of client-side apply before the sync
// that would remove our ports.
func TestLost_withoutAnnotation(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{compat.Kind, compat.ServiceKind} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			s := lost{annotated: true}.site(t, kind)
			_, err := s.Kubectl(t.Context(), s.Namespace, "", "annotate", kind, compat.Name, corev1.LastAppliedConfigAnnotation+"-")
			compat.Must(t, err)
			before := s.Live()
			compat.Must(t, syncs(serverSide().definition(t))(s, firstOf(kind)))
			if ports, restarts := s.Effect(before); ports != "no" || restarts != "no" {
				t.Errorf("the sync changed our ports: %s, and restarts pods: %s", ports, restarts)
			}
			migrate(t, s, testenv.BeforeFirstApply)
		})
	}
}

// TestLost_optionDoesNotHelp: the sync option that turns Argo CD's own migration off
// does not turn off that of kubectl's code, which removes our port.
func TestLost_optionDoesNotHelp(t *testing.T) {
	t.Parallel()
	definition := serverSide().definition(t)
	definition.Spec.SyncPolicy.SyncOptions = definition.Spec.SyncPolicy.SyncOptions.AddOption(syncommon.SyncOptionDisableClientSideApplyMigration)
	s := lost{annotated: true}.site(t, compat.Kind)
	compat.Must(t, syncs(definition)(s, compat.First()))
	s.ExpectNames("api", "metrics")
}

// TestLost_adopt: without the migration, adoption of our port is enough for it, and
// changes nothing of Git's.
func TestLost_adopt(t *testing.T) {
	t.Parallel()
	for _, adopts := range []bool{false, true} {
		for _, kind := range []string{compat.Kind, compat.ServiceKind} {
			t.Run(fmt.Sprintf("%s, adopted: %t", kind, adopts), func(t *testing.T) {
				t.Parallel()
				s := lost{}.site(t, kind)
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

// TestLost_moved asks all questions again after what the rows say to do.
func TestLost_moved(t *testing.T) {
	argoCDOn(t, testenv.Shared(t)) // also between the questions
	for _, l := range []lost{{annotated: true, reconciled: true}, {reconciled: true}} {
		t.Run(fmt.Sprintf("%+v", l), func(t *testing.T) {
			t.Parallel()
			definition := serverSide().definition(t)
			if !l.annotated {
				definition.Annotations[common.AnnotationClientSideApplyMigrationManager] = testenv.BeforeFirstApply
			}
			to, before := serverSide().mode(t), l.first().mode(t)
			to.Sync, to.Compare, to.Replace = syncs(definition), compares(definition), nil
			before.Mode = "managedFields emptied"
			before.Sync = func(s *compat.Site, _ compat.Commit) error {
				l.lose(t, s)
				return nil
			}
			to.CheckAfter(t, before, compat.ServerSide(testenv.ArgoCD))
		})
	}
}
