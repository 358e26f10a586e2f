package controller

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// TestEveryReasonOfAPollIsCountedFromZero: where a series begins with the first
// failure, a rate does not see that one.
func TestEveryReasonOfAPollIsCountedFromZero(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	registry.MustRegister(newMeasures().polls)
	families, err := registry.Gather()
	if err != nil || len(families) != 1 {
		t.Fatalf("%d families: %v", len(families), err)
	}
	var counted []string
	for _, m := range families[0].GetMetric() {
		counted = append(counted, m.GetLabel()[0].GetValue())
		if v := m.GetCounter().GetValue(); v != 0 {
			t.Errorf("%s begins with %v", m, v)
		}
	}
	slices.Sort(counted)
	if want := declaredReasons(t); !slices.Equal(counted, want) {
		t.Errorf("the counter has the reasons\n%q, and discovery declares\n%q", counted, want)
	}
}

// declaredReasons are the constants of type Reason, from discovery's source.
func declaredReasons(t *testing.T) (reasons []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../discovery/reason.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, is := n.(*ast.ValueSpec)
		if !is || len(spec.Values) != 1 {
			return true
		}
		if of, named := spec.Type.(*ast.Ident); named && of.Name == "Reason" {
			reason, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			reasons = append(reasons, reason)
		}
		return true
	})
	slices.Sort(reasons)
	return reasons
}
