package argocd_test

import (
	"errors"
	"testing"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/peers/compat"
)

func TestModes(t *testing.T) {
	const (
		replaced     = "Replace=true: removes them"
		replacedOnce = "Replace=true: removes them (with a renamed container: refused: adapter ports would stay in a container without an image)"
		// Ignored differences are kept.
		notTaken = "take an adapter's number (remaining adapter ports: adapter-smb:1445/TCP, adapter-nfs:12049/TCP)"
	)
	cannotCompare := "renumber (refused: " + errCannotCompare.Error() + ")"
	unseenUntilMoved := compat.Unseen(compat.NameRefused + "Owned and the sync works")
	for _, test := range []struct {
		setup setup
		want  compat.Answers
	}{
		{clientSide(), compat.ClientSide().Replaced(replaced)},
		{clientSideServerDiff(), compat.ClientSide().Replaced(replaced).Declaring(unseenUntilMoved).
			Changed(compat.AllBut(cannotCompare, compat.OmittedByMerge, compat.ProtocolByMerge))},
		{serverSideMerged(), compat.ServerSide(testenv.ArgoCD).Replaced(replaced)},
		{serverSide(), compat.ServerSide(testenv.ArgoCD).Replaced(replacedOnce)},
		{ignoringClientSide(), compat.ClientSide().Replaced(replaced).
			Changed(compat.AllBut(compat.OmittedByMerge, notTaken, compat.ProtocolByMerge))},
		{ignoringServerSide(), compat.ServerSide(testenv.ArgoCD).Replaced(replacedOnce).
			Changed(compat.AllBut(notTaken, compat.UntilRelease))},
		{replace(), compat.Replacing()},
		{replaceServerDiff(), compat.Replacing().Declaring(unseenUntilMoved).
			Changed("only: rename the container (not: image, add, rename, drop, drop all, omit ports, reorder, take an adapter's number, " +
				"take an adapter's number with another protocol (remaining adapter ports: none); " + cannotCompare + ")")},
	} {
		t.Run(test.setup.name, func(t *testing.T) {
			argoCDOn(t, testenv.Shared(t)) // so that it runs between the questions too
			test.setup.mode(t).Check(t, test.want)
		})
	}
}

// TestServices syncs a Service in which portside has ports.
func TestServices(t *testing.T) {
	for _, test := range []struct {
		setup setup
		want  compat.ServiceAnswers
		set   string
	}{
		{clientSide(), compat.ServiceByMerge(), "ServerSideApply=true and ServerSideDiff=true (otherwise leave the numbers of adapter ports with another protocol out of Git)"},
		{serverSide(), compat.ServiceServerSide(), ""},
		{replace(), compat.ServiceReplaced(), "ServerSideApply=true and ServerSideDiff=true instead of Replace=true"},
	} {
		t.Run(test.setup.name, func(t *testing.T) {
			argoCDOn(t, testenv.Shared(t)) // so that it runs between the questions too
			test.setup.mode(t).CheckService(t, test.want, test.set)
		})
	}
}

func TestHistories(t *testing.T) {
	t.Parallel()
	for _, u := range []setup{
		clientSide(), clientSideServerDiff(), serverSideMerged(), serverSide(), ignoringClientSide(), ignoringServerSide(),
		replace(), replaceServerDiff(),
	} {
		t.Run(u.name, func(t *testing.T) {
			t.Parallel()
			mode := u.mode(t)
			here := clientSide()
			if mode.Replaces {
				here = replace()
			}
			mode.Sync = orClientDiff(mode.Sync, here.mode(t).Sync)
			mode.History(t)
		})
	}
}

// TestHistories_otherKinds runs histories of the kinds other than StatefulSet.
func TestHistories_otherKinds(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"Deployment", "DaemonSet"} {
		for _, u := range []setup{clientSide(), serverSide()} {
			t.Run(kind+", "+u.name, func(t *testing.T) {
				t.Parallel()
				u.mode(t).HistoryOf(t, kind)
			})
		}
	}
}

// orClientDiff syncs once with Argo CD's own comparison if Argo CD cannot compare
// on the server.
func orClientDiff(sync, instead func(*compat.Site, compat.Commit) error) func(*compat.Site, compat.Commit) error {
	return func(s *compat.Site, c compat.Commit) error {
		err := sync(s, c)
		if errors.Is(err, errCannotCompare) {
			return instead(s, c)
		}
		return err
	}
}
