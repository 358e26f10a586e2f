package flux_test

import (
	"testing"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/peers/compat"
)

const nfs = "adapter-nfs:12049/TCP"

func declaring() compat.Commit {
	return compat.First().And(compat.Port{Name: "adapter-nfs", Number: 12049})
}

// TestDeclaredInGit: Flux applies only if that would change more than
// managedFields, and a port that portside owns does not, whether Git adds or drops
// it. So the order decides whether Flux owns an adapter port that Git declares too,
// and it may own one for a while that Git has dropped.
func TestDeclaredInGit(t *testing.T) {
	t.Parallel()
	m := mode(t)
	t.Run("Flux first: the port is shared until both drop it", func(t *testing.T) {
		t.Parallel()
		s := compat.NewSite(t, testenv.Shared(t))
		compat.Must(t, m.Sync(s, declaring()))
		if state := compat.State(s.Reconcile(compat.Adapter("nfs", 12049)), "nfs"); state != "Shared by "+testenv.Flux {
			t.Errorf("the port is %s", state)
		}
		before := s.Live()
		s.Reconcile()
		compat.Must(t, m.Sync(s, declaring()))
		s.Reconcile(compat.Adapter("nfs", 12049))
		compat.Must(t, m.Sync(s, compat.First()))
		if after := s.Live(); after.GetGeneration() != before.GetGeneration() {
			t.Errorf("the template changed: %q", compat.Ports(after))
		}
		s.Reconcile()
		s.ExpectAdapters(nfs) // Flux had nothing to apply and still owns the port
		compat.Must(t, m.Sync(s, compat.First()))
		s.ExpectAdapters()
	})
	t.Run("portside first: Flux owns the port from its next change", func(t *testing.T) {
		t.Parallel()
		s := compat.NewSite(t, testenv.Shared(t))
		compat.Must(t, m.Sync(s, compat.First()))
		s.Reconcile(compat.Adapter("nfs", 12049))
		compat.Must(t, m.Sync(s, declaring()))
		if state := compat.State(s.Reconcile(compat.Adapter("nfs", 12049)), "nfs"); state != "Owned" {
			t.Errorf("the port is %s", state)
		}
		newImage := declaring()
		newImage.Image = "dittofs:v2"
		compat.Must(t, m.Sync(s, newImage))
		if state := compat.State(s.Reconcile(compat.Adapter("nfs", 12049)), "nfs"); state != "Shared by "+testenv.Flux {
			t.Errorf("after a change the port is %s", state)
		}
		s.Reconcile()
		s.ExpectAdapters(nfs)
	})
	t.Run("not in Git: the port is removed with the adapter", func(t *testing.T) {
		t.Parallel()
		s := compat.NewSite(t, testenv.Shared(t))
		compat.Must(t, m.Sync(s, compat.First()))
		s.Reconcile(compat.Adapter("nfs", 12049))
		s.Reconcile()
		compat.Must(t, m.Sync(s, compat.First()))
		s.ExpectAdapters()
	})
}
