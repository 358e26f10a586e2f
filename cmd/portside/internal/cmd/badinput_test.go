package cmd_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/portside-dev/portside/testenv"
)

// badInput is input with one fault. The workload must not change.
type badInput struct {
	name string
	// set is the AdapterSet, adapters the list for --adapters, if any.
	set, adapters string
	code          int
	// stderr and stdout are parts of the output. Without any, stdout must be empty.
	stderr, stdout []string
}

const goodList = `[{"type":"nfs","port":12049,"enabled":true,"running":true}]`

// listWith returns the good list and one more adapter, given as JSON members.
func listWith(members string) string {
	return strings.TrimSuffix(goodList, "]") + `,{` + members + `,"enabled":true,"running":true}]`
}

// listNFS returns a list in which the adapter that has a port is invalid.
func listNFS(members string) string {
	return `[{"type":"nfs",` + members + `,"enabled":true,"running":true}]`
}

func manyAdapters(format string) string {
	adapters := []string{}
	for i := range 65 {
		adapters = append(adapters, fmt.Sprintf(format, i, 20000+i))
	}
	return "[" + strings.Join(adapters, ",") + "]"
}

// badLists are given with --adapters.
func badLists() []badInput {
	cases := []badInput{
		{name: "malformed", adapters: `[{"type":]`, code: 1, stderr: []string{"is not JSON", "line 1, byte 9"}},
		{name: "truncated", adapters: goodList[:30], code: 1, stderr: []string{"truncated"}},
		{name: "null", adapters: "null", code: 1, stderr: []string{"is null"}},
		{name: "HTML", adapters: "<!doctype html><p>log in</p>", code: 1, stderr: []string{"HTML"}},
		{name: "empty", adapters: " \n", code: 1, stderr: []string{"is empty"}},
		{name: "trailing data", adapters: goodList + "\n[]", code: 1, stderr: []string{"has more after the list", "line 2"}},
		{name: "the body of an error", adapters: `{"status":401}`, code: 1, stderr: []string{"is an object"}},
		{name: "exponent", adapters: listNFS(`"port":1e3`), code: 1, stderr: []string{`element 0 (type "nfs")`, "port: must be a whole number in plain digits"}},
		{name: "fraction", adapters: listNFS(`"port":1.5`), code: 1, stderr: []string{`element 0 (type "nfs")`, "port: "}},
		{name: "number as string", adapters: listNFS(`"port":"12049"`), code: 1, stderr: []string{"port: must be a whole number, not a string"}},
		{name: "65 adapters", adapters: manyAdapters(`{"type":"t%d","port":%d,"enabled":true,"running":true}`), code: 1, stderr: []string{"more than 64 adapters"}},

		{name: "number 0", adapters: listNFS(`"port":0`), code: 2, stdout: []string{"Unchanged", "Invalid"}, stderr: []string{`adapter "nfs" of StatefulSet`, "port 0 is not within 1 to 65535", "12049/TCP stays"}},
		{name: "number -1", adapters: listNFS(`"port":-1`), code: 2, stdout: []string{"Invalid"}, stderr: []string{"port -1 is not within"}},
		{name: "number 65536", adapters: listNFS(`"port":65536`), code: 2, stdout: []string{"Invalid"}, stderr: []string{"port 65536 is not within"}},
		{name: "unknown protocol", adapters: listNFS(`"port":12049,"protocol":"XYZ"`), code: 2, stdout: []string{"Invalid"}, stderr: []string{`protocol "XYZ" is none of TCP, UDP, SCTP`}},
		{name: "two types of one name", adapters: listWith(`"type":"NFS!","port":2049`), code: 2, stdout: []string{"Blocked"}, stderr: []string{`adapter "NFS!"`, `the adapter "nfs" before it has the same port name`}},
		{name: "two adapters on one key", adapters: listWith(`"type":"smb","port":12049`), code: 2, stdout: []string{"Blocked"}, stderr: []string{`adapter "smb"`, "same number and protocol"}},
	}
	for i := range cases {
		cases[i].name, cases[i].set = "list: "+cases[i].name, discoverySet
		if cases[i].code == 1 {
			cases[i].stderr = append(cases[i].stderr, "stdin")
		}
	}
	return append(cases, badTypes()...)
}

