package pages_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/portside-dev/portside/testenv/pages"
	"github.com/portside-dev/portside/testenv/portside"
)

// TestPages runs the commands of every page, in their order, and compares the output that
// pages show. Blocks of the table notRun are left out.
func TestPages(t *testing.T) {
	program := portside.BuildFor(t).Path
	all, err := pages.All()
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for _, page := range all {
		t.Run(page, func(t *testing.T) {
			blocks, err := pages.Blocks(page)
			if err != nil {
				t.Fatal(err)
			}
			var s *session
			for _, b := range blocks {
				if key, covered := coveredElsewhere(b); covered {
					used[key] = true
					continue
				}
				if s == nil && needsSession(b) {
					s = open(t, page, program)
					defer s.close()
					s.prepare(page)
				}
				check(t, s, b)
			}
		})
	}
	for key := range notRun {
		if !used[key] && slices.Contains(all, pageOf(key)) {
			t.Errorf("no page has the block %q: remove it from the table notRun", key)
		}
	}
}

// prepare runs the commands of the table before.
func (s *session) prepare(page string) {
	s.t.Helper()
	if commands := before[page]; commands != "" {
		if output, code := s.run(commands); code != 0 {
			s.t.Fatalf("cannot prepare %s: exit code %d\n%s", page, code, output)
		}
	}
}

func needsSession(b pages.Block) bool {
	return b.Language == "sh" || b.Language == "console" || b.Language == "yaml"
}

// check does with a block what its language asks for.
func check(t *testing.T, s *session, b pages.Block) {
	t.Helper()
	switch b.Language {
	case "sh":
		s.sh(b)
	case "console":
		s.console(b)
	case "yaml":
		s.yaml(b)
	case "json":
		if !json.Valid([]byte(b.Text)) {
			t.Errorf("%s: not JSON:\n%s", b, b.Text)
		}
	case "go":
		checkGo(t, b)
	case "http", "mermaid":
	default:
		t.Errorf("%s: a block in %q is neither run nor in the table notRun", b, b.Language)
	}
}

func checkYAML(t *testing.T, b pages.Block) {
	t.Helper()
	var value any
	if err := yaml.UnmarshalStrict([]byte(b.Text), &value); err != nil {
		t.Errorf("%s: %v", b, err)
	}
}

// checkGo checks that the code is a copy of code in a file of Go, which tests compile and
// run.
func checkGo(t *testing.T, b pages.Block) {
	t.Helper()
	for _, text := range goFiles(t) {
		if strings.Contains(text, b.Text) {
			return
		}
	}
	t.Errorf("%s: no Go file contains this code:\n%s", b, b.Text)
}

// goFiles returns the Go files of the repository.
func goFiles(t *testing.T) []string {
	t.Helper()
	root, err := pages.Root()
	if err != nil {
		t.Fatal(err)
	}
	list := exec.CommandContext(t.Context(), "git", "ls-files", "--cached", "--others", "--exclude-standard", "*.go")
	list.Dir = root
	names, err := list.Output()
	if err != nil {
		t.Fatalf("git ls-files: %v", err)
	}
	var texts []string
	for name := range strings.FieldsSeq(string(names)) {
		if text, err := os.ReadFile(filepath.Join(root, name)); err == nil {
			texts = append(texts, string(text))
		}
	}
	return texts
}

// coveredElsewhere reports whether a block, or its whole page, is in the table notRun,
// with the key.
func coveredElsewhere(b pages.Block) (key string, covered bool) {
	for _, key := range []string{b.Page, b.Page + ": " + b.FirstLine()} {
		if _, covered := notRun[key]; covered {
			return key, true
		}
	}
	return "", false
}

// pageOf returns the page of a key of the table notRun.
func pageOf(key string) string {
	page, _, _ := strings.Cut(key, ": ")
	return page
}

// TestNotRun checks that what covers a block exists: a test, or a file of this repository.
func TestNotRun(t *testing.T) {
	t.Parallel()
	root, err := pages.Root()
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Join(goFiles(t), "\n")
	for key, cover := range notRun {
		if _, err := os.Stat(filepath.Join(root, pageOf(key))); err != nil {
			continue // the entry of a page that a checkout lacks covers nothing
		}
		if strings.HasPrefix(cover, "Test") {
			if !strings.Contains(text, "func "+cover+"(t *testing.T)") {
				t.Errorf("%s: there is no test %s", key, cover)
			}
		} else if _, err := os.Stat(filepath.Join(root, cover)); err != nil {
			t.Errorf("%s: %v", key, err)
		}
	}
}
