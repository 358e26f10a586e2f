package manifest_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/portside-dev/portside/cmd/portside/internal/manifest"
)

// refusal is an input and the text of its errors, a line for each, without the name
// of the source. Where the text has no line numbers, they are not compared.
type refusal struct{ input, want string }

var lineNumber = regexp.MustCompile(`: line \d+: `)

func checkRefusals(t *testing.T, cases map[string]refusal) {
	t.Helper()
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			docs, err := manifest.Read("sets.yaml", strings.NewReader(c.input))
			if err == nil {
				t.Fatalf("accepted as %+v", docs)
			}
			if docs != nil {
				t.Errorf("an error came with %+v", docs)
			}
			got := strings.ReplaceAll("\n"+err.Error(), "\nsets.yaml: ", "\n")[1:]
			if !lineNumber.MatchString(c.want) {
				got = lineNumber.ReplaceAllString(got, ": ")
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestReadRefusesStreams(t *testing.T) {
	one := withSpec("adapters: []")
	checkRefusals(t, map[string]refusal{
		"nothing":                {"", "no AdapterSet in sets.yaml: it is empty"},
		"comments alone":         {"# nothing\n---\n---\n", "no AdapterSet in sets.yaml: it is empty"},
		"null":                   {"null\n", "document 1: must be an object, not null"},
		"null in JSON style":     {one + "---\n~\n", "document 2: must be an object, not null"},
		"a word":                 {"nothing", `document 1: must be an object, not the string "nothing"`},
		"a list":                 {"[]", "document 1: must be an object, not a list"},
		"HTML":                   {"\n<!DOCTYPE html>\n<html>", "is HTML or XML, not YAML or JSON"},
		"not text":               {"kind: \xff", "not UTF-8 text"},
		"malformed YAML":         {one + "---\na: b: c\n", "document 2: not YAML: yaml: line 6: mapping values are not allowed in this context"},
		"truncated YAML":         {named + "spec: {" + target + ", adapters: [", "document 1: not YAML: yaml: line 4: did not find expected node content"},
		"malformed JSON":         {`{"a":1,}`, "document 1: not JSON: line 1: invalid character '}' looking for beginning of object key string"},
		"malformed second JSON":  {asJSON("1") + "\n{\"a\":\n1 2}", "document 2: not JSON: line 3: invalid character '2' after object key:value pair"},
		"truncated JSON":         {asJSON("1")[:90], "document 1: not JSON: line 1: it ends in the middle"},
		"data after JSON":        {asJSON("1") + "\n]", "document 2: line 2: neither --- nor another JSON object after the JSON before it"},
		"malformed after JSON":   {asJSON("1") + "\n" + asJSON("1") + "\n---\na: b: c\n", "document 3: not YAML: yaml: line 4: mapping values are not allowed in this context"},
		"data after YAML":        {withSpec("adapters: []") + "}", "document 1: not YAML: yaml: line 4: did not find expected key"},
		"an alias in itself":     {"a: &a [*a]", "document 1: line 1: gave up here: too deep, too long or too many errors; an alias may repeat itself"},
		"a merge":                {"<<: {a: b}", "document 1: line 1: merging with << is not supported; write the fields out"},
		"a tag":                  {"a: !secret b", "document 1: line 1: a: the tag !secret is not supported"},
		"a list as a field name": {"? [a]\n: b", "document 1: line 1: a field name must be a word"},
		"errors of all documents": {
			strings.Join([]string{withSpec("x: 1, adapters: []"), one, withAdapter("type: nfs, port: 1.5, x: 1")}, "---\n"),
			"document 1: spec.x: unknown field\n" +
				"document 3: spec.adapters[0].port: must be a whole number in plain digits, not 1.5\n" +
				"document 3: spec.adapters[0].x: unknown field",
		},
		"longer than the limit": {
			"#" + strings.Repeat(" ", 8<<20), "longer than 8388608 bytes, too long for AdapterSets",
		},
	})
}

func TestReadRefusesAliasBomb(t *testing.T) {
	bomb := "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
	for last, next := 'a', 'b'; next <= 'k'; last, next = next, next+1 {
		bomb += string(next) + ": &" + string(next) + " [" + strings.Repeat("*"+string(last)+",", 10) + "]\n"
	}
	_, err := manifest.Read("sets.yaml", strings.NewReader(bomb))
	if err == nil || !strings.Contains(err.Error(), "gave up here") {
		t.Errorf("got %v", err)
	}
}

func TestReadRefusesOtherKinds(t *testing.T) {
	body := "metadata: {name: a}\nspec: {x: 1}\n"
	checkRefusals(t, map[string]refusal{
		"a StatefulSet": {
			"apiVersion: apps/v1\nkind: StatefulSet\n" + body,
			"document 1: apiVersion: must be portside.dev/v1alpha1, not the string \"apps/v1\"\n" +
				"document 1: kind: must be AdapterSet, not the string \"StatefulSet\"",
		},
		"another version": {
			"apiVersion: portside.dev/v1\nkind: AdapterSet\n" + body,
			`document 1: apiVersion: must be portside.dev/v1alpha1, not the string "portside.dev/v1"`,
		},
		"no version": {"kind: AdapterSet\n" + body, "document 1: apiVersion: Required value: must be portside.dev/v1alpha1"},
		"no kind":    {"apiVersion: portside.dev/v1alpha1\n" + body, "document 1: kind: Required value: must be AdapterSet"},
		"a kind in another case": {
			"apiVersion: portside.dev/v1alpha1\nkind: adapterset\n" + body,
			`document 1: kind: must be AdapterSet, not the string "adapterset"`,
		},
	})
}

func TestReadRefusesFields(t *testing.T) {
	const port = "document 1: spec.adapters[0].port: "
	repeated := strings.Replace(asJSON("1"), `"port"`, `"port":2,"port"`, 1)
	checkRefusals(t, map[string]refusal{
		"an unknown field":          {withAdapter("type: nfs, port: 1, prot: TCP"), "document 1: spec.adapters[0].prot: unknown field"},
		"an unknown field at top":   {named + "spec: {" + target + ", adapters: []}\nsepc: {}", "document 1: sepc: unknown field"},
		"an unknown metadata field": {head + "metadata: {name: a, lables: {}}\nspec: {" + target + ", adapters: []}", "document 1: metadata.lables: unknown field"},
		"a name in another case":    {withSpec("Adapters: [], adapters: []"), "document 1: spec.Adapters: unknown field"},
		"a repeated field":          {withAdapter("type: nfs, port: 1, port: 2"), port + "repeated field"},
		"a repeated field in JSON":  {repeated, port + "repeated field"},
		"port 1e3":                  {withAdapter("type: nfs, port: 1e3"), port + "must be a whole number in plain digits, not 1e3"},
		"port 1e3 in JSON":          {asJSON("1e3"), port + "must be a whole number in plain digits, not 1e3"},
		"port 1.0":                  {withAdapter("type: nfs, port: 1.0"), port + "must be a whole number in plain digits, not 1.0"},
		"port 1.5":                  {withAdapter("type: nfs, port: 1.5"), port + "must be a whole number in plain digits, not 1.5"},
		"port 1.5 in JSON":          {asJSON("1.5"), port + "must be a whole number in plain digits, not 1.5"},
		"a hexadecimal port":        {withAdapter("type: nfs, port: 0x10"), port + `the number "0x10" must be written in plain decimal digits`},
		"an octal port":             {withAdapter("type: nfs, port: 0123"), port + `the number "0123" must be written in plain decimal digits`},
		"a port with underscores":   {withAdapter("type: nfs, port: 12_049"), port + `the number "12_049" must be written in plain decimal digits`},
		"a port of infinity":        {withAdapter("type: nfs, port: .inf"), port + `the number ".inf" must be written in plain decimal digits`},
		"a string as port":          {withAdapter(`type: nfs, port: "2049"`), port + ofType("spec.adapters[0].port", "integer", "string")},
		"a string as port in JSON":  {asJSON(`"2049"`), port + ofType("spec.adapters[0].port", "integer", "string")},
		"a null port":               {withAdapter("type: nfs, port: null"), port + "must not be null; leave the field out"},
		"a null port in JSON":       {asJSON("null"), port + "must not be null; leave the field out"},
		"a port beyond int64":       {asJSON("9223372036854775808"), port + "must be a whole number in plain digits, not 9223372036854775808"},
		"no port":                   {withAdapter("type: nfs"), port + "Required value"},
		"no type":                   {withAdapter("port: 1"), "document 1: spec.adapters[0].type: Required value"},
		"a type that YAML takes for a boolean": {
			withAdapter("type: on, port: 1"), "document 1: spec.adapters[0].type: " + ofType("spec.adapters[0].type", "string", "boolean"),
		},
		"a number as type": {withAdapter("type: 9, port: 1"), "document 1: spec.adapters[0].type: " + ofType("spec.adapters[0].type", "string", "integer")},
		"an object as adapters": {
			withSpec("adapters: {nfs: 1}"), "document 1: spec.adapters: " + ofType("spec.adapters", "array", "object") + "\ndocument 1: spec.adapters.nfs: unknown field",
		},
		"a null discovery":    {withSpec("adapters: [], discovery: null"), "document 1: spec.discovery: must not be null; leave the field out"},
		"a null container":    {withSpec("adapters: [], container: null"), "document 1: spec.container: must not be null; leave the field out"},
		"a null suspend":      {withSpec("adapters: [], suspend: null"), "document 1: spec.suspend: must not be null; leave the field out"},
		"a null policy":       {withSpec("adapters: [], deletionPolicy: null"), "document 1: spec.deletionPolicy: must not be null; leave the field out"},
		"a null rollout":      {withSpec("adapters: [], rollout: null"), "document 1: spec.rollout: must not be null; leave the field out"},
		"a null protocol":     {withAdapter("type: nfs, port: 1, protocol: null"), "document 1: spec.adapters[0].protocol: must not be null; leave the field out"},
		"a null server name":  {withHTTP("port: 1, scheme: HTTP, serverName: null"), "document 1: spec.discovery.http.serverName: must not be null; leave the field out"},
		"a null secret":       {withHTTP("port: 1, scheme: HTTP, credentialsRef: null"), "document 1: spec.discovery.http.credentialsRef: must not be null; leave the field out"},
		"null for both":       {withSpec("adapters: null, discovery: null"), "document 1: spec.discovery: must not be null; leave the field out"},
		"a null label":        {head + "metadata: {name: a, labels: {x: null}}\nspec: {" + target + ", adapters: []}", "document 1: metadata.labels.x: must not be null; leave the field out"},
		"a null adapter":      {withSpec("adapters: [null]"), "document 1: spec.adapters[0]: must not be null; leave the field out"},
		"a null spec":         {named + "spec: null", "document 1: spec: must not be null; leave the field out"},
		"no spec":             {named, "document 1: spec: Required value"},
		"no metadata":         {head + "spec: {" + target + ", adapters: []}", "document 1: metadata: Required value"},
		"a number as label":   {head + "metadata: {name: a, labels: {x: 1}}\nspec: {" + target + ", adapters: []}", "document 1: metadata: json: cannot unmarshal number into Go struct field ObjectMeta.labels of type string"},
		"an empty container":  {withSpec(`adapters: [], container: ""`), "document 1: spec.container: Invalid value: \"\": spec.container in body should match '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$'"},
		"an empty policy":     {withSpec(`adapters: [], deletionPolicy: ""`), `document 1: spec.deletionPolicy: Unsupported value: "": supported values: "Retain", "Remove"`},
		"a string as suspend": {withSpec(`adapters: [], suspend: "true"`), "document 1: spec.suspend: " + ofType("spec.suspend", "boolean", "string")},
		"a wrong namespace": {
			head + "metadata: {name: a, namespace: B}\nspec: {" + target + ", adapters: []}",
			`document 1: metadata.namespace: Invalid value: "B": ` + validation.IsDNS1123Label("B")[0],
		},
	})
}

// ofType returns the API server's message about a value of the wrong type.
func ofType(path, want, got string) string {
	return fmt.Sprintf("Invalid value: %q: %s in body must be of type %s: %q", got, path, want, got)
}

func TestReadReturnsReadErrors(t *testing.T) {
	_, err := manifest.Read("stdin", iotest.TimeoutReader(iotest.OneByteReader(strings.NewReader("abc"))))
	if err == nil || err.Error() != "stdin: timeout" {
		t.Errorf("got %v", err)
	}
}
