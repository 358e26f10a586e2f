package command_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/portside-dev/portside/testenv"
)

// The API server warns of a port name that another container has too (fact 11
// of the design), once for each of two workloads, in the same words.
func TestServerWarningsAreToldOnce(t *testing.T) {
	t.Parallel()
	c := newCluster(t, testenv.Shared(t))
	sets := []string{}
	for _, name := range []string{"one", "two"} {
		object := strings.Replace(statefulSet(staticPorts), "containers: [", "containers: [{name: first, image: x, ports: [{name: adapter-smb, containerPort: 445, protocol: TCP}]}, ", 1)
		object = strings.Replace(object, "metadata: {name: dittofs}", "metadata: {name: "+name+"}", 1)
		if _, err := c.Manager(testenv.ArgoCD).In(c.namespace).Apply(t.Context(), object); err != nil {
			t.Fatal(err)
		}
		set := strings.ReplaceAll(adapterSet("[{type: smb, port: 1445}]"), "name: dittofs", "name: "+name)
		sets = append(sets, strings.Replace(set, "spec:\n", "spec:\n  container: dittofs\n", 1))
	}
	a := c.must(0, c.runWith(strings.Join(sets, "---\n"), "apply", "-f", "-"))
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

func TestHelpFitsATerminal(t *testing.T) {
	t.Parallel()
	for _, command := range []string{"", "apply", "diff", "owners", "history", "adopt", "release", "version", "completion"} {
		a := runProgram(t, "", append(strings.Fields(command), "--help")...)
		if a.code != 0 || a.stderr != "" {
			t.Errorf("%s: exit code %d\n%s", command, a.code, a.stderr)
		}
		for line := range strings.Lines(a.stdout) {
			if len(line) > 101 {
				t.Errorf("%s: a line of %d characters: %s", command, len(line), line)
			}
		}
	}
	expectIn(t, "options", runProgram(t, "", "options").stdout, "--kubeconfig=''", "--request-timeout='30s'", "-n, --namespace=''", "--log-format=text", "(text|json)")
}
