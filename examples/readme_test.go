package examples_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/port"
	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/portside"
)

// These tests check the claims of the README. The demo's own test checks its excerpts of
// the demo's output and its portside commands.

func readme(t *testing.T) string { return fileText(t, "../README.md") }

func fileText(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// blocks returns the README's code blocks in a language.
func blocks(t *testing.T, language string) []string {
	t.Helper()
	var found []string
	for _, match := range regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```$").FindAllStringSubmatch(readme(t), -1) {
		found = append(found, match[1])
	}
	if len(found) == 0 {
		t.Fatalf("the README has no code block in %s", language)
	}
	return found
}

// TestReadmeGo checks that the Go code is a copy of code that tests run.
func TestReadmeGo(t *testing.T) {
	library := fileText(t, "library_test.go")
	for _, block := range blocks(t, "go") {
		if !strings.Contains(library, block) {
			t.Errorf("library_test.go does not contain this code of the README:\n%s", block)
		}
	}
}

// TestReadmeAdapterSet applies the README's AdapterSets as a server-side dry run.
func TestReadmeAdapterSet(t *testing.T) {
	cp := testenv.Shared(t)
	portside.InstallCRD(t, cp)
	kubectlApply(t, cp, "the namespace", []byte("{apiVersion: v1, kind: Namespace, metadata: {name: storage}}"))
	for _, block := range blocks(t, "yaml") {
		kubectlApply(t, cp, "README.md", []byte(block), "--dry-run=server")
	}
}

var states = []port.State{port.Owned, port.Shared, port.Shadowed, port.Blocked, port.Invalid, port.Removed, port.Released}

var outcomes = []apply.Outcome{apply.Applied, apply.Unchanged, apply.TargetNotFound, apply.ContainerNotFound, apply.Paused, apply.Failed}

// TestReadmeStateTable checks that the table has each row once and in order with an
// existing state, and that the text names every state and outcome.
func TestReadmeStateTable(t *testing.T) {
	rows := regexp.MustCompile("(?m)^\\| (\\d+) \\| [^|]+ \\| `(\\w+)` \\| [^|]+ \\|$").FindAllStringSubmatch(readme(t), -1)
	if len(rows) != 11 {
		t.Errorf("the table has %d rows, want 11", len(rows))
	}
	for i, row := range rows {
		if row[1] != fmt.Sprint(i+1) || !slices.Contains(states, port.State(row[2])) {
			t.Errorf("row %d is %q, state %q", i+1, row[1], row[2])
		}
	}
	words := []string{}
	for _, s := range states {
		words = append(words, string(s))
	}
	for _, o := range outcomes {
		words = append(words, string(o))
	}
	for _, word := range words {
		if !strings.Contains(readme(t), "`"+word+"`") {
			t.Errorf("the README does not explain %s", word)
		}
	}
}

// TestReadmeJSON checks that the JSON example has the shape and the values that portside
// prints.
func TestReadmeJSON(t *testing.T) {
	var document struct {
		Results []struct {
			Outcome apply.Outcome
			Ports   []struct {
				Type, Name string
				State      port.State
			}
		}
	}
	for _, block := range blocks(t, "json") {
		if err := json.Unmarshal([]byte(block), &document); err != nil || len(document.Results) != 1 {
			t.Fatalf("%v\n%s", err, block)
		}
		result := document.Results[0]
		if !slices.Contains(outcomes, result.Outcome) || len(result.Ports) != 1 || !slices.Contains(states, result.Ports[0].State) {
			t.Errorf("the example has an outcome, a state or a number of ports that portside would not print: %+v", result)
		}
		if port := result.Ports[0]; apply.PortName(port.Type) != port.Name {
			t.Errorf("the port of adapter %s has the name %s, want %s", port.Type, port.Name, apply.PortName(port.Type))
		}
	}
}

// TestReadmeTargets checks that the Makefile has each target that the README names.
func TestReadmeTargets(t *testing.T) {
	makefile := fileText(t, "../Makefile")
	for _, match := range regexp.MustCompile("`make ([a-z-]+)").FindAllStringSubmatch(readme(t), -1) {
		if !strings.Contains(makefile, "\n"+match[1]+":") {
			t.Errorf("the Makefile has no target %s", match[1])
		}
	}
}

// TestReadmeLinks checks that the files that the README links to exist.
func TestReadmeLinks(t *testing.T) {
	for _, match := range regexp.MustCompile(`\]\(([^):#]+)\)`).FindAllStringSubmatch(readme(t), -1) {
		if _, err := os.Stat("../" + match[1]); err != nil {
			t.Errorf("the README links to %s: %v", match[1], err)
		}
	}
}

// TestReadmeImports checks that the diagram shows exactly the imports between the
// packages in it.
func TestReadmeImports(t *testing.T) {
	var drawn, rooms []string
	names := map[string]string{}
	name := func(node string) string {
		id, label, labelled := strings.Cut(strings.TrimSuffix(strings.TrimSpace(node), "]"), "[")
		if labelled {
			names[id] = label
		} else if names[id] == "" {
			names[id] = id
		}
		rooms = append(rooms, names[id])
		return names[id]
	}
	for line := range strings.Lines(blocks(t, "mermaid")[0]) {
		if from, to, arrow := strings.Cut(line, "-->"); arrow {
			drawn = append(drawn, name(from)+" --> "+name(to))
		}
	}
	slices.Sort(drawn)
	if made := imports(t, rooms); !slices.Equal(drawn, made) {
		t.Errorf("the diagram has the imports\n%s\nwant\n%s", strings.Join(drawn, "\n"), strings.Join(made, "\n"))
	}
}

// imports returns the imports between rooms, without those of tests. A room is a package
// with its internal packages.
func imports(t *testing.T, rooms []string) []string {
	t.Helper()
	const module = "github.com/portside-dev/portside/"
	list := exec.CommandContext(t.Context(), "go", "list", "-e", "-f", `{{.ImportPath}}{{range .Imports}} {{.}}{{end}}`, "../...")
	output, err := list.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	room := func(path string) string {
		path, _, _ = strings.Cut(strings.TrimPrefix(path, module), "/internal")
		if slices.Contains(rooms, path) {
			return path
		}
		return ""
	}
	var edges []string
	for line := range strings.Lines(string(output)) {
		packages := strings.Fields(line)
		for _, imported := range packages[1:] {
			from, to := room(packages[0]), room(imported)
			if from != "" && to != "" && from != to {
				edges = append(edges, from+" --> "+to)
			}
		}
	}
	slices.Sort(edges)
	return slices.Compact(edges)
}
