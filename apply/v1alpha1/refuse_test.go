package v1alpha1_test

import (
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/portside-dev/portside/apply/v1alpha1"
)

// refusal is an input and the error text it gets, without the name of the
// source, a line for each error.
type refusal struct{ input, want string }

func checkRefusals(t *testing.T, cases map[string]refusal) {
	t.Helper()
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			docs, err := v1alpha1.Read("sets.yaml", strings.NewReader(c.input))
			if err == nil {
				t.Fatalf("accepted as %+v", docs)
			}
			if docs != nil {
				t.Errorf("an error came with %+v", docs)
			}
			got := strings.ReplaceAll("\n"+err.Error(), "\nsets.yaml: ", "\n")[1:]
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
		"malformed YAML":         {one + "---\na: b: c\n", "document 2: not YAML: line 6: mapping values are not allowed in this context"},
		"truncated YAML":         {named + "spec: {" + target + ", adapters: [", "document 1: not YAML: line 4: did not find expected node content"},
		"malformed JSON":         {`{"a":1,}`, "document 1: not JSON: line 1: invalid character '}' looking for beginning of object key string"},
		"malformed second JSON":  {asJSON("1") + "\n{\"a\":\n1 2}", "document 2: not JSON: line 3: invalid character '2' after object key:value pair"},
		"truncated JSON":         {asJSON("1")[:90], "document 1: not JSON: line 1: it ends in the middle"},
		"data after JSON":        {asJSON("1") + "\n]", "document 2: line 2: neither --- nor another JSON object after the JSON before it"},
		"malformed after JSON":   {asJSON("1") + "\n" + asJSON("1") + "\n---\na: b: c\n", "document 3: not YAML: line 4: mapping values are not allowed in this context"},
		"data after YAML":        {withSpec("adapters: []") + "}", "document 1: not YAML: line 4: did not find expected key"},
		"an alias in itself":     {"a: &a [*a]", "document 1: line 1: gave up here: too deep, too long or too many errors; an alias may repeat itself"},
		"a merge":                {"<<: {a: b}", "document 1: line 1: merging with << is not supported; write the fields out"},
		"a tag":                  {"a: !secret b", "document 1: a: line 1: the tag !secret is not supported"},
		"a list as a field name": {"? [a]\n: b", "document 1: line 1: a field name must be a word"},
		"errors of all documents": {
			strings.Join([]string{withSpec("x: 1, adapters: []"), one, withAdapter("type: nfs, port: 1.5, x: 1")}, "---\n"),
			"document 1: spec.x: unknown field\n" +
				"document 3: spec.adapters[0].port: must be a whole number in plain digits, not 1.5\n" +
				"document 3: spec.adapters[0].x: unknown field",
		},
		"longer than the limit": {
			"#" + strings.Repeat(" ", v1alpha1.MaxStreamBytes), "longer than 8388608 bytes, too long for AdapterSets",
		},
	})
}

func TestReadRefusesBlownUpAliases(t *testing.T) {
	bomb := "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
	for last, next := 'a', 'b'; next <= 'k'; last, next = next, next+1 {
		bomb += string(next) + ": &" + string(next) + " [" + strings.Repeat("*"+string(last)+",", 10) + "]\n"
	}
	_, err := v1alpha1.Read("sets.yaml", strings.NewReader(bomb))
	if err == nil || !strings.Contains(err.Error(), "gave up here") {
		t.Errorf("got %v", err)
	}
}

func TestReadRefusesOtherKinds(t *testing.T) { checkRefusals(t, refusedKinds()) }

func refusedKinds() map[string]refusal {
	body := "metadata: {name: a}\nspec: {x: 1}\n"
	return map[string]refusal{
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
	}
}

func TestReadRefusesFields(t *testing.T) { checkRefusals(t, refusedFields()) }

