package examples_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/portside-dev/portside/testenv/vocabulary"
)

// row matches a row of a constant: its meaning, what to look at where the table has
// that column, and what to do.
var row = regexp.MustCompile("(?m)^\\| `([A-Za-z]+)` \\| .*[a-z].* \\| .*[a-z].* \\|$")

// TestVocabularyDocumented checks that the tables of states, outcomes and reasons in
// operations/README.md have exactly one row for each constant of the source, and no
// other rows.
func TestVocabularyDocumented(t *testing.T) {
	sections := map[string]string{}
	for section := range strings.SplitSeq(fileText(t, runbook), "\n## ") {
		heading, text, _ := strings.Cut(section, "\n")
		sections[heading] = text
	}
	for _, table := range vocabulary.Tables {
		t.Run(table.Heading, func(t *testing.T) {
			var documented, declared []string
			for _, match := range row.FindAllStringSubmatch(sections[table.Heading], -1) {
				documented = append(documented, match[1])
			}
			for _, c := range constants(t, table) {
				declared = append(declared, c.Value)
			}
			for _, value := range declared {
				if !slices.Contains(documented, value) {
					t.Errorf("%s has no row with its meaning and what to do", value)
				}
			}
			for i, value := range documented {
				if !slices.Contains(declared, value) {
					t.Errorf("%s has a row, but is not a constant of the source", value)
				}
				if slices.Contains(documented[:i], value) {
					t.Errorf("%s has two rows", value)
				}
			}
		})
	}
}

// constants returns the constants of a table, which has at least four.
func constants(t *testing.T, table vocabulary.Table) []vocabulary.Constant {
	t.Helper()
	found, err := table.Constants("..")
	if err != nil {
		t.Fatal(err)
	}
	if len(found) < 4 {
		t.Fatalf("found only the constants %v; the types of the table were moved or renamed", found)
	}
	return found
}
