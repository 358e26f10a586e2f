package pages_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/portside-dev/portside/testenv/pages"
)

// link matches the links to files of this repository, with the heading that they lead to.
var link = regexp.MustCompile(`\]\(([^)#:\s]*)(#[^)\s]*)?\)`)

// TestLinks follows the links between pages, and to files and headings.
func TestLinks(t *testing.T) {
	t.Parallel()
	root, err := pages.Root()
	if err != nil {
		t.Fatal(err)
	}
	for page, text := range texts(t) {
		for _, match := range link.FindAllStringSubmatch(text, -1) {
			target := page
			if match[1] != "" {
				target = filepath.Join(filepath.Dir(page), match[1])
			}
			info, err := os.Stat(filepath.Join(root, target))
			if err != nil {
				t.Errorf("%s links to %s: %v", page, match[1], err)
				continue
			}
			if info.IsDir() {
				target = filepath.Join(target, "README.md")
			}
			if match[2] != "" && !hasHeading(t, target, match[2]) {
				t.Errorf("%s links to %s%s, which has no such heading", page, match[1], match[2])
			}
		}
	}
}

var heading = regexp.MustCompile("(?m)^#{1,6} (.+)$")

// hasHeading reports whether the page has a heading with the anchor, as GitHub makes it.
func hasHeading(t *testing.T, page, anchor string) bool {
	t.Helper()
	text, err := pages.Text(page)
	if err != nil {
		t.Error(err)
		return false
	}
	for _, match := range heading.FindAllStringSubmatch(text, -1) {
		name := strings.ReplaceAll(strings.ToLower(match[1]), " ", "-")
		if anchor == "#"+regexp.MustCompile(`[^\p{L}\p{N}_-]`).ReplaceAllString(name, "") {
			return true
		}
	}
	return false
}

// texts returns the text of each page.
func texts(t *testing.T) map[string]string {
	t.Helper()
	all, err := pages.All()
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{}
	for _, page := range all {
		if texts[page], err = pages.Text(page); err != nil {
			t.Fatal(err)
		}
	}
	return texts
}

// TestMakeTargets checks that the Makefile has each target that a page names.
func TestMakeTargets(t *testing.T) {
	t.Parallel()
	makefile, err := pages.Text("Makefile")
	if err != nil {
		t.Fatal(err)
	}
	for page, text := range texts(t) {
		for _, match := range regexp.MustCompile("`(?:[A-Z_]+=[^ `]* )?make ([a-z-]+)").FindAllStringSubmatch(text, -1) {
			if !strings.Contains(makefile, "\n"+match[1]+":") {
				t.Errorf("%s: the Makefile has no target %s", page, match[1])
			}
		}
	}
}

// TestReadmeLength keeps the README short enough to be read to its end.
func TestReadmeLength(t *testing.T) {
	t.Parallel()
	text, err := pages.Text("README.md")
	if err != nil {
		t.Fatal(err)
	}
	if n := len(strings.Fields(text)); n > 1200 {
		t.Errorf("README.md has %d words, want at most 1200: move text to the pages that it links", n)
	}
}