func refusedFields() map[string]refusal {
	const port = "document 1: spec.adapters[0].port: "
	repeated := strings.Replace(asJSON("1"), `"port"`, `"port":2,"port"`, 1)
	return map[string]refusal{
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
		"a hexadecimal port":        {withAdapter("type: nfs, port: 0x10"), port + `line 4: the number "0x10" must be written in plain decimal digits`},
		"an octal port":             {withAdapter("type: nfs, port: 0123"), port + `line 4: the number "0123" must be written in plain decimal digits`},
		"a port with underscores":   {withAdapter("type: nfs, port: 12_049"), port + `line 4: the number "12_049" must be written in plain decimal digits`},
		"a port of infinity":        {withAdapter("type: nfs, port: .inf"), port + `line 4: the number ".inf" must be written in plain decimal digits`},
		"a string as port":          {withAdapter(`type: nfs, port: "2049"`), port + `must be a whole number, not the string "2049"`},
		"a string as port in JSON":  {asJSON(`"2049"`), port + `must be a whole number, not the string "2049"`},
		"a null port":               {withAdapter("type: nfs, port: null"), port + "must be a whole number, not null"},
		"a null port in JSON":       {asJSON("null"), port + "must be a whole number, not null"},
		"a port beyond int64":       {asJSON("9223372036854775808"), port + "must be a whole number that fits 32 bits, not 9223372036854775808"},
		"no port":                   {withAdapter("type: nfs"), port + "Required value"},
		"no type":                   {withAdapter("port: 1"), "document 1: spec.adapters[0].type: Required value"},
		"a type that YAML takes for a boolean": {
			withAdapter("type: on, port: 1"), "document 1: spec.adapters[0].type: must be a string, not true",
		},
		"a number as type": {withAdapter("type: 9, port: 1"), "document 1: spec.adapters[0].type: must be a string, not 9"},
		"an object as adapters": {
			withSpec("adapters: {nfs: 1}"), "document 1: spec.adapters: must be a list ([] for an empty one), not an object",
		},
		"a null discovery":    {withSpec("adapters: [], discovery: null"), "document 1: spec.discovery: must be an object, not null"},
		"a null container":    {withSpec("adapters: [], container: null"), "document 1: spec.container: must be a string, not null"},
		"a null suspend":      {withSpec("adapters: [], suspend: null"), "document 1: spec.suspend: must be true or false, not null"},
		"a null policy":       {withSpec("adapters: [], deletionPolicy: null"), "document 1: spec.deletionPolicy: must be a string, not null"},
		"a null rollout":      {withSpec("adapters: [], rollout: null"), "document 1: spec.rollout: must be an object, not null"},
		"a null protocol":     {withAdapter("type: nfs, port: 1, protocol: null"), "document 1: spec.adapters[0].protocol: must be a string, not null"},
		"a null server name":  {withHTTP("port: 1, scheme: HTTP, serverName: null"), "document 1: spec.discovery.http.serverName: must be a string, not null"},
		"a null secret":       {withHTTP("port: 1, scheme: HTTP, credentialsRef: null"), "document 1: spec.discovery.http.credentialsRef: must be an object, not null"},
		"null for both":       {withSpec("adapters: null, discovery: null"), "document 1: spec.discovery: must be an object, not null"},
		"a null label":        {head + "metadata: {name: a, labels: {x: null}}\nspec: {" + target + ", adapters: []}", "document 1: metadata.labels[x]: must be a string, not null"},
		"a null adapter":      {withSpec("adapters: [null]"), "document 1: spec.adapters[0]: must be an object, not null"},
		"a null spec":         {named + "spec: null", "document 1: spec: must be an object, not null"},
		"no spec":             {named, "document 1: spec: Required value"},
		"no metadata":         {head + "spec: {" + target + ", adapters: []}", "document 1: metadata: Required value"},
		"a number as label":   {head + "metadata: {name: a, labels: {x: 1}}\nspec: {" + target + ", adapters: []}", "document 1: metadata.labels[x]: must be a string, not 1"},
		"an empty container":  {withSpec(`adapters: [], container: ""`), "document 1: spec.container: must not be empty; leave the field out"},
		"an empty policy":     {withSpec(`adapters: [], deletionPolicy: ""`), "document 1: spec.deletionPolicy: must not be empty; leave the field out"},
		"a string as suspend": {withSpec(`adapters: [], suspend: "true"`), `document 1: spec.suspend: must be true or false, not the string "true"`},
	}
}

func TestReadRefusesValues(t *testing.T) { checkRefusals(t, refusedValues()) }

