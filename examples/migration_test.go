package examples_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/portside-dev/portside/testenv"
)

// migration is examples/dittofs/migrate.sh and a DittoFS that its operator runs.
type migration struct {
	*operator
	t          *testing.T
	folder     string // a copy of examples/dittofs, for the test's namespaces
	commands   string // the folder of kubectl and portside
	kubeconfig string
	before     map[string]string // what the migration must not change, see kept
	starts     int               // of pods
}

func newMigration(t *testing.T, o *operator, binaries string) *migration {
	t.Helper()
	m := &migration{operator: o, t: t, folder: t.TempDir(), commands: t.TempDir()}
	files, err := filepath.Glob("dittofs/*")
	must(t, err)
	here := strings.NewReplacer("namespace: storage", "namespace: "+o.namespace, "\nnamespace=storage", "\nnamespace="+o.namespace,
		"\noperator_namespace=dittofs", "\noperator_namespace="+o.own)
	for _, path := range files {
		m.write(filepath.Join(m.folder, filepath.Base(path)), here.Replace(fileText(t, path)))
	}
	must(t, os.Symlink(filepath.Join(o.cp.Assets(), "kubectl"), filepath.Join(m.commands, "kubectl")))
	must(t, os.Symlink(filepath.Join(binaries, "portside"), filepath.Join(m.commands, "portside")))
	content, err := testenv.KubeconfigOf(o.cp.Config(), "default")
	must(t, err)
	m.kubeconfig = filepath.Join(t.TempDir(), "kubeconfig")
	m.write(m.kubeconfig, string(content))
	m.before, m.starts = kept(m.live()), o.cp.PodStarts(o.namespace)
	return m
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (m *migration) write(path, text string) {
	m.t.Helper()
	must(m.t, os.WriteFile(path, []byte(text), 0o700)) //nolint:gosec // G306: a script is run
}

// edit replaces text in a file of the copy.
func (m *migration) edit(file, from, to string) {
	m.t.Helper()
	path := filepath.Join(m.folder, file)
	text := fileText(m.t, path)
	if !strings.Contains(text, from) {
		m.t.Fatalf("%s does not contain %q", file, from)
	}
	m.write(path, strings.ReplaceAll(text, from, to))
}

// intercept runs shell commands in place of those calls of a command whose arguments
// match a pattern of the shell. There "$real" "$@" is the call itself.
func (m *migration) intercept(command, pattern, commands string) {
	m.t.Helper()
	path := filepath.Join(m.commands, command)
	real, err := os.Readlink(path)
	must(m.t, err)
	must(m.t, os.Remove(path))
	m.write(path, fmt.Sprintf("#!/bin/sh\nreal=%s\ncase \"$*\" in %s)\n%s\nexit;; esac\nexec \"$real\" \"$@\"\n", real, pattern, commands))
}

// restore ends an interception.
func (m *migration) restore(command string) {
	m.t.Helper()
	path := filepath.Join(m.commands, command)
	_, text, _ := strings.Cut(fileText(m.t, path), "\nreal=")
	real, _, _ := strings.Cut(text, "\n")
	must(m.t, os.Remove(path))
	must(m.t, os.Symlink(real, path))
}

// run runs migrate.sh in a process group of its own and returns its standard error.
func (m *migration) run() (stderr string, err error) {
	m.t.Helper()
	command := exec.CommandContext(m.t.Context(), filepath.Join(m.folder, "migrate.sh"))
	command.Env = []string{"KUBECONFIG=" + m.kubeconfig, "HOME=" + m.t.TempDir(), "KUBERC=off", "PATH=" + m.commands + ":" + os.Getenv("PATH")}
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var out, errOut bytes.Buffer
	command.Stdout, command.Stderr = &out, &errOut
	err = command.Run()
	if out.Len() > 0 {
		m.t.Errorf("migrate.sh writes to standard output: %s", out.String())
	}
	return errOut.String(), err
}

func (m *migration) mustRun() {
	m.t.Helper()
	if stderr, err := m.run(); err != nil {
		m.t.Fatalf("migrate.sh: %v\n%s", err, stderr)
	}
}

// refuse runs migrate.sh, which must stop with an error that says this.
func (m *migration) refuse(says ...string) {
	m.t.Helper()
	stderr, err := m.run()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 {
		m.t.Errorf("migrate.sh: %v, want exit code 1\n%s", err, stderr)
	}
	for _, text := range append(says, "migrate: stopped; no later step was begun") {
		if !strings.Contains(stderr, text) {
			m.t.Errorf("migrate.sh does not say %q:\n%s", text, stderr)
		}
	}
}

func (m *migration) sync(recording string) {
	m.t.Helper()
	command := exec.CommandContext(m.t.Context(), filepath.Join(m.commands, "portside"), "sync", "-f", "adapterset.yaml", "--adapters", recording)
	command.Dir, command.Env = m.folder, []string{"KUBECONFIG=" + m.kubeconfig, "HOME=" + m.t.TempDir()}
	if output, err := command.CombinedOutput(); err != nil {
		m.t.Fatalf("portside sync: %v\n%s", err, output)
	}
}

func (m *migration) patchDittoServer(patch string) {
	m.t.Helper()
	m.cp.MustKubectl(m.t, m.namespace, "", "patch", "dittoserver", dittofs, "--type=merge", "--patch", patch)
}
