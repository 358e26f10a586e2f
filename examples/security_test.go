package examples_test

import (
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const securityPage = "../.github/SECURITY.md"

// TestSecurityPage checks that each row of the tables names tests, and that these tests
// and their cases exist.
func TestSecurityPage(t *testing.T) {
	tests := testFiles(t)
	row := regexp.MustCompile(`^\| (.*) \| (.*) \|$`)
	name := regexp.MustCompile("`(Test\\w+)(?:/([^`]+))?`")
	rows := 0
	for line := range strings.Lines(fileText(t, securityPage)) {
		cells := row.FindStringSubmatch(strings.TrimSpace(line))
		if cells == nil || cells[2] == "shown by" {
			continue
		}
		rows++
		named := name.FindAllStringSubmatch(cells[2], -1)
		if len(named) == 0 {
			t.Errorf("the row names no test: %s", cells[1])
		}
		for _, n := range named {
			if !exists(tests, n[1], n[2]) {
				t.Errorf("test %s with the case %q not found", n[1], n[2])
			}
		}
	}
	if rows < 20 {
		t.Errorf("the tables have %d rows, want at least 20", rows)
	}
	expectLinks(t, securityPage)
}

// testFiles returns the text of the test files of each folder of the repository.
func testFiles(t *testing.T) map[string]string {
	t.Helper()
	folders := map[string]string{}
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && strings.HasSuffix(path, "_test.go") {
			folders[filepath.Dir(path)] += fileText(t, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return folders
}

// exists reports whether a folder has the test and, in quotes, the name of the case. In
// the test's own table the name may lack the first one or two words.
func exists(folders map[string]string, test, called string) bool {
	for _, text := range folders {
		if !strings.Contains(text, "\nfunc "+test+"(t *testing.T) {") {
			continue
		}
		words := strings.Split(called, " ")
		for from := range min(len(words), 3) {
			if called == "" || strings.Contains(text, `"`+strings.Join(words[from:], " ")+`"`) {
				return true
			}
		}
	}
	return false
}
