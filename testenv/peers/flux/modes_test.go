package flux_test

import (
	"testing"

	"github.com/portside-dev/portside/testenv/peers/compat"
)

// mode is the example's Kustomization.
func mode(t *testing.T) compat.Mode {
	t.Helper()
	object := kustomization(t)
	forced := object.DeepCopy()
	forced.Spec.Force = true
	return compat.Mode{
		Tool: "Flux", Mode: "Kustomization (server-side apply)",
		Advice: "Leave adapter ports out of Git, and force: false; run portside release before the container is renamed",
		Sync:   syncs(object), Compare: compares(object),
		Replace: syncs(forced), Switch: "force: true",
		Forces: true,
	}
}

func TestModes(t *testing.T) {
	t.Parallel()
	mode(t).Check(t, compat.Answers{
		InSync: "yes", SyncChangesPorts: "no", SyncRestartsPods: "no",
		OwnerCanChange: "all but: rename the container (refused: our ports would stay in a container without image, until portside release)",
		GitDeclaresPort: "Owned; dropped from Git: stays; adapter off: goes, the next sync puts it back; " +
			"renumbered in Git: refused: the adapter's port has the name, until the adapter moves as well (it is Owned, and Git can move)",
		ReplaceAndSelfHeal: "removed by hand: portside puts it back (in sync before: yes, after: yes); " +
			"force: true: leaves our ports; of a renamed container: recreates the workload, portside adds its ports again",
	})
}

func TestHistories(t *testing.T) {
	t.Parallel()
	mode(t).History(t)
}
