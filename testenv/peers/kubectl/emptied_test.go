package kubectl_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/fixture"
	"github.com/portside-dev/portside/testenv/peers/compat"
	"github.com/portside-dev/portside/testenv/portside"
)

// TestEmptied_service: where managedFields were emptied, portside run owns its ports
// again without being asked, so that the first server-side apply, which would remove
// them, leaves them.
func TestEmptied_service(t *testing.T) {
	t.Parallel()
	s := compat.NewSite(t, testenv.WithControllers(t))
	portside.InstallCRD(t, s.ControlPlane)
	portside.Run(t, portside.BuildFor(t), s.Config(), "--leader-elect=false", "--watch-namespace", s.Namespace).WaitReady()
	compat.Must(t, clientSide().Sync(s, compat.First()))
	s.Manager("testenv").In(s.Namespace).MustCreate(t, fixture.AdapterSet(compat.Name,
		fixture.Target(compat.Kind, compat.Name), fixture.Adapters("nfs:12049"), fixture.Rollout(1, 0)))
	waitOwns(s)

	s.EmptyManagedFields()
	before := s.Live()
	waitOwns(s)
	compat.Must(t, serverSideForced().Sync(s, compat.First()))
	if ports, restarts := s.Effect(before); ports != "no" || restarts != "no" {
		t.Errorf("the first server-side apply changed our ports: %s, and restarts pods: %s", ports, restarts)
	}
	s.ExpectOwner("12049/TCP", testenv.Portside)
	s.ExpectOwner("8080/TCP", tool)
}

// TestEvents: without a reconcile by portside, that apply removes its ports. The next
// reconcile adds them again, and they stay.
func TestEvents(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{compat.Kind, compat.ServiceKind} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			s := compat.NewSite(t, testenv.Shared(t))
			s.Kind = kind
			first := compat.First()
			first.Kind = kind
			compat.Must(t, clientSide().Sync(s, first))
			s.Reconcile(compat.Adapter("nfs", 12049))
			s.EmptyManagedFields()
			before := s.Live()
			compat.Must(t, serverSide().Sync(s, first))
			ports, restarts := s.Effect(before)
			s.ExpectNames("api", "metrics")
			mode := "apply --server-side " + compat.AfterEmptied + ", " + compat.Annotated
			if kind == compat.ServiceKind {
				mode = "Service: " + mode
			}
			compat.Must(t, compat.Event(tool, mode, compat.ReconcileThenSync, ports, restarts).Write())

			s.Reconcile(compat.Adapter("nfs", 12049))
			compat.Must(t, serverSide().Sync(s, first))
			s.ExpectOwner("12049/TCP", testenv.Portside)
			s.ExpectOwner("8080/TCP", tool)
		})
	}
}

// waitOwns waits until portside owns its port.
func waitOwns(s *compat.Site) {
	s.Helper()
	testenv.Eventually(s, "portside to own 12049/TCP", func(context.Context) error {
		owners, err := testenv.Owners(s.Live(), compat.Name, "12049/TCP")
		if err == nil && !slices.Contains(owners, testenv.Owner(testenv.Portside, "Apply")) {
			err = fmt.Errorf("it is owned by %q", owners)
		}
		return err
	})
}
