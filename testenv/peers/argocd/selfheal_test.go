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

// TestSelfHeal: under automated.selfHeal Argo CD neither minds that our port is
// missing nor that it comes back, and mends what is its own without touching
// what is ours. With Replace=true it does not see a difference either; it is the
// syncs for other reasons that take our ports away.
func TestSelfHeal(t *testing.T) {
	t.Parallel()
	for _, u := range []setup{
		clientSide(), clientSideComparedThere(), serverSideMerged(), serverSide(), ignoringServerSide(), replace(),
	} {
		t.Run(u.name, func(t *testing.T) {
			t.Parallel()
			s := compat.NewSite(t, testenv.Shared(t))
			d, err := deploy(s, u.definition(t), compat.First().Manifest())
			compat.Must(t, err)
			compat.Must(t, d.sync())
			s.Pass(compat.Adapter("nfs", 12049))
			healsNothing(t, d, "with our port")

			edit(t, s, func(w *unstructured.Unstructured) {
				testenv.SetPorts(w, compat.Name, compat.First().PortsYAML())
			})
			healsNothing(t, d, "with our port removed by hand")
			s.Pass(compat.Adapter("nfs", 12049))
			healsNothing(t, d, "with our port put back")
			if got := compat.Adapters(s.Live()); !slices.Equal(got, []string{liveNFS}) {
				t.Errorf("the adapter ports are %q", got)
			}
		})
	}
}

// TestSelfHealMendsItsOwn: someone removes a port of the owner's and changes the
// image by hand.
func TestSelfHealMendsItsOwn(t *testing.T) {
	t.Parallel()
	for _, u := range []setup{clientSide(), serverSideMerged(), serverSide()} {
		t.Run(u.name, func(t *testing.T) {
			t.Parallel()
			s := compat.NewSite(t, testenv.Shared(t))
			d, err := deploy(s, u.definition(t), compat.First().Manifest())
			compat.Must(t, err)
			compat.Must(t, d.sync())
			s.Pass(compat.Adapter("nfs", 12049))
			edit(t, s, func(w *unstructured.Unstructured) {
				testenv.SetPorts(w, compat.Name, "[{name: api, containerPort: 8080, protocol: TCP}, {name: adapter-nfs, containerPort: 12049, protocol: TCP}]")
				testenv.EditContainer(w, compat.Name, func(c map[string]any) { c["image"] = "dittofs:by-hand" })
			})
			if synced, err := d.selfHeal(); err != nil || !synced {
				t.Errorf("Argo CD healed: %t, %v", synced, err)
			}
			healsNothing(t, d, "once it has healed")
			if got := compat.Statics(s.Live()); !slices.Equal(got, []string{"api:8080/TCP", "metrics:9090/TCP"}) {
				t.Errorf("the static ports are %q", got)
			}
			if got := compat.Adapters(s.Live()); !slices.Equal(got, []string{liveNFS}) {
				t.Errorf("the adapter ports are %q", got)
			}
			generation := s.Live().GetGeneration()
			s.Pass(compat.Adapter("nfs", 12049))
			if s.Live().GetGeneration() != generation {
				t.Error("a pass after Argo CD healed changed the template")
			}
		})
	}
}

// healsNothing fails the test unless Argo CD shows Synced, so that self-heal does
// nothing.
func healsNothing(t *testing.T, d *deployment, when string) {
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
