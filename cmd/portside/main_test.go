package main

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/fixture"
	"github.com/portside-dev/portside/testenv/portside"
)

// TestMain lets this binary run as portside, with its real exit codes, streams and
// name.
func TestMain(m *testing.M) {
	if os.Getenv("PORTSIDE_TEST_RUN_MAIN") != "" {
		main()
	}
	testenv.Main(m, testenv.Options{})
}

// self returns this binary as portside.
func self(t *testing.T) portside.Program {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return portside.Program{Path: path, Env: []string{"PORTSIDE_TEST_RUN_MAIN=1"}}
}

// program runs portside by this name.
func program(t *testing.T, name string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	link := filepath.Join(t.TempDir(), name)
	if err := os.Symlink(self(t).Path, link); err != nil {
		t.Fatal(err)
	}
	var out, errOut strings.Builder
	command := exec.CommandContext(t.Context(), link, args...)
	command.Env = []string{"PORTSIDE_TEST_RUN_MAIN=1", "HOME=" + t.TempDir()}
	command.Stdout, command.Stderr = &out, &errOut
	err := command.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return command.ProcessState.ExitCode(), out.String(), errOut.String()
}

func TestExitCodes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		args   []string
		code   int
		stderr string
	}{
		{[]string{"version"}, 0, ""},
		{[]string{"--help"}, 0, ""},
		{nil, 0, ""},
		{[]string{"blah"}, 1, `error: unknown command "blah" for "portside"`},
		{[]string{"sync", "--gone"}, 1, "error: unknown flag: --gone"},
		{[]string{"diff", "--gone"}, 3, "error: unknown flag: --gone"},
		{[]string{"owners", "sts/x"}, 1, "error: no cluster is configured"},
		{[]string{"owners", "sts/x", "--server", "http://127.0.0.1:1", "-v", "1"}, 1, "error: "},
	} {
		code, stdout, stderr := program(t, "portside", test.args...)
		if code != test.code || !strings.Contains(stderr, test.stderr) || (code == 0) != (stdout != "") {
			t.Errorf("%v: exit code %d\nstdout:\n%s\nstderr:\n%s", test.args, code, stdout, stderr)
		}
	}
}

func TestRequestLog(t *testing.T) {
	t.Parallel()
	args := []string{"owners", "sts/x", "--server", "http://127.0.0.1:1", "--log-format=json"}
	_, _, quiet := program(t, "portside", args...)
	if strings.Count(quiet, "\n") != 1 {
		t.Errorf("-v 0 prints more than the error:\n%s", quiet)
	}
	_, stdout, stderr := program(t, "portside", append(args, "-v", "6")...)
	if stdout != "" || !strings.Contains(stderr, `"level":"info"`) || !strings.Contains(stderr, "/apis/apps/v1/namespaces/default/statefulsets/x") {
		t.Errorf("-v 6:\nstdout:\n%s\nstderr:\n%s", stdout, stderr)
	}
}

func TestKubectlPlugin(t *testing.T) {
	t.Parallel()
	code, stdout, _ := program(t, "kubectl-portside", "owners", "--help")
	if code != 0 || !strings.Contains(stdout, "kubectl portside owners KIND/NAME") || strings.Contains(stdout, "  portside ") {
		t.Errorf("exit code %d\n%s", code, stdout)
	}
}

// TestKubectlRunsPlugin has the real kubectl find the plugin and its completion on
// PATH. The completion script is the one in the help.
func TestKubectlRunsPlugin(t *testing.T) {
	t.Parallel()
	cp := testenv.Shared(t)
	namespace := cp.Namespace(t)
	cp.Manager(testenv.ArgoCD).In(namespace).MustApply(t, fixture.StatefulSet("dittofs", fixture.Container("dittofs")))
	dir := t.TempDir()
	if err := os.Symlink(self(t).Path, filepath.Join(dir, "kubectl-portside")); err != nil {
		t.Fatal(err)
	}
	_, help, _ := program(t, "portside", "completion", "--help")
	_, script, found := strings.Cut(help, "#!/bin/sh\n")
	script, _, ends := strings.Cut(script, "\n\n")
	if !found || !ends {
		t.Fatalf("no script in the help:\n%s", help)
	}
	script = "#!/bin/sh\n" + strings.TrimSpace(script) + "\n"
	if err := os.WriteFile(filepath.Join(dir, "kubectl_complete-portside"), []byte(script), 0o700); err != nil { //nolint:gosec // G306: a program.
		t.Fatal(err)
	}
	kubectl := func(args ...string) string {
		t.Helper()
		command := exec.CommandContext(t.Context(), filepath.Join(cp.Assets(), "kubectl"), args...)
		command.Env = []string{"PORTSIDE_TEST_RUN_MAIN=1", "HOME=" + t.TempDir(), "KUBERC=off", "KUBECONFIG=" + cp.KubeconfigFile(), "PATH=" + dir + ":/usr/bin:/bin"}
		var out, errOut strings.Builder
		command.Stdout, command.Stderr = &out, &errOut
		if err := command.Run(); err != nil {
			t.Fatalf("kubectl %v: %v\n%s", args, err, &errOut)
		}
		return out.String()
	}
	if got := kubectl("portside", "version"); !strings.HasPrefix(got, "portside ") {
		t.Errorf("version: %s", got)
	}
	if got := kubectl("portside", "owners", "--help"); !strings.Contains(got, "kubectl portside owners KIND/NAME") {
		t.Errorf("help:\n%s", got)
	}
	if got := kubectl("__complete", "portside", "hi"); !strings.HasPrefix(got, "history\t") {
		t.Errorf("completion of a command:\n%s", got)
	}
	if got := kubectl("__complete", "portside", "owners", "-n", namespace, "sts/"); !strings.HasPrefix(got, "sts/dittofs\n:4") {
		t.Errorf("completion of a workload:\n%s", got)
	}
}

func TestInterrupt(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	var errOut strings.Builder
	command := exec.CommandContext(t.Context(), self(t).Path, "owners", "sts/x", "--server", "http://"+listener.Addr().String())
	command.Env = []string{"PORTSIDE_TEST_RUN_MAIN=1", "HOME=" + t.TempDir()}
	command.Stderr = &errOut
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	connection, err := listener.Accept() // the command waits for the answer
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	if err := command.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_ = command.Wait() // the exit code is checked below
	if code := command.ProcessState.ExitCode(); code != 1 || errOut.String() != "error: interrupted\n" {
		t.Errorf("exit code %d\n%s", code, errOut.String())
	}
}
