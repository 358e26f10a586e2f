package flux_test

import (
	"testing"

	kustomizev1 "github.com/fluxcd/kustomize-controller/api/v1"
	"github.com/fluxcd/pkg/apis/kustomize"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/peers/compat"
)

// ignoring returns the example's Kustomization with spec.ignore of the list of ports, as
// an owner might configure it to leave adapter ports alone.
func ignoring(t *testing.T) *kustomizev1.Kustomization {
	t.Helper()
	object := kustomization(t)
	object.Spec.Ignore = []kustomizev1.IgnoreRule{
		{Paths: []string{"/spec/template/spec/containers/0/ports"}, Target: &kustomize.Selector{Kind: compat.Kind}},
		{Paths: []string{"/spec/ports"}, Target: &kustomize.Selector{Kind: compat.ServiceKind}},
	}
	return object
}

const setNoIgnore = "no spec.ignore of ports (it is not needed; with it Flux applies no change of a port, and a commit that changes a port and another field removes all static ports)"

func ignoringMode(t *testing.T) compat.Mode {
	t.Helper()
	m := mode(t)
	m.Mode, m.Set = "Kustomization, spec.ignore of the list of ports", setNoIgnore
	m.Sync, m.Compare = syncs(ignoring(t)), compares(ignoring(t))
	m.Replace, m.Switch = nil, ""
	return m
}

// TestIgnore_losesStaticPorts: where the ignored list differs from Git, and another
// field too, Flux applies the workload without the list, because another manager applies
// a part of it. Without portside the list keeps its live value. A sync without spec.ignore
// puts the ports back.
func TestIgnore_losesStaticPorts(t *testing.T) {
	t.Parallel()
	commit := compat.First().And(compat.Port{Name: "web", Number: 8443})
	commit.Image = "dittofs:v2"
	for name, test := range map[string]struct {
		portside    bool
		lost, again []string
	}{
		"with portside":    {true, []string{nfs}, []string{"api:8080/TCP", "metrics:9090/TCP", "web:8443/TCP", nfs}},
		"without portside": {false, []string{"api:8080/TCP", "metrics:9090/TCP"}, []string{"api:8080/TCP", "metrics:9090/TCP", "web:8443/TCP"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := compat.NewSite(t, testenv.Shared(t))
			compat.Must(t, syncs(ignoring(t))(s, compat.First()))
			if test.portside {
				s.Reconcile(compat.Adapter("nfs", 12049))
			}
			compat.Must(t, syncs(ignoring(t))(s, commit))
			s.ExpectPorts(test.lost...)
			compat.Must(t, syncs(kustomization(t))(s, commit))
			s.ExpectPorts(test.again...)
		})
	}
}

// TestIgnore_moved asks all questions again once spec.ignore is taken out.
func TestIgnore_moved(t *testing.T) {
	t.Parallel()
	m := mode(t)
	m.Replace, m.Switch = nil, ""
	m.CheckAfter(t, ignoringMode(t), answers().Replaced(compat.NotAsked))
}
