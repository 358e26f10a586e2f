package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestChartIsCurrent compares the chart with what would be generated.
func TestChartIsCurrent(t *testing.T) {
	t.Parallel()
	files, err := chart()
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range files {
		got, err := os.ReadFile(filepath.Join("..", path))
		if diff := cmp.Diff(want, string(got)); err != nil || diff != "" {
			t.Errorf("%s is not current: go run ./generate in examples/chart writes it (-generated +there): %v\n%s", path, err, diff)
		}
	}
	there, err := filepath.Glob("../templates/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range there {
		if _, generated := files["templates/"+filepath.Base(path)]; !generated {
			t.Errorf("%s comes from no manifest", path)
		}
	}
}
