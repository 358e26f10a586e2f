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

// answers returns the expected answers of that mode.
func answers() compat.Answers {
	return compat.ServerSide(testenv.Flux).
		Declaring("Owned (dropped from Git: stays; adapter inactive: removed, then the next sync adds it again; " +
			"renumbered in Git: " + compat.NameRefused + "Owned and the sync works)").
		Replaced("force: true: leaves them (with a renamed container: recreates the workload)")
}

func TestModes(t *testing.T) {
	t.Parallel()
	const notApplied = "only: image (not: add, renumber, rename, drop, drop all, omit ports, reorder, take an adapter's number with another protocol " +
		"(the static ports are api:8080/TCP metrics:9090/TCP); " +
		"take an adapter's number (remaining adapter ports: adapter-smb:1445/TCP, adapter-nfs:12049/TCP); " + compat.UntilRelease + ")"
	for _, test := range []struct {
		mode compat.Mode
		want compat.Answers
	}{
		{mode(t), answers()},
		{ignoringMode(t), answers().Changed(notApplied).Replaced(compat.NotAsked).
			Declaring("Owned (dropped from Git: stays; adapter inactive: removed, and no sync adds it again; " +
				"renumbered in Git: " + compat.NameRefused + "Owned and the sync works)")},
	} {
		t.Run(test.mode.Mode, func(t *testing.T) {
			t.Parallel()
			test.mode.Check(t, test.want)
		})
	}
}

// TestServices syncs a Service in which portside has ports.
func TestServices(t *testing.T) {
	t.Parallel()
	const notApplied = "only: reorder (not: add, renumber, rename, drop, take an adapter's number, take an adapter's number with another protocol " +
		"(the static ports are api:8080/TCP metrics:9090/TCP))"
	for _, test := range []struct {
		mode compat.Mode
		want compat.ServiceAnswers
		set  string
	}{
		{mode(t), compat.ServiceServerSide(), ""},
		{ignoringMode(t), compat.ServiceServerSide().Changed(notApplied), setNoIgnore},
	} {
		t.Run(test.mode.Mode, func(t *testing.T) {
			t.Parallel()
			test.mode.CheckService(t, test.want, test.set)
		})
	}
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
