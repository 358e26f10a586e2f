package kubectl_test

import (
	"errors"
	"os/exec"
	"testing"

	"github.com/portside-dev/portside/testenv/peers/compat"
)

// tool is how the rows call kubectl.
const tool = "kubectl"

// run runs kubectl with the commit as its standard input.
func run(s *compat.Site, c compat.Commit, args ...string) error {
	_, err := s.Kubectl(s.Context(), s.Namespace, c.Manifest(), append(args, "--filename=-")...)
	return err
}

// with is a kubectl command that syncs a commit.
func with(args ...string) func(*compat.Site, compat.Commit) error {
	return func(s *compat.Site, c compat.Commit) error { return run(s, c, args...) }
}

// diff is kubectl diff, whose exit code 1 is a difference.
func diff(args ...string) func(*compat.Site, compat.Commit) (bool, error) {
	return func(s *compat.Site, c compat.Commit) (bool, error) {
		err := run(s, c, append([]string{"diff"}, args...)...)
		if code := (*exec.ExitError)(nil); errors.As(err, &code) && code.ExitCode() == 1 {
			return false, nil
		}
		return err == nil, err
	}
}

// createOrReplace is what scripts do around kubectl replace, which creates
// nothing.
func createOrReplace(args ...string) func(*compat.Site, compat.Commit) error {
	return func(s *compat.Site, c compat.Commit) error {
		if _, err := s.Manager("testenv").Get(s.Context(), compat.Kind, s.Namespace, compat.Name); err != nil {
			return run(s, c, "create")
		}
		return run(s, c, append([]string{"replace"}, args...)...)
	}
}

func clientSide() compat.Mode {
	return compat.Mode{
		Tool: tool, Mode: "apply (client side)",
		Advice: "Leave the numbers of adapter ports out of Git, whatever the protocol, and keep an empty list of ports; or use --server-side --force-conflicts",
		Sync:   with("apply"), Compare: diff(),
		Replace: with("apply", "--force"), Switch: "--force",
		Forces: true, ByNumber: true,
	}
}

func serverSide() compat.Mode {
	return compat.Mode{
		Tool: tool, Mode: "apply --server-side",
		Advice: "Add --force-conflicts where Git takes the number of an adapter port; run portside release before the container is renamed",
		Sync:   with("apply", "--server-side"), Compare: diff("--server-side"),
	}
}

func serverSideForced() compat.Mode {
	return compat.Mode{
		Tool: tool, Mode: "apply --server-side --force-conflicts",
		Advice: "Run portside release before the container is renamed",
		Sync:   with("apply", "--server-side", "--force-conflicts"), Compare: diff("--server-side", "--force-conflicts"),
		Forces: true,
	}
}

func replace() compat.Mode {
	return compat.Mode{
		Tool: tool, Mode: "replace",
		Advice: "Use apply --server-side: every replace removes the adapter ports and restarts pods",
		Sync:   createOrReplace(), Compare: diff(),
		Replace: createOrReplace("--force"), Switch: "--force",
	}
}

func TestModes(t *testing.T) {
	t.Parallel()
	const (
		puts       = "removed by hand: portside puts it back (in sync before: yes, after: yes)"
		recreates  = "recreates the workload, portside adds its ports again"
		container  = "rename the container (refused: our ports would stay in a container without image, until portside release)"
		sharedWell = "Shared (kubectl); dropped from Git: stays; adapter off: stays until Git drops it; " +
			"renumbered in Git: refused: the adapter's port has the name, until the adapter moves as well (it is Blocked, and Git can move)"
		notSeen = "Owned; dropped from Git: goes, portside puts it back; adapter off: goes, the next sync puts it back; renumbered in Git: works"
	)
	for _, test := range []struct {
		mode compat.Mode
		want compat.Answers
	}{
		{clientSide(), compat.Answers{
			InSync: "yes", SyncChangesPorts: "no", SyncRestartsPods: "no",
			OwnerCanChange: "all but: omit ports (of our ports it leaves none); take an adapter's number (with the adapter off, the static ports are api:8080/TCP metrics:9090/TCP); " +
				"take its number for another protocol (of our ports it leaves adapter-smb:1445/TCP)",
			GitDeclaresPort:    notSeen,
			ReplaceAndSelfHeal: puts + "; --force: leaves our ports; of a renamed container: removes our ports, portside adds them again",
		}},
		{serverSide(), compat.Answers{
			InSync: "yes", SyncChangesPorts: "no", SyncRestartsPods: "no",
			OwnerCanChange:     "all but: take an adapter's number (refused: conflict with portside); " + container,
			GitDeclaresPort:    sharedWell,
			ReplaceAndSelfHeal: puts,
		}},
		{serverSideForced(), compat.Answers{
			InSync: "yes", SyncChangesPorts: "no", SyncRestartsPods: "no",
			OwnerCanChange:     "all but: " + container,
			GitDeclaresPort:    sharedWell,
			ReplaceAndSelfHeal: puts,
		}},
		{replace(), compat.Answers{
			InSync: "yes", SyncChangesPorts: "removes them", SyncRestartsPods: "yes",
			OwnerCanChange: "all but: image, add, renumber, rename, drop, drop all, omit ports, reorder, take an adapter's number, " +
				"take its number for another protocol (of our ports it leaves none)",
			GitDeclaresPort:    notSeen,
			ReplaceAndSelfHeal: puts + "; --force: " + recreates + "; of a renamed container: " + recreates,
		}},
	} {
		t.Run(test.mode.Mode, func(t *testing.T) {
			t.Parallel()
			test.mode.Check(t, test.want)
		})
	}
}

func TestHistories(t *testing.T) {
	t.Parallel()
	for _, mode := range []compat.Mode{clientSide(), serverSide(), serverSideForced()} {
		t.Run(mode.Mode, func(t *testing.T) {
			t.Parallel()
			mode.History(t)
		})
	}
}
