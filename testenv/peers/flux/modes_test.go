package flux_test

import (
	"testing"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/peers/compat"
)

// mode returns the mode of the example's Kustomization.
func mode(t *testing.T) compat.Mode {
	t.Helper()
	object := kustomization(t)
	forced := object.DeepCopy()
	forced.Spec.Force = true
	return compat.Mode{
		Tool: "Flux", Mode: "Kustomization (server-side apply)",
		Set:  "force: false; run portside release before the container is renamed; leave adapter ports out of Git",
		Sync: syncs(object), Compare: compares(object),
		Replace: syncs(forced), Switch: "force: true",
		Forces: true,
	}
}

func TestModes(t *testing.T) {
	t.Parallel()
	mode(t).Check(t, compat.ServerSide(testenv.Flux).
		Declaring("Owned (dropped from Git: stays; adapter inactive: removed, then the next sync adds it again; "+
			"renumbered in Git: "+compat.NameRefused+"Owned and the sync works)").
		Replaced("force: true: leaves them (with a renamed container: recreates the workload)"))
}

// TestServices syncs a Service in which portside has ports.
func TestServices(t *testing.T) {
	t.Parallel()
	mode(t).CheckService(t, compat.ServiceServerSide(), "")
}

func TestHistories(t *testing.T) {
	t.Parallel()
	mode(t).History(t)
}

// TestHistories_otherKinds runs histories of the kinds other than StatefulSet.
func TestHistories_otherKinds(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"Deployment", "DaemonSet"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			mode(t).HistoryOf(t, kind)
		})
	}
}
