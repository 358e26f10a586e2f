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

// TestEmptied_serverSide: without portside's reconcile that apply removes them.
func TestEmptied_serverSide(t *testing.T) {
	t.Parallel()
	s := compat.NewSite(t, testenv.Shared(t))
	compat.Must(t, clientSide().Sync(s, compat.First()))
	s.Reconcile(compat.Adapter("nfs", 12049))
	s.EmptyManagedFields()
	compat.Must(t, serverSideForced().Sync(s, compat.First()))
	s.ExpectAdapters()
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
