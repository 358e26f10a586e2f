package guide_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/portside-dev/portside/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m, testenv.Options{}) }

// step is a part of the page that a test runs or compares.
type step struct{ language, text string }

// steps returns the code blocks of the page, and the Go functions that it says are run,
// in their order.
func steps(t *testing.T) []step {
	t.Helper()
	page, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	var all []step
	for _, m := range regexp.MustCompile("(?ms)^```(\\w+)\n(.*?)^```$|^<!-- (run): (\\w+) -->$").FindAllStringSubmatch(string(page), -1) {
		all = append(all, step{m[1] + m[3], m[2] + m[4]})
	}
	return all
}

// blocks returns the code blocks in a language.
func blocks(t *testing.T, language string) []string {
	t.Helper()
	var texts []string
	for _, s := range steps(t) {
		if s.language == language {
			texts = append(texts, s.text)
		}
	}
	if len(texts) == 0 {
		t.Fatalf("the page has no block in %s", language)
	}
	return texts
}

// TestPage runs the page from top to bottom: it writes the YAML files, runs the commands
// and compares their output, and calls the Go functions.
func TestPage(t *testing.T) {
	t.Parallel()
	d := newDeployment(t)
	folder := t.TempDir()
	for _, s := range steps(t) {
		switch s.language {
		case "yaml":
			name := strings.TrimPrefix(strings.SplitN(s.text, "\n", 2)[0], "# ")
			write(t, filepath.Join(folder, name), s.text)
		case "console":
			d.runConsole(t, folder, s.text)
		case "run":
			if s.text != "Reconcile" {
				t.Fatalf("the page runs %s, which this test does not know", s.text)
			}
			d.reconcile(t)
		case "go", "text": // compared by other tests
		default:
			t.Errorf("the page has a block in %q, which no test runs", s.language)
		}
	}
}

// runConsole runs the commands of a block and compares the block with what they print.
func (d *deployment) runConsole(t *testing.T, folder, block string) {
	t.Helper()
	var printed strings.Builder
	for line := range strings.Lines(block) {
		command, is := strings.CutPrefix(line, "$ ")
		if !is {
			continue
		}
		printed.WriteString(line + d.run(t, folder, command))
	}
	if printed.String() != block {
		t.Errorf("the page shows\n%s\nthe commands print\n%s", block, printed.String())
	}
}

// run runs a shell command with kubectl in the namespace, and returns what it prints.
func (d *deployment) run(t *testing.T, folder, command string) string {
	t.Helper()
	config, err := d.cp.KubeconfigIn(d.key.Namespace)
	must(t, err)
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	write(t, kubeconfig, string(config))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	shell := exec.CommandContext(ctx, "sh", "-c", command)
	shell.Dir = folder
	shell.Env = append(d.cp.KubectlEnvironment(kubeconfig), "PATH="+d.cp.Assets()+":"+os.Getenv("PATH"))
	output, err := shell.CombinedOutput()
	if err != nil {
		t.Errorf("%s: %v\n%s", command, err, output)
	}
	return string(output)
}

// TestGo checks that the Go code of the page is a copy of code that tests run.
func TestGo(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.go")
	must(t, err)
	var code strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(file)
		must(t, err)
		code.Write(text)
	}
	for _, block := range blocks(t, "go") {
		if !strings.Contains(code.String(), block) {
			t.Errorf("no file of this folder contains this code of the page:\n%s", block)
		}
	}
}

// TestLines checks that the keyed list has fewer than 40 lines of code, without comments and
// empty lines.
func TestLines(t *testing.T) {
	t.Parallel()
	count := 0
	for line := range strings.Lines(blocks(t, "go")[0]) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "//") {
			count++
		}
	}
	if count < 20 || count >= 40 {
		t.Errorf("the first block of Go has %d lines, want fewer than 40", count)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	must(t, os.WriteFile(path, []byte(text), 0o600))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
