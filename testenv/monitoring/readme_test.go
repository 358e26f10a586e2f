package monitoring

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/portside-dev/portside/testenv/vocabulary"
)

// runbook is the page with a section for each alert, as the annotations name it.
const runbook = "examples/operations/README.md"

var heading = regexp.MustCompile("(?m)^#{2,3} (.+)$")

// headings returns the sections of the runbook by their anchors, as GitHub makes
// them of headings.
func headings(t *testing.T) map[string]string {
	t.Helper()
	text := string(read(t, "../operations/README.md"))
	sections := map[string]string{}
	marks := heading.FindAllStringSubmatchIndex(text, -1)
	for i, m := range marks {
		end := len(text)
		if i+1 < len(marks) {
			end = marks[i+1][0]
		}
		anchor := strings.ReplaceAll(strings.ToLower(text[m[2]:m[3]]), " ", "-")
		sections[regexp.MustCompile("[^a-z0-9_-]").ReplaceAllString(anchor, "")] = strings.TrimSpace(text[m[1]:end])
	}
	return sections
}

// metricsInReadme returns the metrics of its table, sorted.
func metricsInReadme(t *testing.T) []string {
	t.Helper()
	var names []string
	for _, match := range regexp.MustCompile("(?m)^\\| `(portside_[a-z_]+)` \\|").FindAllStringSubmatch(string(read(t, "README.md")), -1) {
		names = append(names, match[1])
	}
	slices.Sort(names)
	return names
}

// TestLinksToRunbook follows the links to sections of the runbook, from itself and
// from the README.
func TestLinksToRunbook(t *testing.T) {
	t.Parallel()
	anchors := headings(t)
	for _, file := range []string{"README.md", "../operations/README.md"} {
		links := regexp.MustCompile(`\]\((?:\.\./operations/README\.md)?#([^)]+)\)`).FindAllStringSubmatch(string(read(t, file)), -1)
		if len(links) == 0 {
			t.Errorf("%s has no link", file)
		}
		for _, match := range links {
			if _, known := anchors[match[1]]; !known {
				t.Errorf("%s: there is no heading #%s", file, match[1])
			}
		}
	}
}

// TestAlertsNameEventsThatExist checks the reasons of events that alerts and the
// runbook tell users to select with kubectl.
func TestAlertsNameEventsThatExist(t *testing.T) {
	t.Parallel()
	known := values(t, vocabulary.EventReasons)
	named := 0
	for _, file := range []string{"../operations/README.md", "prometheusrule.yaml"} {
		for _, match := range regexp.MustCompile(`--field-selector reason=([A-Za-z]+)`).FindAllStringSubmatch(string(read(t, file)), -1) {
			named++
			if !slices.Contains(known, match[1]) {
				t.Errorf("%s: there is no event with the reason %s", file, match[1])
			}
		}
	}
	if named == 0 {
		t.Error("no reason is named")
	}
}

// TestAlertsDocumented checks that the runbook has a section for each alert, with a
// command and what to do, and for nothing else. TestVocabularyDocumented in examples checks
// its tables of states, outcomes and reasons.
func TestAlertsDocumented(t *testing.T) {
	t.Parallel()
	sections := headings(t)
	for _, a := range alerts(t) {
		anchor := strings.ToLower(a.Alert)
		if !strings.Contains(sections[anchor], "\n- ") || !strings.Contains(sections[anchor], "`kubectl ") {
			t.Errorf("%s: no section says what to look at and what to do", a.Alert)
		}
		delete(sections, anchor)
	}
	for anchor := range sections {
		if strings.HasPrefix(anchor, "portside") {
			t.Errorf("#%s: there is no such alert", anchor)
		}
	}
}

// values returns the constants of a table.
func values(t *testing.T, table vocabulary.Table) []string {
	t.Helper()
	constants, err := table.Constants("../..")
	if err != nil || len(constants) == 0 {
		t.Fatalf("constants %v: %v", constants, err)
	}
	var found []string
	for _, c := range constants {
		found = append(found, c.Value)
	}
	return found
}
