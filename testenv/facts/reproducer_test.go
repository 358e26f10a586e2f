package facts_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/facts"
)

// TestReproducers runs the reproducer of each fact and compares its output with the
// lines that it shows.
func TestReproducers(t *testing.T) {
	t.Parallel()
	used := []string{}
	for _, fact := range facts.All() {
		commands, functions := fact.Reproducer(), fact.List.Functions()
		used = append(used, commands, functions)
		t.Run(strings.TrimPrefix(fact.Test(), "Test"), func(t *testing.T) {
			t.Parallel()
			if why := ownClusterOnly[fact.Test()]; why != "" {
				notOnExisting(t, testenv.WithControllers(t), why)
			}
			if n := strings.Count(functions+commands, "\n"); commands == "" || n > facts.MaxLines {
				t.Fatalf("the reproducer has %d lines with its functions, want 1 to %d", n, facts.MaxLines)
			}
			if !strings.Contains(commands, "\n#> ") {
				t.Fatal("the reproducer shows no output")
			}
			reproduce(t, functions, commands)
		})
	}
	paths, err := filepath.Glob("reproducers/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		if text, err := os.ReadFile(path); err != nil || !slices.Contains(used, string(text)) {
			t.Errorf("%s is not the reproducer of a fact, %v", path, err)
		}
	}
}

// ownClusterOnly are the reproducers that are not run on an existing cluster.
var ownClusterOnly = map[string]string{
	"TestFact12_NoopApply":                    needsMetrics,
	"TestFact16_AdmissionSeesManager":         needsPolicy,
	"TestServiceFact02_ReapplyChangesNothing": needsLoadBalancer,
}

// part is a part of a reproducer: commands, and lines of their output.
type part struct {
	commands string
	shown    []string
}

func partsOf(script string) []part {
	parts := []part{{}}
	for line := range strings.Lines(script) {
		last := &parts[len(parts)-1]
		if shown, ok := strings.CutPrefix(line, "#> "); ok {
			last.shown = append(last.shown, strings.TrimSpace(shown))
			continue
		}
		if last.shown != nil {
			parts = append(parts, part{})
			last = &parts[len(parts)-1]
		}
		last.commands += line
	}
	return parts
}

// reproduce runs a reproducer in a namespace of its own.
func reproduce(t *testing.T, functions, script string) {
	t.Helper()
	cp := testenv.WithControllers(t)
	parts := partsOf(script)
	const end = "--- end of a part ---"
	text := functions
	for _, part := range parts {
		text += part.commands + "echo; echo '" + end + "'\n"
	}
	outputs := strings.Split(runScript(t, cp, cp.Namespace(t), text), end+"\n")
	if len(outputs) != len(parts)+1 {
		t.Fatalf("the reproducer ended after %d of %d parts:\n%s", len(outputs)-1, len(parts), strings.Join(outputs, ""))
	}
	for i, part := range parts {
		if err := part.check(outputs[i]); err != nil {
			t.Errorf("part %d: %v\ncommands:\n%s\noutput:\n%s", i+1, err, part.commands, outputs[i])
		}
	}
}

// runScript runs a script with kubectl in a namespace and returns its output.
func runScript(t *testing.T, cp *testenv.ControlPlane, ns, text string) string {
	t.Helper()
	folder := t.TempDir()
	config, err := cp.KubeconfigIn(ns)
	if err != nil {
		t.Fatal(err)
	}
	kubeconfig := filepath.Join(folder, "kubeconfig")
	if err := os.WriteFile(kubeconfig, config, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(cp.Assets(), "kubectl"), filepath.Join(folder, "kubectl")); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	command := exec.CommandContext(ctx, "sh", "-s")
	command.Env = append(cp.KubectlEnvironment(kubeconfig), "PATH="+folder+":"+os.Getenv("PATH"))
	command.Stdin = strings.NewReader(text)
	out, err := command.CombinedOutput()
	if ctx.Err() != nil {
		t.Fatalf("the reproducer did not end: %v\n%s", err, out)
	}
	return string(out)
}

// unexpected matches errors of kubectl and the shell.
var unexpected = regexp.MustCompile(`(?i)^(error|sh: |the \w+ ".*" is invalid)`)

// check returns an error unless the output has the shown lines in their order, and no
// error that is not shown.
func (p part) check(output string) error {
	left := p.shown
	for line := range strings.Lines(output) {
		line = strings.TrimSpace(line)
		if len(left) > 0 && matches(left[0], line) {
			left = left[1:]
		} else if unexpected.MatchString(line) {
			return fmt.Errorf("unexpected line %q", line)
		}
	}
	if len(left) > 0 {
		return fmt.Errorf("no line %q", left[0])
	}
	return nil
}

// matches reports whether a line is the shown one, in which "…" is any text.
func matches(shown, line string) bool {
	pattern := strings.ReplaceAll(regexp.QuoteMeta(shown), "…", ".*")
	return regexp.MustCompile("^" + pattern + "$").MatchString(line)
}

// patience is how long a reproducer may take.
const patience = 3 * time.Minute
