package kubectl_test

import (
	"errors"
	"os/exec"
	"testing"

	"github.com/portside-dev/portside/testenv/peers/compat"
)

// tool is the name of kubectl in the rows.
const tool = "kubectl"

// run runs kubectl with the commit as its standard input.
func run(s *compat.Site, c compat.Commit, args ...string) error {
	_, err := s.Kubectl(s.Context(), s.Namespace, c.Manifest(), append(args, "--filename=-")...)
	return err
}

// with returns a kubectl command that syncs a commit.
func with(args ...string) func(*compat.Site, compat.Commit) error {
	return func(s *compat.Site, c compat.Commit) error { return run(s, c, args...) }
}

// diff returns kubectl diff, which exits with code 1 for a difference.
func diff(args ...string) func(*compat.Site, compat.Commit) (bool, error) {
	return func(s *compat.Site, c compat.Commit) (bool, error) {
		err := run(s, c, append([]string{"diff"}, args...)...)
		if code := (*exec.ExitError)(nil); errors.As(err, &code) && code.ExitCode() == 1 {
			return false, nil
		}
		return err == nil, err
	}
}

// createOrReplace does what scripts do with kubectl replace, which creates nothing.
func createOrReplace(args ...string) func(*compat.Site, compat.Commit) error {
	return func(s *compat.Site, c compat.Commit) error {
		if !s.Exists() {
			return run(s, c, "create")
		}
		return run(s, c, append([]string{"replace"}, args...)...)
	}
}

func clientSide() compat.Mode {
	return compat.Mode{
		Tool: tool, Mode: "apply (client side)",
		Set:  "--server-side --force-conflicts (otherwise leave adapter ports, and their numbers with another protocol, out of Git, and write an empty list of ports rather than no list)",
		Sync: with("apply"), Compare: diff(),
		Replace: with("apply", "--force"), Switch: "--force",
		Forces: true, ByNumber: true,
	}
}

func serverSide() compat.Mode {
	return compat.Mode{
		Tool: tool, Mode: "apply --server-side",
		Set:  "--force-conflicts where Git takes the number of an adapter port; run portside release before the container is renamed",
		Sync: with("apply", "--server-side"), Compare: diff("--server-side"),
	}
}

func serverSideForced() compat.Mode {
	return compat.Mode{
		Tool: tool, Mode: "apply --server-side --force-conflicts",
		Set:  "run portside release before the container is renamed",
		Sync: with("apply", "--server-side", "--force-conflicts"), Compare: diff("--server-side", "--force-conflicts"),
		Forces: true,
	}
}

func replace() compat.Mode {
	return compat.Mode{
		Tool: tool, Mode: "replace",
		Set:  "apply --server-side --force-conflicts instead (after the first such apply, remove kubectl's Update entries from metadata.managedFields; otherwise Git cannot drop what they own)",
		Sync: createOrReplace(), Compare: diff(),
		Replace: createOrReplace("--force"), Switch: "--force",
		Forces: true, ByNumber: true, Replaces: true,
	}
}

func TestModes(t *testing.T) {
	t.Parallel()
	const taken = "take an adapter's number (refused: conflict with portside)"
	for _, test := range []struct {
		mode compat.Mode
		want compat.Answers
	}{
		{clientSide(), compat.ClientSide().Replaced("--force: leaves them (with a renamed container: removes them)")},
		{serverSide(), compat.ServerSide(tool).Changed(compat.AllBut(taken, compat.UntilRelease))},
		{serverSideForced(), compat.ServerSide(tool)},
		{replace(), compat.Replacing().Replaced("--force: recreates the workload")},
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
	for _, test := range []struct {
		mode compat.Mode
		want compat.ServiceAnswers
		set  string
	}{
		{clientSide(), compat.ServiceByMerge(), "--server-side --force-conflicts (otherwise leave the numbers of adapter ports with another protocol out of Git)"},
		{serverSide(), compat.ServiceServerSide().Changed(compat.AllBut("take an adapter's number (refused: conflict with portside)")), "--force-conflicts where Git takes the number of an adapter port"},
		{serverSideForced(), compat.ServiceServerSide(), ""},
		{replace(), compat.ServiceReplaced(), "apply --server-side --force-conflicts instead"},
	} {
		t.Run(test.mode.Mode, func(t *testing.T) {
			t.Parallel()
			test.mode.CheckService(t, test.want, test.set)
		})
	}
}

func TestHistories(t *testing.T) {
	t.Parallel()
	for _, mode := range []compat.Mode{clientSide(), serverSide(), serverSideForced(), replace()} {
		t.Run(mode.Mode, func(t *testing.T) {
			t.Parallel()
			mode.History(t)
		})
	}
}

// TestHistories_otherKinds runs histories of the kinds other than StatefulSet.
func TestHistories_otherKinds(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"Deployment", "DaemonSet"} {
		for _, mode := range []compat.Mode{clientSide(), serverSideForced()} {
			t.Run(kind+", "+mode.Mode, func(t *testing.T) {
				t.Parallel()
				mode.HistoryOf(t, kind)
			})
		}
	}
}
