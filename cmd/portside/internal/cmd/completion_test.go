package cmd_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/testenv"
)

// complete returns what completion offers to a shell, and the directive.
func (c *cluster) complete(args ...string) string {
	c.t.Helper()
	connection := []string{"__complete", args[0], "--kubeconfig", c.kubeconfig, "-n", c.namespace}
	a := c.must(0, runProgram(c.t, "", append(connection, args[1:]...)...))
	return strings.TrimSpace(strings.ReplaceAll(a.stdout, "\n", " "))
}

func TestCompletion(t *testing.T) {
	t.Parallel()
	c := newCluster(t, testenv.Shared(t))
	c.argo(staticPorts)
	c.legacy()
	var kinds []string
	for _, d := range workload.TargetDefinitions() {
		kinds = append(kinds, strings.ToLower(d.Kind.Kind)+"/")
	}
	slices.Sort(kinds)
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"history", ""}, strings.Join(kinds, " ") + " :6"},
		{[]string{"owners", "sta"}, "statefulset/ :6"},
		{[]string{"owners", "configm"}, "configmap/ :6"},
		{[]string{"owners", "namespace/kube-s"}, "namespace/kube-system :4"},
		{[]string{"owners", "sts/"}, "sts/dittofs :4"},
		{[]string{"owners", "statefulset/d"}, "statefulset/dittofs :4"},
		{[]string{"owners", "sts", ""}, "dittofs :4"},
		{[]string{"owners", "ds/"}, ":4"},
		{[]string{"owners", "sts", "dittofs", ""}, ":4"},
		{[]string{"owners", "sts/dittofs", "-c", ""}, "dittofs :4"},
		{[]string{"owners", "-o", ""}, "table wide json yaml name annotated html :4"},
		{[]string{"adopt", "sts/dittofs", "--from", ""}, "dittofs-operator :4"},
		{[]string{"sync", "--dry-run", ""}, "none server :4"},
		{[]string{"completion", ""}, "bash zsh fish powershell :4"},
		{[]string{"sync", "--context", ""}, "portside-testenv :4"},
	} {
		expect(t, strings.Join(test.args, " "), c.complete(test.args...), test.want)
	}
	expectIn(t, "namespaces", c.complete("owners", "--namespace", ""), c.namespace, "kube-system")
}

func TestCompletion_WithoutServer(t *testing.T) {
	t.Parallel()
	for _, kubeconfig := range []string{silentServer(t), goneServer(t), "/gone"} {
		started := time.Now()
		for _, args := range [][]string{{"owners", "sts/"}, {"adopt", "sts/x", "--from", ""}, {"owners", "--namespace", ""}} {
			args := append([]string{"__complete", args[0], "--kubeconfig", kubeconfig}, args[1:]...)
			a := runProgram(t, "", args...)
			if a.code != 0 || strings.Contains(a.stderr, "error") {
				t.Errorf("%v: exit code %d\n%s", args, a.code, a.stderr)
			}
			expect(t, "stdout", a.stdout, ":4\n")
		}
		if took := time.Since(started); took > 9*time.Second {
			t.Errorf("three completions took %s", took)
		}
	}
}

func TestCompletion_Scripts(t *testing.T) {
	t.Parallel()
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		a := runProgram(t, "", "completion", shell)
		if a.code != 0 || !strings.Contains(a.stdout, "portside") {
			t.Errorf("%s: exit code %d", shell, a.code)
		}
	}
	expectIn(t, "stderr", runProgram(t, "", "completion", "tcsh").stderr, `unsupported shell "tcsh"`)
	expectIn(t, "help", runProgram(t, "", "completion", "--help").stdout, "under the name kubectl-portside", "kubectl_complete-portside", `exec kubectl-portside __complete "$@"`)
}
