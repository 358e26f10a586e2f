package cmd_test

import (
	"strings"
	"testing"

	"github.com/portside-dev/portside/testenv"
)

// TestSync_Verb: the command is named sync, and apply is an alias of it.
func TestSync_Verb(t *testing.T) {
	t.Parallel()
	t.Run("the help states that the AdapterSet is not stored", func(t *testing.T) {
		t.Parallel()
		help := runProgram(t, "", "sync", "--help").stdout
		if !strings.HasPrefix(help, "The AdapterSet is read, not stored") {
			t.Errorf("the help begins differently:\n%s", help)
		}
		expect(t, "help of the alias", runProgram(t, "", "apply", "--help").stdout, help)
		commands := runProgram(t, "", "--help").stdout
		expectIn(t, "commands", commands, "  sync        Sync ")
		if strings.Contains(commands, "  apply") {
			t.Errorf("the alias is listed as a command:\n%s", commands)
		}
	})
	t.Run("a bare argument is a file without -f", func(t *testing.T) {
		t.Parallel()
		for command, code := range map[string]int{"sync": 1, "diff": 3} {
			a := runProgram(t, "", command, "adapterset.yaml")
			if a.code != code {
				t.Errorf("%s: exit code %d, want %d", command, a.code, code)
			}
			expectIn(t, command, a.stderr, `unexpected argument "adapterset.yaml"; name files with -f: portside `+command+" -f adapterset.yaml\n")
		}
	})
	t.Run("the alias does the same", func(t *testing.T) {
		t.Parallel()
		c := newCluster(t, testenv.Shared(t))
		c.argo(staticPorts)
		set := file(t, "set.yaml", adapterSet("[{type: smb, port: 1445}]"))
		c.must(0, c.run("sync", "-f", set))
		expect(t, "the alias", c.must(0, c.run("apply", "-f", set, "-o", "json")).stdout, c.must(0, c.run("sync", "-f", set, "-o", "json")).stdout)
	})
}

// TestExitCode_Help: the help of every command that can fail on a cluster has its exit
// codes.
func TestExitCode_Help(t *testing.T) {
	t.Parallel()
	for _, command := range []string{"sync", "diff", "owners", "history", "adopt", "release", "check", "install"} {
		expectIn(t, command, runProgram(t, "", command, "--help").stdout, "xit codes: 0")
	}
}
