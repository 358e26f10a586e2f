package manifest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/manifest"
)

// TestLines checks the lines of errors: those of the file, at the field or at the
// nearest one above it.
func TestLines(t *testing.T) {
	const block = `# comment
apiVersion: portside.dev/v1alpha1
kind: AdapterSet
metadata:
  name: dittofs
  annotations:
    a.b/c: ok
    a.b: null
spec:
  targetRef:
    apiVersion: apps/v1
    kind: Job
  adapters:
  - type: nfs
    port: 70000
  - {type: smb, port: 1445, protocol: XYZ}
  - type: web
`
	const json = `{"apiVersion": "portside.dev/v1alpha1", "kind": "AdapterSet",
	"metadata": {"name": "dittofs"},
	"spec": {
		"adapters": [
			{"type": "nfs", "port": 1.5}
		],
		"adapters": null
	}
}
`
	for name, c := range map[string]struct{ input, want string }{
		"YAML": {block, `
document 1: line 8: metadata.annotations.a.b: must not be null; leave the field out
document 1: line 10: spec.targetRef.name: Required value
document 1: line 12: spec.targetRef.kind: Unsupported value: "Job": supported values: ` + kinds() + `
document 1: line 15: spec.adapters[0].port: Invalid value: 70000: spec.adapters[0].port in body should be less than or equal to 65535
document 1: line 16: spec.adapters[1].protocol: Unsupported value: "XYZ": supported values: "TCP", "UDP", "SCTP"
document 1: line 17: spec.adapters[2].port: Required value`},
		"a second document": {withSpec("adapters: []") + "---\n" + named + "spec:\n  x: 1\n  " + target, "\ndocument 2: line 10: spec.x: unknown field"},
		"JSON":              {asJSON("1") + "\n\n" + json, "\ndocument 2: line 5: spec.targetRef: Required value\ndocument 2: line 9: spec.adapters: repeated field"},
		"an alias": {
			named + "spec:\n  " + target + "\n  container: &name A\n  adapters:\n  - type: *name\n    port: 0\n", `
document 1: line 6: spec.container: Invalid value: "A": spec.container in body should match '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$'
document 1: line 9: spec.adapters[0].port: Invalid value: 0: spec.adapters[0].port in body should be greater than or equal to 1`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := manifest.Read("sets.yaml", strings.NewReader(c.input))
			if err == nil {
				t.Fatal("accepted")
			}
			if diff := cmp.Diff(c.want, strings.ReplaceAll("\n"+err.Error(), "\nsets.yaml: ", "\n")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// kinds returns the kinds that a targetRef may name, as errors quote them.
func kinds() string {
	var quoted []string
	for _, kind := range workload.Kinds() {
		quoted = append(quoted, fmt.Sprintf("%q", kind))
	}
	return strings.Join(quoted, ", ")
}

// TestStatusIsNotRead checks that a status is accepted, whatever is in it.
func TestStatusIsNotRead(t *testing.T) {
	for name, status := range map[string]string{
		"as it was printed": "{readyPorts: 1, ports: [{name: adapter-nfs, port: 1, state: Owned}]}",
		"an unknown field":  "{later: 1.5}",
		"a wrong type":      "{ports: 1}",
		"null":              "null",
	} {
		t.Run(name, func(t *testing.T) { mustRead(t, withSpec("adapters: []")+"status: "+status+"\n") })
	}
}
