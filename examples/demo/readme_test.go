package main

import (
	"regexp"
	"strings"
	"testing"

	"github.com/portside-dev/portside/testenv/pages"
)

// checkExcerpts checks that the demo prints what pages show of it, except for the
// resourceVersion, which varies.
func checkExcerpts(t *testing.T, output string) {
	t.Helper()
	mask := func(text string) string {
		return regexp.MustCompile(`resourceVersion \d+`).ReplaceAllString(text, "resourceVersion N")
	}
	for _, page := range []string{"README.md", "examples/demo/README.md"} {
		excerpts, err := pages.WithLanguage(page, "text")
		if err != nil {
			t.Fatal(err)
		}
		for _, excerpt := range excerpts {
			if !strings.Contains(mask(output), mask(excerpt.Text)) {
				t.Errorf("%s: the demo does not print this:\n%s", excerpt, excerpt.Text)
			}
		}
	}
}
