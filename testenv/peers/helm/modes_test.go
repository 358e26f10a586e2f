package helm_test

import (
	"testing"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/peers/compat"
	"github.com/portside-dev/portside/testenv/peers/helm"
)

const (
	releaseFirst = "run portside release before the container is renamed"
	byHand       = " (otherwise leave adapter ports, and their numbers with another protocol, out of the values, write an empty list of ports rather than no list, and do not use "
)

func serverSide() compat.Mode {
	h := helm.Helm4{Chart: chartFolder}
	replacing := h
	replacing.ForceReplace = true
	return compat.Mode{
		Tool: "Helm 4", Mode: "server-side apply",
		Set:  "--force-conflicts where values take the number of an adapter port; " + releaseFirst,
		Sync: h.Sync, Replace: replacing.Sync, Switch: "--force-replace",
	}
}

func serverSideForced() compat.Mode {
	h := helm.Helm4{Chart: chartFolder, ForceConflicts: true}
	return compat.Mode{
		Tool: "Helm 4", Mode: "server-side apply, --force-conflicts",
		Set:  releaseFirst,
		Sync: h.Sync, Forces: true,
	}
}

func clientSide() compat.Mode {
	h := helm.Helm4{Chart: chartFolder, ClientSide: true}
	replacing := h
	replacing.ForceReplace = true
	return compat.Mode{
		Tool: "Helm 4", Mode: "--server-side=false",
		Set:  "--server-side=true --force-conflicts" + byHand + "--force-replace)",
		Sync: h.Sync, Replace: replacing.Sync, Switch: "--force-replace",
		Forces: true, ByNumber: true,
	}
}

func three() compat.Mode {
	return compat.Mode{
		Tool: "Helm 3", Mode: "three-way merge",
		Set:  "Helm 4 with --server-side=true --force-conflicts" + byHand + "--force)",
		Sync: helm3{}.Sync, Replace: helm3{force: true}.Sync, Switch: "--force",
		Forces: true, ByNumber: true,
	}
}

func TestModes(t *testing.T) {
	t.Parallel()
	const taken = "take an adapter's number (refused: conflict with portside)"
	shared, merged := compat.ServerSide(testenv.Helm).NotCompared(), compat.ClientSide().NotCompared()
	for _, test := range []struct {
		mode compat.Mode
		want compat.Answers
	}{
		{serverSide(), shared.Changed(compat.AllBut(taken, compat.UntilRelease)).Replaced("--force-replace: refused with server-side apply")},
		{serverSideForced(), shared},
		{clientSide(), merged.Replaced("--force-replace: removes them")},
		{three(), merged.Replaced("--force: removes them")},
	} {
		t.Run(test.mode.Tool+" "+test.mode.Mode, func(t *testing.T) {
			t.Parallel()
			test.mode.Check(t, test.want)
		})
	}
}

// TestServices syncs a Service in which portside has ports.
func TestServices(t *testing.T) {
	t.Parallel()
	const chart = "testdata/service"
	four := func(h helm.Helm4) func(*compat.Site, compat.Commit) error {
		h.Chart = chart
		return h.Sync
	}
	for _, test := range []struct {
		mode compat.Mode
		sync func(*compat.Site, compat.Commit) error
		want compat.ServiceAnswers
		set  string
	}{
		{serverSide(), four(helm.Helm4{}), compat.ServiceServerSide().Changed(compat.AllBut("take an adapter's number (refused: conflict with portside)")),
			"--force-conflicts where values take the number of an adapter port"},
		{serverSideForced(), four(helm.Helm4{ForceConflicts: true}), compat.ServiceServerSide(), ""},
		{clientSide(), four(helm.Helm4{ClientSide: true}), compat.ServiceByMerge(),
			"--server-side=true --force-conflicts"},
		{three(), helm3{chart: chart}.Sync, compat.ServiceByMerge(), "Helm 4 with --server-side=true --force-conflicts"},
	} {
		t.Run(test.mode.Tool+" "+test.mode.Mode, func(t *testing.T) {
			t.Parallel()
			test.mode.Sync = test.sync
			test.mode.CheckService(t, test.want.NotCompared(), test.set)
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
