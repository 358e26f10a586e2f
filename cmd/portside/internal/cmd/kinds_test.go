package cmd_test

import (
	"os"
	"strings"
	"testing"

	"github.com/portside-dev/portside/apply/workload"
)

// TestHelp_Kinds: help and pages that name the kinds of workloads name them all, and
// Services.
func TestHelp_Kinds(t *testing.T) {
	t.Parallel()
	texts := map[string]string{
		"portside":       runProgram(t, "", "--help").stdout,
		"portside adopt": runProgram(t, "", "adopt", "--help").stdout,
		"an argument":    runProgram(t, "", "history", "cronjob/files").stderr,
	}
	for _, page := range []string{"README.md", ".github/SECURITY.md"} {
		text, err := os.ReadFile("../../../../" + page)
		if err != nil {
			t.Fatal(err)
		}
		texts[page] = string(text)
	}
	for what, text := range texts {
		for _, d := range workload.TargetDefinitions() {
			if !strings.Contains(strings.ToLower(text), strings.ToLower(d.Kind.Kind)) {
				t.Errorf("%s does not name %s", what, d.Kind)
			}
		}
	}
}
