package testenv

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// KubeconfigFile returns the path of the administrator's kubeconfig file, which
// exists until Stop.
func (cp *ControlPlane) KubeconfigFile() string { return filepath.Join(cp.dir, "kubeconfig") }

func (cp *ControlPlane) writeKubeconfig() error {
	content, err := cp.Kubeconfig()
	if err != nil {
		return err
	}
	return os.WriteFile(cp.KubeconfigFile(), content, 0o600)
}

// KubectlEnvironment returns the environment for kubectl with a kubeconfig file. It has
// no other configuration of the user, and nothing is written to the home folder. For an
// existing cluster it has the user's variables, which its credentials may need.
func (cp *ControlPlane) KubectlEnvironment(kubeconfig string) []string {
	variables := []string{"HOME=" + cp.dir, "PATH=" + os.Getenv("PATH")}
	if cp.Existing() {
		variables = os.Environ()
	}
	return append(variables, "KUBECONFIG="+kubeconfig, "KUBERC=off")
}

// Kubectl runs the real kubectl as the administrator in a namespace, with stdin as
// its standard input, and returns its standard output. The error has its standard
// error.
func (cp *ControlPlane) Kubectl(ctx context.Context, namespace, stdin string, args ...string) (stdout string, err error) {
	args = append([]string{"--namespace=" + namespace}, args...)
	command := exec.CommandContext(ctx, filepath.Join(cp.assets, binaryKubectl), args...)
	command.Env = cp.KubectlEnvironment(cp.KubeconfigFile())
	command.Stdin = strings.NewReader(stdin)
	var out, errOut strings.Builder
	command.Stdout, command.Stderr = &out, &errOut
	if err := command.Run(); err != nil {
		return out.String(), fmt.Errorf("kubectl %s: %w: %s", strings.Join(args, " "), err, errOut.String())
	}
	return out.String(), nil
}

// MustKubectl is [ControlPlane.Kubectl] in a test, which fails if kubectl does.
func (cp *ControlPlane) MustKubectl(t testing.TB, namespace, stdin string, args ...string) (stdout string) {
	t.Helper()
	out, err := cp.Kubectl(t.Context(), namespace, stdin, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}
