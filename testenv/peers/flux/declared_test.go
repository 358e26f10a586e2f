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

// TestDeclaredInGit: Flux applies only what would change more than managedFields.
// A port that portside holds does not, whether Git begins to declare it or stops.
// So it depends on who was first whether Flux owns an adapter port that Git
// declares as well, and it may own one for a while that Git has dropped.
func TestDeclaredInGit(t *testing.T) {
	t.Parallel()
	m := mode(t)
	t.Run("Flux first: the port is shared, and stays until both let go", func(t *testing.T) {
		t.Parallel()
		s := compat.NewSite(t, testenv.Shared(t))
		compat.Must(t, m.Sync(s, declaring()))
		if state := compat.State(s.Pass(compat.Adapter("nfs", 12049)), "nfs"); state != "Shared by "+testenv.Flux {
			t.Errorf("the port is %s", state)
		}
		before := s.Live()
		s.Pass()
		compat.Must(t, m.Sync(s, declaring()))
		s.Pass(compat.Adapter("nfs", 12049))
		compat.Must(t, m.Sync(s, compat.First()))
		if after := s.Live(); after.GetGeneration() != before.GetGeneration() {
			t.Errorf("the template changed: %q", compat.Ports(after))
		}
		s.Pass()
		s.ExpectAdapters(nfs) // Flux saw nothing to apply, and owns the port still
		compat.Must(t, m.Sync(s, compat.First()))
		s.ExpectAdapters()
	})
	t.Run("portside first: Flux owns the port from its next change on", func(t *testing.T) {
		t.Parallel()
		s := compat.NewSite(t, testenv.Shared(t))
		compat.Must(t, m.Sync(s, compat.First()))
		s.Pass(compat.Adapter("nfs", 12049))
		compat.Must(t, m.Sync(s, declaring()))
		if state := compat.State(s.Pass(compat.Adapter("nfs", 12049)), "nfs"); state != "Owned" {
			t.Errorf("the port is %s", state)
		}
		newImage := declaring()
		newImage.Image = "dittofs:v2"
		compat.Must(t, m.Sync(s, newImage))
		if state := compat.State(s.Pass(compat.Adapter("nfs", 12049)), "nfs"); state != "Shared by "+testenv.Flux {
			t.Errorf("after a change the port is %s", state)
		}
		s.Pass()
		s.ExpectAdapters(nfs)
	})
	t.Run("left out of Git: it goes with the adapter and stays away", func(t *testing.T) {
		t.Parallel()
		s := compat.NewSite(t, testenv.Shared(t))
		compat.Must(t, m.Sync(s, compat.First()))
		s.Pass(compat.Adapter("nfs", 12049))
		s.Pass()
		compat.Must(t, m.Sync(s, compat.First()))
		s.ExpectAdapters()
	})
}
