package argocd_test

import (
	"slices"
	"testing"

	"github.com/argoproj/argo-cd/v3/pkg/apis/application/v1alpha1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/peers/compat"
)

const liveNFS = "adapter-nfs:12049/TCP"

// TestSelfHeal: with automated.selfHeal, a missing port of ours and its return are
// no difference to Argo CD, and it repairs its own fields without changing ours.
// Replace=true sees no difference either; syncs for other reasons remove our ports.
func TestSelfHeal(t *testing.T) {
	t.Parallel()
	for _, u := range []setup{
		clientSide(), clientSideServerDiff(), serverSideMerged(), serverSide(), ignoringServerSide(), replace(),
	} {
		t.Run(u.name, func(t *testing.T) {
			t.Parallel()
			s := compat.NewSite(t, testenv.Shared(t))
			d, err := deploy(s, u.definition(t), compat.First().Manifest())
			compat.Must(t, err)
			compat.Must(t, d.sync())
			s.Reconcile(compat.Adapter("nfs", 12049))
			expectSynced(t, d, "with our port")

			edit(t, s, func(w *unstructured.Unstructured) {
				testenv.SetPorts(w, compat.Name, compat.First().PortsYAML())
			})
			expectSynced(t, d, "with our port removed by hand")
			s.Reconcile(compat.Adapter("nfs", 12049))
			expectSynced(t, d, "with our port put back")
			if got := compat.Adapters(s.Live()); !slices.Equal(got, []string{liveNFS}) {
				t.Errorf("the adapter ports are %q", got)
			}
		})
	}
}

// TestSelfHeal_ownFields removes a port of the owner's and changes the image by
// hand.
func TestSelfHeal_ownFields(t *testing.T) {
	t.Parallel()
	for _, u := range []setup{clientSide(), serverSideMerged(), serverSide()} {
		t.Run(u.name, func(t *testing.T) {
			t.Parallel()
			s := compat.NewSite(t, testenv.Shared(t))
			d, err := deploy(s, u.definition(t), compat.First().Manifest())
			compat.Must(t, err)
			compat.Must(t, d.sync())
			s.Reconcile(compat.Adapter("nfs", 12049))
			edit(t, s, func(w *unstructured.Unstructured) {
				testenv.SetPorts(w, compat.Name, "[{name: api, containerPort: 8080, protocol: TCP}, {name: adapter-nfs, containerPort: 12049, protocol: TCP}]")
				testenv.EditContainer(w, compat.Name, func(c map[string]any) { c["image"] = "dittofs:by-hand" })
			})
			if synced, err := d.selfHeal(); err != nil || !synced {
				t.Errorf("Argo CD healed: %t, %v", synced, err)
			}
			expectSynced(t, d, "once it has healed")
			if got := compat.Statics(s.Live()); !slices.Equal(got, []string{"api:8080/TCP", "metrics:9090/TCP"}) {
				t.Errorf("the static ports are %q", got)
			}
			if got := compat.Adapters(s.Live()); !slices.Equal(got, []string{liveNFS}) {
				t.Errorf("the adapter ports are %q", got)
			}
			generation := s.Live().GetGeneration()
			s.Reconcile(compat.Adapter("nfs", 12049))
			if s.Live().GetGeneration() != generation {
				t.Error("a reconciliation after Argo CD healed changed the template")
			}
		})
	}
}

// expectSynced fails the test unless Argo CD shows Synced, so that self-heal does
// nothing.
func expectSynced(t *testing.T, d *deployment, when string) {
	t.Helper()
	if status, err := d.compare(); err != nil || status != v1alpha1.SyncStatusCodeSynced {
		t.Errorf("%s: Argo CD shows %s, %v", when, status, err)
	}
	if synced, err := d.selfHeal(); err != nil || synced {
		t.Errorf("%s: Argo CD healed: %t, %v", when, synced, err)
	}
}

func edit(t *testing.T, s *compat.Site, mutate func(*unstructured.Unstructured)) {
	t.Helper()
	_, err := s.Manager(testenv.KubectlEdit).Update(t.Context(), compat.Kind, s.Namespace, compat.Name, mutate)
	compat.Must(t, err)
}