// badTypes are lists with the adapter that has a port and one of an unusual type. If
// a port name can be made of the type, its port is Owned: the run is a dry run.
//
// The types are given in an AdapterSet, too, which refuses those that are not printable
// or too long.
func badTypes() []badInput {
	const (
		shape = "is not 1 to 63 printable ASCII characters without a backslash"
		field = "spec.adapters[1].type: "
	)
	var cases []badInput
	for _, c := range []struct{ what, adapterType, port, reason, refused string }{
		{"no character", "", "", "no letter a to z and no digit", `Invalid value: ""`},
		{"unicode", "日本", "", `"\u65e5\u672c" ` + shape, `Invalid value: "日本"`},
		{"1 character", "s", "adapter-s ", "", ""},
		{"7 characters", "abcdefg", "adapter-abcdefg ", "", ""},
		{"8 characters", "abcdefgh", "adapter-ab-9c56 ", "", ""},
		{"40 characters", strings.Repeat("ab", 20), "adapter-ab-", "", ""},
		{"63 characters", strings.Repeat("abc", 21), "adapter-ab-", "", ""},
		{"300 characters", strings.Repeat("abc", 100), "", strings.Repeat("abc", 21) + `..." ` + shape, "Too long: may not be more than 63 bytes"},
		{"upper case", "SMB", "adapter-smb ", "", ""},
		{"unicode next to letters", "smb日本x", "", `"smb\u65e5\u672cx" ` + shape, `Invalid value: "smb日本x"`},
		{"a C1 control", "smb\u009b", "", `"smb\u009b" ` + shape, `Invalid value: "smb\u009b"`},
	} {
		bad := badInput{name: "type of " + c.what, set: discoverySet, adapters: listWith(fmt.Sprintf(`"type":%q,"port":2049`, c.adapterType))}
		if c.reason == "" {
			bad.stdout = []string{c.port, "Owned"}
		} else {
			bad.code, bad.stdout, bad.stderr = 2, []string{"Invalid"}, []string{"adapter ", c.reason}
		}
		declared := bad
		declared.name, declared.adapters = "set: "+bad.name, ""
		declared.set = adapterSet(fmt.Sprintf("[{type: nfs, port: 12049}, {type: %q, port: 2049}]", c.adapterType))
		if c.refused != "" {
			declared.code, declared.stdout, declared.stderr = 1, nil, []string{field + c.refused}
		}
		cases = append(cases, bad, declared)
	}
	return cases
}

// cutAfter returns an AdapterSet that is truncated after a part of it, where it is
// still YAML.
func cutAfter(part string) string {
	const whole = `apiVersion: portside.dev/v1alpha1
kind: AdapterSet
metadata:
  name: dittofs
spec:
  targetRef:
    apiVersion: apps/v1
    kind: StatefulSet
    name: dittofs
  adapters:
  - type: nfs
    port: 12049
`
	return whole[:strings.Index(whole, part)+len(part)] + "\n"
}

// badSets are given with -f alone.
func badSets() []badInput {
	good := adapterSet("[{type: nfs, port: 12049}]")
	field := func(path string) []string { return []string{"document 1", path} }
	cases := []badInput{
		{name: "malformed YAML", set: good + "  - {x: [", code: 1, stderr: []string{"not YAML"}},
		{name: "truncated JSON", set: `{"apiVersion":"portside.dev/v1alpha1",`, code: 1, stderr: []string{"not JSON", "ends in the middle"}},
		{name: "YAML cut after the metadata", set: cutAfter("name: dittofs"), code: 1, stderr: field("spec: Required")},
		{name: "YAML cut in the target", set: cutAfter("kind: StatefulSet"), code: 1, stderr: field("spec.targetRef.name: Required")},
		{name: "YAML cut before the adapters", set: cutAfter("    name: dittofs"), code: 1, stderr: field("spec: neither adapters nor discovery is set")},
		{name: "YAML cut in an adapter", set: cutAfter("type: nfs"), code: 1, stderr: field("spec.adapters[0].port: Required")},
		{name: "null", set: "null", code: 1, stderr: []string{"must be an object, not null"}},
		{name: "HTML", set: "<html></html>", code: 1, stderr: []string{"HTML"}},
		{name: "empty", set: "", code: 1, stderr: []string{"no AdapterSet", "empty"}},
		{name: "trailing data", set: `{"apiVersion":"portside.dev/v1alpha1","kind":"AdapterSet"} x`, code: 1, stderr: []string{"after the JSON"}},
		{name: "unknown field", set: good + "  retries: 3\n", code: 1, stderr: field("spec.retries: unknown field")},
		{name: "another kind", set: "apiVersion: v1\nkind: ConfigMap\n", code: 1, stderr: field("kind: must be AdapterSet")},
		{name: "unknown target kind", set: strings.Replace(good, "StatefulSet", "Job", 1), code: 1, stderr: field("spec.targetRef.kind")},
		{name: "exponent", set: adapterSet("[{type: nfs, port: 1e3}]"), code: 1, stderr: field("spec.adapters[0].port")},
		{name: "fraction", set: adapterSet("[{type: nfs, port: 1.5}]"), code: 1, stderr: field("spec.adapters[0].port")},
		{name: "number as string", set: adapterSet(`[{type: nfs, port: "12049"}]`), code: 1, stderr: field("spec.adapters[0].port")},
		{name: "null adapters", set: adapterSet("null"), code: 1, stderr: field("spec: neither adapters nor discovery is set")},
		{name: "65 adapters", set: adapterSet(manyAdapters("{type: t%d, port: %d}")), code: 1, stderr: field("spec.adapters")},
		{name: "one type twice", set: adapterSet("[{type: nfs, port: 1}, {type: nfs, port: 2}]"), code: 1, stderr: field("spec.adapters[1]: Duplicate value")},
		{name: "discovery without --adapters", set: discoverySet, code: 1, stderr: field("--adapters")},
		{name: "two documents for one target", set: good + "---\n" + strings.Replace(good, "name: dittofs", "name: other", 1), code: 1, stderr: []string{"document 2", "spec.targetRef", "document 1"}},
		{name: "one bad document of two", set: strings.ReplaceAll(adapterSet("[]"), "dittofs", "first") + "---\nkind: x\n", code: 1, stderr: []string{"document 2", "kind: must be AdapterSet"}},
		{name: "namespace of another", set: strings.Replace(good, "{name: dittofs}", "{name: dittofs, namespace: elsewhere}", 1), code: 1, stderr: []string{"document 1", "metadata.namespace", "You must pass '--namespace=elsewhere'"}},

		{name: "number 0", set: adapterSet("[{type: nfs, port: 0}]"), code: 1, stderr: field("spec.adapters[0].port: Invalid value: 0")},
		{name: "number -1", set: adapterSet("[{type: nfs, port: -1}]"), code: 1, stderr: field("spec.adapters[0].port: Invalid value: -1")},
		{name: "number 65536", set: adapterSet("[{type: nfs, port: 65536}]"), code: 1, stderr: field("spec.adapters[0].port: Invalid value: 65536")},
		{name: "unknown protocol", set: adapterSet("[{type: nfs, port: 12049, protocol: ICMP}]"), code: 1, stderr: field(`spec.adapters[0].protocol: Unsupported value: "ICMP"`)},
		{name: "empty type", set: adapterSet(`[{type: nfs, port: 12049}, {type: "", port: 1}]`), code: 1, stderr: field(`spec.adapters[1].type: Invalid value: ""`)},
		{name: "two types of one name", set: adapterSet(`[{type: nfs, port: 12049}, {type: "NFS!", port: 2049}]`), code: 2, stdout: []string{"Blocked"}, stderr: field(`adapter "NFS!"`)},
		{name: "two adapters on one key", set: adapterSet("[{type: nfs, port: 12049}, {type: smb, port: 12049}]"), code: 2, stdout: []string{"Blocked"}, stderr: field(`adapter "smb"`)},
	}
	for i := range cases {
		cases[i].name = "set: " + cases[i].name
		cases[i].stderr = append(cases[i].stderr, "stdin")
	}
	return cases
}

