package facts_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/portside-dev/portside/testenv/facts"
)

// TestTable compares the table of facts with the tests: each fact has one test, and
// each test of a fact is in the table.
func TestTable(t *testing.T) {
	t.Parallel()
	tests := factTests(t)
	numbers := map[facts.List]int{}
	for _, fact := range facts.All() {
		if !tests[fact.Test()] {
			t.Errorf("no test %s", fact.Test())
		}
		delete(tests, fact.Test())
		if fact.Number <= numbers[fact.List] {
			t.Errorf("%s is out of order", fact.Test())
		}
		numbers[fact.List] = fact.Number
		if fact.Statement == "" || fact.Meaning == "" {
			t.Errorf("%s has no statement or no meaning", fact.Test())
		}
		checkThread(t, fact)
	}
	for _, name := range slices.Sorted(maps.Keys(tests)) {
		t.Errorf("%s is not in the table", name)
	}
}

// factTests returns the names of the test functions of facts in this package.
func factTests(t *testing.T) map[string]bool {
	t.Helper()
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	isFact := regexp.MustCompile(`^Test(Service)?Fact\d`)
	names := map[string]bool{}
	for _, path := range files {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			if function, ok := decl.(*ast.FuncDecl); ok && isFact.MatchString(function.Name.Name) {
				names[function.Name.Name] = true
			}
		}
	}
	return names
}

func checkThread(t *testing.T, fact facts.Fact) {
	t.Helper()
	if fact.Thread == "" {
		return
	}
	thread, err := url.Parse(fact.Thread)
	if err != nil || thread.Scheme != "https" || !slices.Contains([]string{"github.com", "kubernetes.io"}, thread.Host) {
		t.Errorf("%s: thread %q is not one of Kubernetes, %v", fact.Test(), fact.Thread, err)
	}
}
