package monitoring

import (
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// runbook is where the README is read.
const runbook = "https://github.com/portside-dev/portside/blob/main/examples/monitoring/README.md"

var heading = regexp.MustCompile("(?m)^#{2,3} (.+)$")

// headings returns the sections of the README by their anchors, as GitHub makes
// them of headings.
func headings(t *testing.T) map[string]string {
	t.Helper()
	text := string(read(t, "README.md"))
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

// TestReadmeLinksToItsHeadings follows the links within the README.
func TestReadmeLinksToItsHeadings(t *testing.T) {
	t.Parallel()
	anchors := headings(t)
	for _, match := range regexp.MustCompile(`\]\(#([^)]+)\)`).FindAllStringSubmatch(string(read(t, "README.md")), -1) {
		if _, known := anchors[match[1]]; !known {
			t.Errorf("there is no heading #%s", match[1])
		}
	}
}

// TestAlertsNameEventsThatExist looks for the reasons of events that alerts and
// the README have users ask kubectl for.
func TestAlertsNameEventsThatExist(t *testing.T) {
	t.Parallel()
	known := constants(t, "../../cmd/portside/internal/status/events.go")
	named := 0
	for _, file := range []string{"README.md", "prometheusrule.yaml"} {
		for _, match := range regexp.MustCompile(`--field-selector reason=([A-Za-z]+)`).FindAllStringSubmatch(string(read(t, file)), -1) {
			named++
			if !slices.Contains(known, match[1]) {
				t.Errorf("%s: there is no event with the reason %s", file, match[1])
			}
		}
	}
	if named == 0 {
		t.Error("none names a reason")
	}
}

// TestReadmeSaysWhatToDo checks that the README has a row for each alert and for
// each reason of a condition or an event, and for nothing else.
func TestReadmeSaysWhatToDo(t *testing.T) {
	t.Parallel()
	rows := map[string]int{}
	for _, match := range regexp.MustCompile("(?m)^\\| `([A-Za-z]+)` \\|.*[a-z].* \\| .*[a-z].* \\|$").FindAllStringSubmatch(string(read(t, "README.md")), -1) {
		rows[match[1]]++
	}
	want := map[string]int{}
	sections := headings(t)
	for _, a := range alerts(t) {
		anchor := strings.ToLower(a.Alert)
		if !strings.Contains(sections[anchor], "\n- ") {
			t.Errorf("%s: no section says what to do", a.Alert)
		}
		delete(sections, anchor)
	}
	for anchor := range sections {
		if strings.HasPrefix(anchor, "portside") {
			t.Errorf("#%s: there is no such alert", anchor)
		}
	}
	// Two lists may have one word, which needs a row in each of the tables.
	for _, reason := range slices.Concat(conditionReasons(t), eventReasons(t), discoveryReasons(t)) {
		want[reason]++
	}
	for name, n := range want {
		if rows[name] != n {
			t.Errorf("%s: %d rows, want %d", name, rows[name], n)
		}
		delete(rows, name)
	}
	for name := range rows {
		t.Errorf("%s: there is no such reason", name)
	}
}

// conditionReasons returns the reasons of Ready, Reconciling and Stalled.
func conditionReasons(t *testing.T) []string {
	t.Helper()
	all := constants(t, "../../cmd/portside/internal/status/reasons.go")
	// The types of conditions, and the state of a port.
	return slices.DeleteFunc(all, func(name string) bool {
		return slices.Contains([]string{"Ready", "Reconciling", "Stalled", "Discovered", "Pending"}, name)
	})
}

// eventReasons returns the reasons of events, but for those of package apply.
func eventReasons(t *testing.T) []string {
	t.Helper()
	return constants(t, "../../cmd/portside/internal/status/events.go")
}

// discoveryReasons are those of Discovered.
func discoveryReasons(t *testing.T) []string {
	t.Helper()
	return constants(t, "../../cmd/portside/internal/discovery/reason.go")
}

// constants are the strings that a file of the binary declares. Its packages are
// internal, so they are read as text.
func constants(t *testing.T, path string) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var values []string
	for _, d := range file.Decls {
		declaration, is := d.(*ast.GenDecl)
		if !is || declaration.Tok != token.CONST {
			continue
		}
		for _, spec := range declaration.Specs {
			for _, value := range spec.(*ast.ValueSpec).Values {
				literal, is := value.(*ast.BasicLit)
				if !is || literal.Kind != token.STRING {
					t.Fatalf("%s: a constant that is no string", path)
				}
				text, err := strconv.Unquote(literal.Value)
				if err != nil {
					t.Fatal(err)
				}
				values = append(values, text)
			}
		}
	}
	if len(values) < 5 {
		t.Fatalf("%s: constants %q", path, values)
	}
	return values
}
