package argocd_test

import (
	"testing"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/peers/compat"
)

// TestTakenNumber: Git takes the number of an adapter port without server-side
// apply. Argo CD then owns the name, and portside still owns the item until its
// adapter is inactive: then portside gives it up. The port always has Git's name,
// and is portside's again once Git has dropped it.
func TestTakenNumber(t *testing.T) {
	t.Parallel()
	nfs := compat.Adapter("nfs", 12049)
	taking := compat.First().And(compat.Port{Name: "nfs", Number: 12049})
	for _, u := range []setup{clientSide(), replace()} {
		t.Run(u.name, func(t *testing.T) {
			t.Parallel()
			s := compat.NewSite(t, testenv.Shared(t))
			compat.Must(t, u.mode(t).Sync(s, compat.First()))
			s.Reconcile(nfs)
			d, err := deploy(s, u.definition(t), taking.Manifest())
			compat.Must(t, err)
			compat.Must(t, d.sync())
			taken := s.Live()
			for _, adapters := range [][]apply.Adapter{{nfs}, nil, {nfs}, nil} {
				s.Reconcile(adapters...)
				s.ExpectPorts("api:8080/TCP", "metrics:9090/TCP", "nfs:12049/TCP")
				expectSynced(t, d, "with the number taken")
			}
			if s.Live().GetGeneration() != taken.GetGeneration() {
				t.Error("portside changed the template")
			}
			compat.Must(t, u.mode(t).Sync(s, compat.First()))
			s.ExpectPorts("api:8080/TCP", "metrics:9090/TCP")
			s.Reconcile(nfs)
			s.ExpectPorts("api:8080/TCP", "metrics:9090/TCP", liveNFS)
		})
	}
}
