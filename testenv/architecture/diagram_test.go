package architecture_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/portside-dev/portside/testenv/pages"
)

// TestDiagram checks that the diagram in apply/README.md shows exactly the imports between
// the packages in it.
func TestDiagram(t *testing.T) {
	t.Parallel()
	blocks, err := pages.WithLanguage("apply/README.md", "mermaid")
	if err != nil {
		t.Fatal(err)
	}
	var drawn, packages []string
	names := map[string]string{}
	name := func(node string) string {
		id, label, labelled := strings.Cut(strings.TrimSuffix(strings.TrimSpace(node), "]"), "[")
		if labelled {
			names[id] = label
		} else if names[id] == "" {
			names[id] = id
		}
		packages = append(packages, names[id])
		return names[id]
	}
	for line := range strings.Lines(blocks[0].Text) {
		if from, to, arrow := strings.Cut(line, "-->"); arrow {
			drawn = append(drawn, name(from)+" --> "+name(to))
		}
	}
	slices.Sort(drawn)
	if made := edges(t, packages); !slices.Equal(drawn, made) {
		t.Errorf("the diagram has the imports\n%s\nwant\n%s", strings.Join(drawn, "\n"), strings.Join(made, "\n"))
	}
}

// edges returns the imports between packages, without those of tests. Internal packages
// count as the one that has them.
func edges(t *testing.T, packages []string) []string {
	t.Helper()
	list := exec.CommandContext(t.Context(), "go", "list", "-e", "-f", `{{.ImportPath}}{{range .Imports}} {{.}}{{end}}`, "./...")
	list.Dir = "../.."
	output, err := list.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	known := func(path string) string {
		path, _, _ = strings.Cut(strings.TrimPrefix(path, module), "/internal")
		if slices.Contains(packages, path) {
			return path
		}
		return ""
	}
	var all []string
	for line := range strings.Lines(string(output)) {
		words := strings.Fields(line)
		for _, imported := range words[1:] {
			from, to := known(words[0]), known(imported)
			if from != "" && to != "" && from != to {
				all = append(all, from+" --> "+to)
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
