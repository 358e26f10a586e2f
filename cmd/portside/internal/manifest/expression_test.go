package manifest_test

import "testing"

// TestReadExpression refuses an expression that does not compile, with its place in the
// file and the mistake's place in the expression.
func TestReadExpression(t *testing.T) {
	const start = named + "spec:\n  " + target + "\n  discovery:\n    http:\n      port: 1\n      scheme: HTTP\n      expression: "
	const at = "document 1: line 10: spec.discovery.http.expression: "
	checkRefusals(t, map[string]refusal{
		"an unknown variable": {start + "foo\n", at + "line 1, column 1: undeclared reference to 'foo'"},
		"in its third line":   {start + "|\n        self\n        .filter(l,\n        l.a == foo)\n", at + "line 3, column 8: undeclared reference to 'foo'"},
		"no list":             {start + "'1'\n", at + `line 1, column 1: the result must be a list of objects, such as [{"type": "nfs", "port": 2049}], not int`},
		"in JSON": {
			`{"apiVersion":"portside.dev/v1alpha1","kind":"AdapterSet","metadata":{"name":"a"},"spec":{"targetRef":{"apiVersion":"apps/v1","kind":"StatefulSet","name":"a"},
			"discovery":{"http":{"port":1,"scheme":"HTTP",
			"expression":"self."}}}}`,
			"document 1: line 3: spec.discovery.http.expression: line 1, column 6: Syntax error: no viable alternative at input '.'",
		},
		"after what the CRD refuses": {start + "foo\n  suspend: 1\n", `document 1: line 11: spec.suspend: Invalid value: "integer": spec.suspend in body must be of type boolean: "integer"`},
	})
}
