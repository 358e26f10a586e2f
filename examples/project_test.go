package examples_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// TestProjectPages checks the links of the pages about the project.
func TestProjectPages(t *testing.T) {
	for _, page := range []string{"../CONTRIBUTING.md", "../CODE_OF_CONDUCT.md", "../CHANGELOG.md", "chart/README.md"} {
		expectLinks(t, page)
	}
}

// expectLinks fails the test if a file that a page links to does not exist.
func expectLinks(t *testing.T, page string) {
	t.Helper()
	for _, link := range regexp.MustCompile(`\]\(([^):#]+)(#[^)]*)?\)`).FindAllStringSubmatch(fileText(t, page), -1) {
		if _, err := os.Stat(filepath.Join(filepath.Dir(page), link[1])); err != nil {
			t.Errorf("%s links to %s: %v", page, link[1], err)
		}
	}
}

// TestContributing checks that the targets of make, the scripts and the tests that
// CONTRIBUTING.md names exist.
func TestContributing(t *testing.T) {
	page := fileText(t, "../CONTRIBUTING.md")
	makefile := fileText(t, "../Makefile")
	for _, target := range regexp.MustCompile("`make ([a-z-]+)`").FindAllStringSubmatch(page, -1) {
		if !strings.Contains(makefile, "\n"+target[1]+":") {
			t.Errorf("make has no target %s", target[1])
		}
	}
	for _, script := range regexp.MustCompile("`(\\.ci/[a-z-]+)`").FindAllStringSubmatch(page, -1) {
		if _, err := os.Stat(filepath.Join("..", script[1])); err != nil {
			t.Error(err)
		}
	}
	tests := testFiles(t)
	for _, name := range regexp.MustCompile(`-run '?(Test\w+)`).FindAllStringSubmatch(page, -1) {
		found := false
		for _, text := range tests {
			found = found || strings.Contains(text, "\nfunc "+name[1])
		}
		if !found {
			t.Errorf("no test begins with %s", name[1])
		}
	}
}

// TestChangelog checks that the newest version of the changelog is the chart's, and that
// the chart, its program and the tag have the same one.
func TestChangelog(t *testing.T) {
	var chart struct{ Version, AppVersion string }
	if err := yaml.Unmarshal([]byte(fileText(t, "chart/Chart.yaml")), &chart); err != nil {
		t.Fatal(err)
	}
	versions := regexp.MustCompile(`(?m)^## \[([0-9][^\]]*)\]`).FindAllStringSubmatch(fileText(t, "../CHANGELOG.md"), -1)
	if len(versions) == 0 || versions[0][1] != chart.Version || chart.AppVersion != "v"+chart.Version {
		t.Errorf("the changelog has the versions %q, the chart %s and %s", versions, chart.Version, chart.AppVersion)
	}
}