func refusedValues() map[string]refusal {
	const (
		empty = ", adapters: []}"
		http  = "document 1: spec.discovery.http."

		printable = "must be printable ASCII characters other than a backslash"
	)
	subdomain := validation.IsDNS1123Subdomain("A")[0]
	label := validation.IsDNS1123Label("A")[0]
	return map[string]refusal{
		"no name":       {head + "metadata: {}\nspec: {" + target + empty, "document 1: metadata.name: Required value"},
		"a null name":   {head + "metadata: {name: null}\nspec: {" + target + empty, "document 1: metadata.name: Required value"},
		"a wrong name":  {head + "metadata: {name: A}\nspec: {" + target + empty, `document 1: metadata.name: Invalid value: "A": ` + subdomain},
		"a wrong space": {head + "metadata: {name: a, namespace: B}\nspec: {" + target + empty, `document 1: metadata.namespace: Invalid value: "B": ` + label},
		"a wrong label": {
			head + `metadata: {name: a, labels: {x: "-"}}` + "\nspec: {" + target + empty,
			`document 1: metadata.labels: Invalid value: "-": ` + validation.IsValidLabelValue("-")[0],
		},
		"a wrong annotation": {
			head + "metadata: {name: a, annotations: {x y: z}}\nspec: {" + target + empty,
			`document 1: metadata.annotations: Invalid value: "x y": ` + validation.IsQualifiedName("x y")[0],
		},
		"an unknown target": {
			named + "spec: {targetRef: {apiVersion: batch/v1, kind: Job, name: J}" + empty,
			"document 1: spec.targetRef.apiVersion: Unsupported value: \"batch/v1\": supported values: \"apps/v1\"\n" +
				"document 1: spec.targetRef.kind: Unsupported value: \"Job\": supported values: \"StatefulSet\", \"Deployment\", \"DaemonSet\"\n" +
				"document 1: spec.targetRef.name: Invalid value: \"J\": " + subdomain,
		},
		"no target name":    {named + "spec: {targetRef: {apiVersion: apps/v1, kind: DaemonSet}" + empty, "document 1: spec.targetRef.name: Required value"},
		"a wrong container": {withSpec("adapters: [], container: a.b"), `document 1: spec.container: Invalid value: "a.b": ` + validation.IsDNS1123Label("a.b")[0]},
		"both": {
			withSpec("adapters: [{type: nfs, port: 1}], discovery: {http: {port: 1, scheme: HTTP}}"),
			"document 1: spec.discovery: Forbidden: adapters and discovery exclude each other",
		},
		"65 adapters": {manyAdapters(65), "document 1: spec.adapters: Too many: 65: must have at most 64 items"},
		"two adapters of one type": {
			withSpec("adapters: [{type: nfs, port: 1}, {type: smb, port: 2}, {type: nfs, port: 3}]"),
			`document 1: spec.adapters[2].type: Duplicate value: "nfs"`,
		},
		"a type too long": {
			withAdapter("port: 1, type: " + strings.Repeat("x", 64)), "document 1: spec.adapters[0].type: Too long: may not be more than 63 characters",
		},
		"a type in unicode":        {withAdapter("port: 1, type: ñfs"), `document 1: spec.adapters[0].type: Invalid value: "ñfs": ` + printable},
		"a type with a line end":   {withAdapter(`port: 1, type: "nfs\n"`), `document 1: spec.adapters[0].type: Invalid value: "nfs\n": ` + printable},
		"a type with DEL":          {withAdapter(`port: 1, type: "\x7f"`), `document 1: spec.adapters[0].type: Invalid value: "\x7f": ` + printable},
		"a type with a C1 control": {withAdapter(`port: 1, type: "a\x9b"`), `document 1: spec.adapters[0].type: Invalid value: "a\u009b": ` + printable},
		"a type with a backslash":  {withAdapter(`port: 1, type: 'a\b'`), `document 1: spec.adapters[0].type: Invalid value: "a\\b": ` + printable},
		"no http":                  {withSpec("discovery: {}"), "document 1: spec.discovery.http: Required value"},
		"no scheme":                {withHTTP("port: 1"), http + "scheme: Required value"},
		"another scheme":           {withHTTP("port: 1, scheme: https"), http + `scheme: Unsupported value: "https": supported values: "HTTP", "HTTPS"`},
		"no http port":             {withHTTP("scheme: HTTP"), http + "port: Required value"},
		"http port 0":              {withHTTP("scheme: HTTP, port: 0"), http + "port: Invalid value: 0: must be between 1 and 65535, inclusive"},
		"http port 65536": {
			withHTTP("scheme: HTTP, port: 65536"), http + "port: Invalid value: 65536: must be between 1 and 65535, inclusive",
		},
		"http port 8e3":      {withHTTP("scheme: HTTP, port: 8e3"), http + "port: must be a string or a whole number in plain digits, not 8e3"},
		"a number in quotes": {withHTTP(`scheme: HTTP, port: "80"`), http + `port: Invalid value: "80": ` + validation.IsValidPortName("80")[0]},
		"a path without /":   {withHTTP("scheme: HTTP, port: 1, path: api"), http + `path: Invalid value: "api": must begin with /`},
		"a path too long":    {withHTTP("scheme: HTTP, port: 1, path: /" + strings.Repeat("x", 1024)), http + "path: Too long: may not be more than 1024 characters"},
		"too often":          {withHTTP("scheme: HTTP, port: 1, intervalSeconds: 4, timeoutSeconds: 1"), http + "intervalSeconds: Invalid value: 4: must be at least 5"},
		"too seldom":         {withHTTP("scheme: HTTP, port: 1, intervalSeconds: 3601"), http + "intervalSeconds: Invalid value: 3601: must be at most 3600"},
		"too patient":        {withHTTP("scheme: HTTP, port: 1, intervalSeconds: 100, timeoutSeconds: 61"), http + "timeoutSeconds: Invalid value: 61: must be at most 60"},
		"no time":            {withHTTP("scheme: HTTP, port: 1, timeoutSeconds: 0"), http + "timeoutSeconds: Invalid value: 0: must be at least 1"},
		"a timeout as long as the interval": {
			withHTTP("scheme: HTTP, port: 1, intervalSeconds: 10"), http + "timeoutSeconds: Invalid value: 10: must be less than intervalSeconds",
		},
		"a wrong server name":    {withHTTP("scheme: HTTPS, port: 1, serverName: A"), http + `serverName: Invalid value: "A": ` + subdomain},
		"credentials without":    {withHTTP("scheme: HTTPS, port: 1, credentialsRef: {}"), http + "credentialsRef.name: Required value"},
		"credentials with empty": {withHTTP(`scheme: HTTPS, port: 1, credentialsRef: {name: ""}`), http + "credentialsRef.name: Required value"},
		"negative delays": {
			withSpec("adapters: [], rollout: {stabilizationWindowSeconds: -1, removalDelaySeconds: -2}"),
			"document 1: spec.rollout.stabilizationWindowSeconds: Invalid value: -1: must be at least 0\n" +
				"document 1: spec.rollout.removalDelaySeconds: Invalid value: -2: must be at least 0",
		},
		"adapters without a port": {
			withSpec(`adapters: [{type: a, port: 0}, {type: b, port: 65536}, {type: c, port: 1, protocol: udp}, {type: d, port: 1, protocol: XYZ}, {type: "--", port: 1}, {type: "", port: 1}]`),
			"document 1: spec.adapters[0].port: Invalid value: 0: must be between 1 and 65535, inclusive\n" +
				"document 1: spec.adapters[1].port: Invalid value: 65536: must be between 1 and 65535, inclusive\n" +
				"document 1: spec.adapters[2].protocol: Unsupported value: \"udp\": supported values: \"TCP\", \"UDP\", \"SCTP\"\n" +
				"document 1: spec.adapters[3].protocol: Unsupported value: \"XYZ\": supported values: \"TCP\", \"UDP\", \"SCTP\"\n" +
				"document 1: spec.adapters[4].type: Invalid value: \"--\": must have a letter or a digit, for the name of the port\n" +
				"document 1: spec.adapters[5].type: Required value",
		},
		"unknown policies": {
			withSpec("adapters: [], hostNetwork: Ask, deletionPolicy: Orphan"),
			"document 1: spec.hostNetwork: Unsupported value: \"Ask\": supported values: \"Block\", \"Allow\"\n" +
				"document 1: spec.deletionPolicy: Unsupported value: \"Orphan\": supported values: \"Retain\", \"Remove\"",
		},
	}
}

func TestReadPassesOnReadErrors(t *testing.T) {
	_, err := v1alpha1.Read("stdin", iotest.TimeoutReader(iotest.OneByteReader(strings.NewReader("abc"))))
	if err == nil || err.Error() != "stdin: timeout" {
		t.Errorf("got %v", err)
	}
}
