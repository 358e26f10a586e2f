package cmd_test

import (
	"encoding/json"
	"testing"

	"github.com/portside-dev/portside/testenv"
)

// TestCheck tests the outputs and the exit codes. The tests of package check run this
// command for each finding.
func TestCheck(t *testing.T) {
	t.Parallel()
	c := newCluster(t, testenv.Shared(t))
	args := []string{"check", "--field-manager", c.namespace, "--watch-namespace", c.namespace}
	printed := c.must(0, c.run(append([]string{"install"}, args[1:]...)...)).stdout
	if _, err := c.Kubectl(t.Context(), "", printed, "apply", "--server-side", "-f", "-"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Kubectl(t.Context(), "", "", "delete", "validatingadmissionpolicybinding", c.namespace+"-guard"); err != nil {
		t.Fatal(err)
	}
	wrong := c.must(2, c.run(args...)).stdout
	expectIn(t, "table", wrong, "CHECK ", " STATE ", "Server ", "ValidatingAdmissionPolicyBinding "+c.namespace+"-guard: not found; run: portside install --image IMAGE")

	var document struct {
		Findings []struct {
			Check, State, Message string
			Objects               []string
		}
	}
	if err := json.Unmarshal([]byte(c.must(2, c.run(append(args, "-o", "json")...)).stdout), &document); err != nil {
		t.Fatal(err)
	}
	if len(document.Findings) < 3 || document.Findings[0].Check != "Server" || document.Findings[0].State != "OK" {
		t.Errorf("%v", document)
	}
}

func TestCheck_Usage(t *testing.T) {
	t.Parallel()
	for want, args := range map[string][]string{
		"name the one namespace to watch": {"--without-policies"},
		"begins with":                     {"--field-manager", "kubectl-x"},
		"must be one of table, json":      {"-o", "name"},
		"unexpected arguments: now":       {"now"},
		"127.0.0.1:1 was refused":         {"--server", "https://127.0.0.1:1", "--kubeconfig", "/dev/null"},
	} {
		a := runProgram(t, "", append([]string{"check"}, args...)...)
		if a.code != 1 || a.stdout != "" {
			t.Errorf("%v: exit code %d, stdout %q", args, a.code, a.stdout)
		}
		expectIn(t, "stderr", a.stderr, "error: ", want)
	}
}
