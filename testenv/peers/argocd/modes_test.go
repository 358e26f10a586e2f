package argocd_test

import (
	"errors"
	"testing"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/peers/compat"
)

// What more than one setup answers.
const (
	untilRelease = "rename the container (refused: our ports would stay in a container without image, until portside release)"
	byHand       = "removed by hand: portside puts it back (in sync before: yes, after: yes)"
	replaced     = "; Replace=true: removes our ports, portside adds them again; of a renamed container: removes our ports, portside adds them again"
	keepsOurs    = "of our ports it leaves adapter-smb:1445/TCP adapter-nfs:12049/TCP"
	omitted      = "omit ports (of our ports it leaves none); "
	takenMerged  = "take an adapter's number (with the adapter off, the static ports are api:8080/TCP metrics:9090/TCP); "
	mergedByKey  = "take its number for another protocol (of our ports it leaves adapter-smb:1445/TCP)"
	replacesOnce = "; Replace=true: removes our ports, portside adds them again; of a renamed container: refused: our ports would stay in a container without image"

	undeclared = "Owned; dropped from Git: goes, portside puts it back; adapter off: goes, the next sync puts it back; renumbered in Git: "
	shared     = "Shared (argocd-controller); dropped from Git: stays; adapter off: stays until Git drops it; " +
		"renumbered in Git: refused: the adapter's port has the name, until the adapter moves as well (it is Blocked, and Git can move)"
)

func TestModes(t *testing.T) {
	for _, test := range []struct {
		setup setup
		want  compat.Answers
	}{
		{clientSide(), compat.Answers{
			InSync: "yes", SyncChangesPorts: "no", SyncRestartsPods: "no",
			OwnerCanChange:     "all but: " + omitted + takenMerged + mergedByKey,
			GitDeclaresPort:    undeclared + "works",
			ReplaceAndSelfHeal: byHand + replaced,
		}},
		{clientSideComparedThere(), compat.Answers{
			InSync: "yes", SyncChangesPorts: "no", SyncRestartsPods: "no",
			OwnerCanChange: "all but: renumber (refused: " + errCannotCompare.Error() + "); " +
				omitted + takenMerged + mergedByKey,
			GitDeclaresPort:    undeclared + "refused: the adapter's port has the name, until the adapter moves as well (it is Owned, and Git can move)",
			ReplaceAndSelfHeal: byHand + replaced,
		}},
		{serverSideMerged(), compat.Answers{
			InSync: "yes", SyncChangesPorts: "no", SyncRestartsPods: "no",
			OwnerCanChange:     "all but: " + untilRelease,
			GitDeclaresPort:    shared,
			ReplaceAndSelfHeal: byHand + replaced,
		}},
		{serverSide(), compat.Answers{
			InSync: "yes", SyncChangesPorts: "no", SyncRestartsPods: "no",
			OwnerCanChange:     "all but: " + untilRelease,
			GitDeclaresPort:    shared,
			ReplaceAndSelfHeal: byHand + replacesOnce,
		}},
		{ignoringClientSide(), compat.Answers{
			InSync: "yes", SyncChangesPorts: "no", SyncRestartsPods: "no",
			OwnerCanChange:     "all but: " + omitted + "take an adapter's number (" + keepsOurs + "); " + mergedByKey,
			GitDeclaresPort:    undeclared + "works",
			ReplaceAndSelfHeal: byHand + replaced,
		}},
		{ignoringServerSide(), compat.Answers{
			InSync: "yes", SyncChangesPorts: "no", SyncRestartsPods: "no",
			OwnerCanChange:     "all but: take an adapter's number (" + keepsOurs + "); " + untilRelease,
			GitDeclaresPort:    shared,
			ReplaceAndSelfHeal: byHand + replacesOnce,
		}},
		{replace(), compat.Answers{
			InSync: "yes", SyncChangesPorts: "removes them", SyncRestartsPods: "yes",
			OwnerCanChange: "all but: image, add, renumber, rename, drop, drop all, omit ports, reorder, take an adapter's number, " +
				"take its number for another protocol (of our ports it leaves none)",
			GitDeclaresPort:    undeclared + "works",
			ReplaceAndSelfHeal: byHand,
		}},
		{replaceComparedThere(), compat.Answers{
			InSync: "yes", SyncChangesPorts: "removes them", SyncRestartsPods: "yes",
			OwnerCanChange: "all but: image, add, rename, drop, drop all, omit ports, reorder, take an adapter's number, " +
				"take its number for another protocol (of our ports it leaves none); renumber (refused: " + errCannotCompare.Error() + ")",
			GitDeclaresPort:    undeclared + "refused: the adapter's port has the name, until the adapter moves as well (it is Owned, and Git can move)",
			ReplaceAndSelfHeal: byHand,
		}},
	} {
		t.Run(test.setup.name, func(t *testing.T) {
			argoCDOn(t, testenv.Shared(t)) // also between the questions
			test.setup.mode(t).Check(t, test.want)
		})
	}
}

// TestHistories has no Replace=true, which takes our ports away each time: see
// [TestReplaceHistory].
func TestHistories(t *testing.T) {
	t.Parallel()
	for _, u := range []setup{
		clientSide(), clientSideComparedThere(), serverSideMerged(), serverSide(), ignoringClientSide(), ignoringServerSide(),
	} {
		t.Run(u.name, func(t *testing.T) {
			t.Parallel()
			mode := u.mode(t)
			mode.Sync = comparedHereInstead(mode.Sync, clientSide().mode(t).Sync)
			mode.History(t)
		})
	}
}

// comparedHereInstead is the way out where Argo CD cannot compare on the server:
// one sync with its comparison here.
func comparedHereInstead(sync, instead func(*compat.Site, compat.Commit) error) func(*compat.Site, compat.Commit) error {
	return func(s *compat.Site, c compat.Commit) error {
		err := sync(s, c)
		if errors.Is(err, errCannotCompare) {
			return instead(s, c)
		}
		return err
	}
}
