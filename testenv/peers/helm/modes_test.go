package helm_test

import (
	"testing"

	"github.com/portside-dev/portside/testenv/peers/compat"
	"github.com/portside-dev/portside/testenv/peers/helm"
)

const (
	releaseFirst  = "run portside release before the container is renamed"
	leaveNumbers  = "Leave the numbers of adapter ports out of values, whatever the protocol, and keep an empty list of ports"
	puts          = "removed by hand: portside puts it back"
	replaces      = "removes our ports, portside adds them again; of a renamed container: removes our ports, portside adds them again"
	containerStay = "rename the container (refused: our ports would stay in a container without image, until portside release)"
)

func serverSide() compat.Mode {
	h := helm.Helm4{Chart: chartFolder}
	replacing := h
	replacing.ForceReplace = true
	return compat.Mode{
		Tool: "Helm 4", Mode: "server-side apply",
		Advice: "Add --force-conflicts where values take the number of an adapter port; " + releaseFirst,
		Sync:   h.Sync, Replace: replacing.Sync, Switch: "--force-replace",
	}
}

func serverSideForced() compat.Mode {
	h := helm.Helm4{Chart: chartFolder, ForceConflicts: true}
	return compat.Mode{
		Tool: "Helm 4", Mode: "server-side apply, --force-conflicts",
		Advice: "R" + releaseFirst[1:],
		Sync:   h.Sync, Forces: true,
	}
}

func clientSide() compat.Mode {
	h := helm.Helm4{Chart: chartFolder, ClientSide: true}
	replacing := h
	replacing.ForceReplace = true
	return compat.Mode{
		Tool: "Helm 4", Mode: "--server-side=false",
		Advice: leaveNumbers + "; no --force-replace; or use --server-side=true --force-conflicts",
		Sync:   h.Sync, Replace: replacing.Sync, Switch: "--force-replace",
		Forces: true, ByNumber: true,
	}
}

func three() compat.Mode {
	return compat.Mode{
		Tool: "Helm 3", Mode: "three-way merge",
		Advice: leaveNumbers + "; no --force; or use Helm 4 with --server-side=true --force-conflicts",
		Sync:   helm3{}.Sync, Replace: helm3{force: true}.Sync, Switch: "--force",
		Forces: true, ByNumber: true,
	}
}

// shared and merged are what server-side apply and a three-way merge come to.
func shared(change, replace string) compat.Answers {
	return compat.Answers{
		InSync: "not compared", SyncChangesPorts: "no", SyncRestartsPods: "no",
		OwnerCanChange: "all but: " + change,
		GitDeclaresPort: "Shared (helm); dropped from Git: stays; adapter off: stays until Git drops it; " +
			"renumbered in Git: refused: the adapter's port has the name, until the adapter moves as well (it is Blocked, and Git can move)",
		ReplaceAndSelfHeal: puts + replace,
	}
}

func merged(replace string) compat.Answers {
	return compat.Answers{
		InSync: "not compared", SyncChangesPorts: "no", SyncRestartsPods: "no",
		OwnerCanChange: "all but: omit ports (of our ports it leaves none); " +
			"take an adapter's number (with the adapter off, the static ports are api:8080/TCP metrics:9090/TCP); " +
			"take its number for another protocol (of our ports it leaves adapter-smb:1445/TCP)",
		GitDeclaresPort:    "Owned; dropped from Git: goes, portside puts it back; adapter off: goes, the next sync puts it back; renumbered in Git: works",
		ReplaceAndSelfHeal: puts + replace,
	}
}

func TestModes(t *testing.T) {
	t.Parallel()
	const beside = "refused beside server-side apply"
	for _, test := range []struct {
		mode compat.Mode
		want compat.Answers
	}{
		{serverSide(), shared("take an adapter's number (refused: conflict with portside); "+containerStay,
			"; --force-replace: "+beside+"; of a renamed container: "+beside)},
		{serverSideForced(), shared(containerStay, "")},
		{clientSide(), merged("; --force-replace: " + replaces)},
		{three(), merged("; --force: " + replaces)},
	} {
		t.Run(test.mode.Tool+" "+test.mode.Mode, func(t *testing.T) {
			t.Parallel()
			test.mode.Check(t, test.want)
		})
	}
}

func TestHistories(t *testing.T) {
	t.Parallel()
	for _, mode := range []compat.Mode{serverSide(), serverSideForced(), clientSide(), three()} {
		t.Run(mode.Tool+" "+mode.Mode, func(t *testing.T) {
			t.Parallel()
			mode.History(t)
		})
	}
}
