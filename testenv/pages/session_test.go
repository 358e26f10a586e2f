package pages_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/pages"
	"github.com/portside-dev/portside/testenv/portside"
)

// patience is how long a block may take.
const patience = 2 * time.Minute

// session runs the commands of a page in a folder, with portside, and with kubectl in a
// namespace of the page.
type session struct {
	t         *testing.T
	cp        *testenv.ControlPlane
	folder    string
	namespace string
	env       []string
	others    map[string]bool // namespaces that the page names
}

// open returns a session in a copy of the page's folder. At the root of the repository it
// is an empty folder with a link to examples.
func open(t *testing.T, page, program string) *session {
	t.Helper()
	root, err := pages.Root()
	if err != nil {
		t.Fatal(err)
	}
	cp := testenv.WithControllers(t)
	portside.InstallCRD(t, cp) // a page may have deleted it
	tools, folder := t.TempDir(), t.TempDir()
	s := &session{t: t, cp: cp, folder: folder, namespace: cp.Namespace(t), others: map[string]bool{}}
	if dir := filepath.Dir(page); dir == "." {
		err = os.Symlink(filepath.Join(root, "examples"), filepath.Join(folder, "examples"))
	} else {
		err = copyFiles(filepath.Join(root, dir), folder)
	}
	if err != nil {
		t.Fatal(err)
	}
	config, err := cp.KubeconfigIn(s.namespace)
	if err != nil {
		t.Fatal(err)
	}
	kubeconfig := filepath.Join(tools, "kubeconfig")
	if err := os.WriteFile(kubeconfig, config, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, path := range map[string]string{"kubectl": filepath.Join(cp.Assets(), "kubectl"), "portside": program} {
		if err := os.Symlink(path, filepath.Join(tools, name)); err != nil {
			t.Fatal(err)
		}
	}
	s.env = append(cp.KubectlEnvironment(kubeconfig), "NO_COLOR=1", "PATH="+tools+":"+os.Getenv("PATH"), "REPOSITORY="+root)
	return s
}

// copyFiles copies the files of a folder, without folders in it.
func copyFiles(from, to string) error {
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if !entry.Type().IsRegular() {
			continue
		}
		text, err := os.ReadFile(filepath.Join(from, entry.Name()))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(to, entry.Name()), text, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// named matches the namespaces that commands and manifests name.
var named = regexp.MustCompile(`(?:-n |--namespace[= ]|namespace: )([a-z0-9-]+)`)

// needNamespaces creates the namespaces that a text names and that do not exist.
func (s *session) needNamespaces(text string) {
	s.t.Helper()
	for _, match := range named.FindAllStringSubmatch(text, -1) {
		if s.others[match[1]] {
			continue
		}
		s.others[match[1]] = true
		document := fmt.Sprintf("{apiVersion: v1, kind: Namespace, metadata: {name: %s}}", match[1])
		s.cp.MustKubectl(s.t, "default", document, "apply", "--server-side", "-f", "-")
	}
}

// close deletes what other pages could find in namespaces that the page named.
func (s *session) close() {
	for namespace := range s.others {
		s.cp.MustKubectl(s.t, namespace, "", "delete", "--all", "adaptersets,statefulsets,deployments,daemonsets,services")
	}
}

// run runs commands in a shell. It returns their output, both standard output and
// standard error, with the page's namespace as "default", and the exit code of the last
// one.
func (s *session) run(commands string) (output string, code int) {
	s.t.Helper()
	s.needNamespaces(commands)
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	command := exec.CommandContext(ctx, "bash", "-e", "-o", "pipefail", "-c", commands)
	command.Dir, command.Env = s.folder, s.env
	text, err := command.CombinedOutput()
	if ctx.Err() != nil {
		s.t.Fatalf("the commands did not end: %v\n%s\n%s", ctx.Err(), commands, text)
	}
	if command.ProcessState == nil {
		s.t.Fatalf("%s: %v", commands, err)
	}
	return strings.ReplaceAll(string(text), s.namespace, "default"), command.ProcessState.ExitCode()
}

// sh runs a block whose commands must succeed.
func (s *session) sh(b pages.Block) {
	s.t.Helper()
	if output, code := s.run(b.Text); code != 0 {
		s.t.Errorf("%s: exit code %d\n%s\n%s", b, code, b.Text, output)
	}
}

// console runs the commands of a block and compares their output. A command may fail if
// its output is shown; "$ echo $?" after it shows its exit code.
func (s *session) console(b pages.Block) {
	s.t.Helper()
	last := 0
	for _, step := range b.Steps() {
		output, code := strconv.Itoa(last), 0
		if step.Command != "echo $?" {
			output, code = s.run(step.Command)
			last = code
		}
		if err := compare(step.Output, lines(output)); err != nil {
			s.t.Errorf("%s: %v\n$ %s\n%s", b, err, step.Command, output)
		}
		if code != 0 && len(step.Output) == 0 {
			s.t.Errorf("%s: %s: exit code %d", b, step.Command, code)
		}
	}
}

// yaml writes a block with a file name, and has the server accept objects.
func (s *session) yaml(b pages.Block) {
	s.t.Helper()
	if name := b.File(); name != "" {
		if err := os.WriteFile(filepath.Join(s.folder, name), []byte(b.Text), 0o600); err != nil {
			s.t.Fatal(err)
		}
	}
	if !strings.Contains(b.Text, "apiVersion: ") {
		checkYAML(s.t, b)
		return
	}
	s.needNamespaces(b.Text)
	namespace := s.namespace
	if match := regexp.MustCompile(`metadata:[^\n]*\bnamespace: ([a-z0-9-]+)|\n  namespace: ([a-z0-9-]+)`).FindStringSubmatch(b.Text); match != nil {
		namespace = match[1] + match[2]
	}
	if _, err := s.cp.Kubectl(s.t.Context(), namespace, b.Text, "apply", "--server-side", "--force-conflicts", "--field-manager=page", "--validate=strict", "--dry-run=server", "-f", "-"); err != nil {
		s.t.Errorf("%s: %v", b, err)
	}
}
