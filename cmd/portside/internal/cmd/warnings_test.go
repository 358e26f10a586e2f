package cmd_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/portside-dev/portside/cmd/portside/internal/cli"
	"github.com/portside-dev/portside/cmd/portside/internal/cmd"
	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/fixture"
)

// TestServerWarnings_PrintedOnce: the API server warns of a port name that another
// container has, too (fact 11 of the design), for each of two workloads in the same
// words.
func TestServerWarnings_PrintedOnce(t *testing.T) {
	t.Parallel()
	c := newCluster(t, testenv.Shared(t))
	sets := []string{}
	for _, name := range []string{"one", "two"} {
		object := statefulSet(staticPorts, fixture.Container("first", "adapter-smb:445/TCP"), fixture.Metadata("name: "+name))
		c.Manager(testenv.ArgoCD).In(c.namespace).MustApply(t, object)
		set := strings.ReplaceAll(adapterSet("[{type: smb, port: 1445}]"), "name: dittofs", "name: "+name)
		sets = append(sets, strings.Replace(set, "spec:\n", "spec:\n  container: dittofs\n", 1))
	}
	a := c.must(0, c.runWith(strings.Join(sets, "---\n"), "sync", "-f", "-"))
	if strings.Count(a.stderr, "Warning: ") != 1 || !strings.Contains(a.stderr, "duplicate port name") {
		t.Errorf("stderr:\n%s", a.stderr)
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	expectIn(t, "text", runProgram(t, "", "version").stdout, "portside v0.0.0-test (go1.")
	var report struct{ Version, GoVersion, Platform string }
	if err := json.Unmarshal([]byte(runProgram(t, "", "version", "-o", "json").stdout), &report); err != nil {
		t.Fatal(err)
	}
	if report.Version != "v0.0.0-test" || report.GoVersion == "" || report.Platform == "" {
		t.Errorf("%+v", report)
	}
	expectIn(t, "yaml", runProgram(t, "", "version", "-o", "yaml").stdout, "version: v0.0.0-test\n")
}

// fullDisk is a stdout to which nothing can be written.
type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

func TestResults_CannotBeWritten(t *testing.T) {
	t.Parallel()
	for _, args := range []string{"", "--help", "sync --help", "options", "version", "completion bash", "completion powershell"} {
		var errOut bytes.Buffer
		root := cmd.New(genericiooptions.IOStreams{Out: fullDisk{}, ErrOut: &errOut}, "v0.0.0-test")
		root.SetArgs(strings.Fields(args))
		if code := cli.Run(t.Context(), root); code != 1 || errOut.String() != "error: no space left on device\n" {
			t.Errorf("%q: exit code %d\n%s", args, code, &errOut)
		}
	}
}

func TestUnknownCommand(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"blah"}, {"help", "blah"}} {
		expect(t, "stderr", runProgram(t, "", args...).stderr, "error: unknown command \"blah\" for \"portside\"\n  See 'portside --help' for usage.\n")
	}
	expectIn(t, "stderr", runProgram(t, "", "snyc", "-f", "x").stderr, "Did you mean this? sync\n", "See 'portside --help'")
}

func TestHelp_Width(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"portside", "kubectl-portside"} {
		for _, args := range append(helpOfEveryCommand(), "options") {
			var out, errOut bytes.Buffer
			root := cmd.New(genericiooptions.IOStreams{Out: &out, ErrOut: &errOut}, "v0.0.0-test", cli.CalledAs(name))
			root.SetArgs(strings.Fields(args))
			if code := cli.Run(t.Context(), root); code != 0 || errOut.Len() > 0 {
				t.Errorf("%s %s: exit code %d\n%s", name, args, code, &errOut)
			}
			for line := range strings.Lines(out.String()) {
				if width := len(strings.TrimSuffix(line, "\n")); width > 80 {
					t.Errorf("%s %s: a line of %d characters: %s", name, args, width, line)
				}
			}
		}
	}
	expectIn(t, "options", runProgram(t, "", "options").stdout, "--kubeconfig=''", "--request-timeout='30s'", "-n, --namespace=''", "--log-format=text", "(text|json)")
}

// helpOfEveryCommand returns the arguments that print the help of the program and of
// each command.
func helpOfEveryCommand() []string {
	args := []string{"--help"}
	for _, cmd := range cmd.New(genericiooptions.IOStreams{}, "v0.0.0-test").Commands() {
		args = append(args, cmd.Name()+" --help")
	}
	return args
}