func TestBadInput(t *testing.T) {
	t.Parallel()
	c := newCluster(t, testenv.Shared(t))
	c.argo(staticPorts)
	c.must(0, c.runWith(goodList, "sync", "-f", file(t, "set.yaml", discoverySet), "--adapters", "-"))
	before := c.resourceVersion()
	for _, bad := range append(badLists(), badSets()...) {
		t.Run(bad.name, func(t *testing.T) {
			c := &cluster{ControlPlane: c.ControlPlane, t: t, namespace: c.namespace, kubeconfig: c.kubeconfig}
			a := bad.run(c)
			if a.code != bad.code {
				t.Errorf("exit code %d, not %d", a.code, bad.code)
			}
			expectIn(t, "stderr", a.stderr, bad.stderr...)
			expectIn(t, "stdout", a.stdout, bad.stdout...)
			if len(bad.stdout) == 0 && a.stdout != "" {
				t.Errorf("stdout is not empty:\n%s", a.stdout)
			}
			expectReadable(t, a.stderr)
			expect(t, "resourceVersion", c.resourceVersion(), before)
			diff := bad.runDiff(c)
			if want := map[int][]int{0: {0, 1}, 1: {3}, 2: {2}}[bad.code]; !slices.Contains(want, diff.code) {
				t.Errorf("diff's exit code is %d where sync's is %d\n%s", diff.code, bad.code, diff.stderr)
			}
		})
	}
}

func (b badInput) run(c *cluster) answer {
	stdin, args := b.set, []string{"sync", "-f", "-"}
	if b.adapters != "" {
		stdin, args = b.adapters, []string{"sync", "-f", file(c.t, "set.yaml", b.set), "--adapters", "-"}
	}
	if b.code == 0 {
		args = append(args, "--dry-run=server")
	}
	return c.runWith(stdin, args...)
}

func (b badInput) runDiff(c *cluster) answer {
	if b.adapters == "" {
		return c.runWith(b.set, "diff", "-f", "-")
	}
	return c.runWith(b.adapters, "diff", "-f", file(c.t, "set.yaml", b.set), "--adapters", "-")
}

// expectReadable fails the test if a text has what only a programmer understands, or
// lines that are too long.
func expectReadable(t *testing.T, text string) {
	t.Helper()
	for _, internal := range []string{"goroutine ", "v1alpha1.", "apply.", "*json.", "&{", "%!", "klog", "Unmarshal"} {
		if strings.Contains(strings.ReplaceAll(text, "portside.dev/v1alpha1.", ""), internal) {
			t.Errorf("stderr has %q:\n%s", internal, text)
		}
	}
	for line := range strings.Lines(text) {
		if len(line) > 600 {
			t.Errorf("stderr has a line of %d bytes:\n%s", len(line), line)
		}
	}
}
