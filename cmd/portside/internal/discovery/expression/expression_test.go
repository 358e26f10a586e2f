package expression_test

import (
	"strings"
	"testing"

	"github.com/portside-dev/portside/cmd/portside/internal/discovery/expression"
)

// compile compiles an expression that must compile.
func compile(t *testing.T, text string) *expression.Program {
	t.Helper()
	program, err := expression.Compile(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return program
}

func TestCompile(t *testing.T) {
	t.Parallel()
	const (
		noList     = `line 1, column 1: the result must be a list of objects, such as [{"type": "nfs", "port": 2049}], not `
		noFunction = " is not available"
	)
	for name, c := range map[string]struct{ text, err string }{
		"an unknown variable":                {"foo", "line 1, column 1: undeclared reference to 'foo'"},
		"a mistake in the second line":       {"self.l\n  + foo", "line 2, column 5: undeclared reference to 'foo'"},
		"two mistakes":                       {"a + b", "line 1, column 1: undeclared reference to 'a'; line 1, column 5: undeclared reference to 'b'"},
		"four mistakes are three":            {"[a, b, c, d]", "line 1, column 2: undeclared reference to 'a'; line 1, column 5: undeclared reference to 'b'; line 1, column 8: undeclared reference to 'c'"},
		"an unknown function":                {"lists.range(3)", "line 1, column 1: undeclared reference to 'lists'; line 1, column 12: undeclared reference to 'range'"},
		"bad syntax":                         {"self.", "line 1, column 6: Syntax error: no viable alternative at input '.'"},
		"a number":                           {"1", noList + "int"},
		"a text":                             {"'nfs'", noList + "string"},
		"an object":                          {"{'type': 'nfs'}", noList + "map(string, string)"},
		"a list of numbers":                  {"[1]", noList + "list(int)"},
		"a function without a bound, of CEL": {"self.filter(l, l.name.matches('a*'))", "line 1, column 30: the function matches" + noFunction},
		"replace":                            {"[{'type': self.a.replace('a', 'b')}]", "line 1, column 25: the function replace" + noFunction},
		"join":                               {"[{'type': ['a'].join()}]", "line 1, column 21: the function join" + noFunction},
		"indexOf":                            {"[{'port': self.a.indexOf('a')}]", "line 1, column 25: the function indexOf" + noFunction},
		"lastIndexOf":                        {"[{'port': self.a.lastIndexOf('a')}]", "line 1, column 29: the function lastIndexOf" + noFunction},

		"an empty list":                  {"[]", ""},
		"the answer":                     {"self", ""},
		"a field of it":                  {"self.adapters", ""},
		"values of several types":        {"[{'type': 'nfs', 'port': 2049, 'running': true}]", ""},
		"optional types":                 {"self.?adapters.orValue([])", ""},
		"Kubernetes' texts":              {"[{'type': self.a.lowerAscii().trim().split(':')[0].substring(1)}]", ""},
		"Kubernetes' addresses and URLs": {"self.filter(l, !ip(l.ip).isLoopback() && cidr('10.0.0.0/8').containsIP(l.ip) && url(l.url).getPort() == '1')", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			program, err := expression.Compile(c.text)
			if (err == nil) != (c.err == "") || err != nil && (err.Error() != c.err || program != nil) {
				t.Errorf("got %v, want %q", err, c.err)
			}
		})
	}
}

func TestEvaluate(t *testing.T) {
	t.Parallel()
	const answer = `{"list": [{"type": "nfs", "port": 2049, "whole": 2049.0, "exponent": 2.049e3, "half": 0.5, "text": "2049",
		"more": [1], "none": null}], "empty": [], "large": 1e300}`
	for name, c := range map[string]struct{ text, want, err string }{
		"fields that are named":             {"self.list", `[{"port":2049,"type":"nfs"}]`, ""},
		"an empty list":                     {"self.empty", `[]`, ""},
		"a whole number as it is written":   {"self.list.map(l, {'port': l.whole})", `[{"port":2049}]`, ""},
		"an exponent":                       {"self.list.map(l, {'port': l.exponent})", `[{"port":2049}]`, ""},
		"arithmetic with whole numbers":     {"self.list.map(l, {'port': l.whole + 1})", `[{"port":2050}]`, ""},
		"a whole double of the expression":  {"self.list.map(l, {'port': l.half * 2.0})", `[{"port":1}]`, ""},
		"a fraction":                        {"self.list.map(l, {'port': l.half})", `[{"port":0.5}]`, ""},
		"a number too large for an integer": {"[{'port': self.large}]", `[{"port":1e+300}]`, ""},
		"a text as a number":                {"self.list.map(l, {'port': int(l.text)})", `[{"port":2049}]`, ""},
		"an unsigned number":                {"[{'port': 7u}]", `[{"port":7}]`, ""},
		"null":                              {"self.list.map(l, {'type': l.none})", `[{"type":null}]`, ""},
		"a list concatenated":               {"self.list + self.list.map(l, {'type': 'smb'})", `[{"port":2049,"type":"nfs"},{"type":"smb"}]`, ""},
		"an object, not a list":             {"self", "", "the result must be a list of objects, not map"},
		"an element that is no object":      {"[dyn(1)]", "", "element 0 of the result: must be an object, not int"},
		"a field that is a list":            {"self.list.map(l, {'type': l.more})", "", "element 0 of the result: type: must not be list"},
		"a field that is missing":           {"self.list.map(l, {'type': l.name})", "", "no such key: name"},
		"a text that is no number":          {"self.list.map(l, {'port': int(l.type)})", "", "type conversion error from 'string' to 'int'"},
		"operands that do not match":        {"self.list + self.list[0]", "", "no such overload"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := compile(t, c.text).Evaluate(t.Context(), []byte(answer), "type", "port")
			if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) || string(got) != c.want {
				t.Errorf("got %s, %v, want %s, %q", got, err, c.want, c.err)
			}
		})
	}
	t.Run("a number beyond any double", func(t *testing.T) {
		t.Parallel()
		if got, err := compile(t, "[]").Evaluate(t.Context(), []byte("1e400")); err == nil {
			t.Errorf("got %s", got)
		}
	})
}
