package monitoring

import (
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"slices"
	"strconv"
	"testing"
)

// TestReadmeSaysWhatToDo checks that the README has a row for each alert and for
// each reason of a condition or an event, and for nothing else.
func TestReadmeSaysWhatToDo(t *testing.T) {
	t.Parallel()
	rows := map[string]int{}
	for _, match := range regexp.MustCompile("(?m)^\\| `([A-Za-z]+)` \\|.*[a-z].* \\| .*[a-z].* \\|$").FindAllStringSubmatch(string(read(t, "README.md")), -1) {
		rows[match[1]]++
	}
	want := map[string]int{}
	for _, a := range alerts(t) {
		want[a.Alert]++
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
		t.Errorf("%s: there is no such alert or reason", name)
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
