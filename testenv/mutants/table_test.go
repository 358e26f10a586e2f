package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const root = "../.."

// TestTable checks that each mutant changes one line, at one place.
func TestTable(t *testing.T) {
	t.Parallel()
	mutants, err := all(root)
	if err != nil {
		t.Fatal(err)
	}
	rules := map[string]bool{}
	for _, m := range mutants {
		if rules[m.rule] {
			t.Errorf("%s is there twice", m.rule)
		}
		rules[m.rule] = true
		text, err := os.ReadFile(filepath.Join(root, m.file))
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(text), m.old); n != 1 {
			t.Errorf("%s: %s has %d times the text that is to be replaced:\n%s", m.rule, m.file, n, m.old)
		}
		if n := different(m.old, m.new); n != 1 {
			t.Errorf("%s: %d lines differ, not one", m.rule, n)
		}
	}
}

// different counts the lines that differ. A line that is removed leaves an empty one.
func different(a, b string) int {
	before, after := strings.Split(a, "\n"), strings.Split(b, "\n")
	if len(before) != len(after) {
		return max(len(before), len(after))
	}
	n := 0
	for i := range before {
		if before[i] != after[i] {
			n++
		}
	}
	return n
}

// TestCases checks that each row of the contract table has a mutant.
func TestCases(t *testing.T) {
	t.Parallel()
	for _, row := range []string{"1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11"} {
		found := false
		for _, m := range cases {
			found = found || strings.HasPrefix(m.rule, "case "+row+":")
		}
		if !found {
			t.Errorf("row %s of the contract has no mutant", row)
		}
	}
}
