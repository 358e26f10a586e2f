package pages_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// varies are the parts of an output that differ from run to run, with what takes their
// place before outputs are compared.
var varies = []struct {
	pattern *regexp.Regexp
	mask    string
}{
	{regexp.MustCompile(`\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b`), "UID"},
	{regexp.MustCompile(`\b\d{4}-\d{2}-\d{2}T[0-9:.]+(Z|[+-]\d{2}:\d{2})`), "TIME"},
	{regexp.MustCompile(`("?resourceVersion"?:? "?)\d+`), "${1}N"},
	{regexp.MustCompile(`(^|\s)(\d+(ms|s|m|h|d))+(\s|$)`), "${1}AGE${4}"}, // a whole column
}

// normal returns the line with its varying parts masked, and without the widths of
// columns, which depend on them.
func normal(line string) string {
	for _, v := range varies {
		line = v.pattern.ReplaceAllString(line, v.mask)
	}
	return strings.Join(strings.Fields(line), " ")
}

// compare returns an error unless the output is as the page shows it. A shown line "…" is
// any number of lines, and "…" within a line any text.
func compare(shown, output []string) error {
	for i, line := range shown {
		if strings.TrimSpace(line) == "…" {
			for skipped := range len(output) + 1 {
				if compare(shown[i+1:], output[skipped:]) == nil {
					return nil
				}
			}
			return fmt.Errorf("what follows line %d, \"…\", does not occur", i+1)
		}
		if len(output) == 0 {
			return fmt.Errorf("no line %q", line)
		}
		parts := strings.Split(normal(line), "…")
		for i := range parts {
			parts[i] = regexp.QuoteMeta(parts[i])
		}
		if !regexp.MustCompile("^" + strings.Join(parts, ".*") + "$").MatchString(normal(output[0])) {
			return fmt.Errorf("the line %q, want %q", output[0], line)
		}
		output = output[1:]
	}
	if len(output) > 0 {
		return fmt.Errorf("the line %q is not shown", output[0])
	}
	return nil
}

// lines returns the lines of an output without empty ones at its end.
func lines(output string) []string {
	all := strings.Split(output, "\n")
	for len(all) > 0 && strings.TrimSpace(all[len(all)-1]) == "" {
		all = all[:len(all)-1]
	}
	return all
}

func TestCompare(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		shown, output string
		equal         bool
	}{
		{"a\nb", "a\nb\n", true},
		{"a", "a\nb", false},
		{"a\nb", "a", false},
		{"a\n…\nd", "a\nb\nc\nd", true},
		{"a\n…", "a", true},
		{"a … c", "a b c", true},
		{"NAME  AGE\nweb   5s", "NAME  AGE\nweb   1m12s", true},
		{"after 300s, so", "after 301s, so", false},
		{`"resourceVersion": "260"`, `"resourceVersion": "7"`, true},
		{"at 2026-01-02T03:04:05Z", "at 2030-01-02T03:04:06+02:00", true},
		{"12049/TCP", "12050/TCP", false},
	} {
		if err := compare(lines(test.shown), lines(test.output)); (err == nil) != test.equal {
			t.Errorf("%q and %q: %v", test.shown, test.output, err)
		}
	}
	if got := lines("a\n\nb\n\n"); !slices.Equal(got, []string{"a", "", "b"}) {
		t.Errorf("lines %q", got)
	}
}
