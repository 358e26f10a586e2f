package testenv_test

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/portside-dev/portside/testenv"
)

// recorder is a test that records its failure.
type recorder struct {
	testing.TB
	failed string
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.failed = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

// failureOf runs a scenario and returns its failure.
func failureOf(t *testing.T, scenario testenv.Scenario) string {
	t.Helper()
	r := &recorder{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		scenario.Run(r, testenv.Shared(t))
	}()
	<-done
	return r.failed
}

func TestScenario_failures(t *testing.T) {
	t.Parallel()
	duplicate := testenv.Invalid("Duplicate value")
	for name, test := range map[string]struct {
		last testenv.Step
		want string // in the failure
	}{
		"ports in another order": {
			testenv.Expect{Ports: []string{"nfs:2049/TCP", "api:8080/TCP", "adapter-nfs:12049/TCP"}},
			`ports ["api:8080/TCP" "nfs:2049/TCP" "adapter-nfs:12049/TCP"], want ["nfs:2049/TCP"`,
		},
		"a port's name":      {testenv.Expect{Ports: []string{"api:8080/TCP", "nfs:2049/TCP", ":12049/TCP"}}, `want ["api:8080/TCP" "nfs:2049/TCP" ":12049/TCP"]`},
		"no ports":           {testenv.Expect{Ports: []string{}}, "want []"},
		"the containers":     {testenv.Expect{Containers: []string{"other"}}, `want ["other"]`},
		"the operation":      {testenv.Expect{Owners: map[string][]string{"12049/TCP": {"portside/Update"}}}, `owned by ["portside/Apply"], want ["portside/Update"]`},
		"another owner":      {testenv.Expect{Owners: map[string][]string{"12049/TCP": {}}}, `owned by ["portside/Apply"], want []`},
		"an owner of a leaf": {testenv.Expect{Owners: map[string][]string{"2049/TCP.name": {portsideApply}}}, `"2049/TCP.name" is owned by ["argocd-controller/Apply"]`},
		"an invalid path":    {testenv.Expect{Owners: map[string][]string{"x/TCP": {}}}, `path "x/TCP"`},
		"no change":          {testenv.Expect{Change: testenv.NothingChanged}, "made one change of spec, want no change"},
		"a metadata change":  {testenv.Expect{Change: testenv.MetadataChanged}, "made one change of spec, want a change of metadata only"},
		"no object":          {testenv.Expect{Gone: true}, "the object exists: true, want false"},
		"a refusal":          {refused(applyPorts(adapters), duplicate), "portside applies: accepted, want 422 Invalid"},
		"another refusal":    {refused(applyContainer("{name: x}"), testenv.Conflict()), "want 409 Conflict"},
		"a refusal's text":   {refused(applyContainer("{name: x}"), duplicate), `want "Duplicate value" in it`},
		"an acceptance":      {applyContainer("{name: x}"), "step 3, portside applies: StatefulSet.apps"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := failureOf(t, scenario(argoCD(static), applyPorts(adapterNFS), test.last))
			if !strings.Contains(got, test.want) || !strings.HasPrefix(got, "step 3, ") {
				t.Errorf("failed with %q, want %q of step 3", got, test.want)
			}
		})
	}
}

func TestOwners(t *testing.T) {
	t.Parallel()
	workload, err := testenv.Object(`
apiVersion: apps/v1
kind: StatefulSet
metadata:
  managedFields:
  - {manager: item, operation: Apply, fieldsV1: {"f:spec": {"f:template": {"f:spec": {"f:containers": {'k:{"name":"dittofs"}': {"f:ports": {'k:{"containerPort":12049,"protocol":"TCP"}': {".": {}, "f:name": {}}}}}}}}}}
  - {manager: whole, operation: Update, fieldsV1: {"f:spec": {"f:template": {"f:spec": {"f:containers": {'k:{"name":"dittofs"}': {"f:ports": {'k:{"containerPort":12049,"protocol":"TCP"}': {}}}}}}}}}
  - {manager: leaf, operation: Update, fieldsV1: {"f:spec": {"f:template": {"f:spec": {"f:containers": {'k:{"name":"dittofs"}': {".": {}, "f:ports": {'k:{"containerPort":12049,"protocol":"TCP"}': {"f:name": {}}}}}}}}}}
`)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string][]string{
		"":               {"leaf/Update"},
		"12049/TCP":      {"item/Apply", "whole/Update"},
		"12049/TCP.name": {"item/Apply", "leaf/Update"},
		"12049/UDP":      {},
		"image":          {},
	} {
		if got, err := testenv.Owners(workload, dittofs, path); err != nil || !slices.Equal(got, want) {
			t.Errorf("owners of %q: %q, %v, want %q", path, got, err, want)
		}
	}
}

func TestPorts(t *testing.T) {
	t.Parallel()
	workload, err := testenv.Object(declared("[{name: b, containerPort: 2, protocol: UDP, hostPort: 3, hostIP: 127.0.0.1}, {containerPort: 1, protocol: TCP}]"))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"b:2/UDP hostPort=3 hostIP=127.0.0.1", ":1/TCP"}
	if got := testenv.Ports(workload, dittofs); !slices.Equal(got, want) {
		t.Errorf("ports %q, want %q", got, want)
	}
	testenv.SetPorts(workload, dittofs, "[{name: c, containerPort: 12049, protocol: TCP}]")
	if got := testenv.Ports(workload, dittofs); !slices.Equal(got, []string{"c:12049/TCP"}) {
		t.Errorf("after SetPorts: %q", got)
	}
	if got := testenv.Ports(&unstructured.Unstructured{}, dittofs); len(got) != 0 {
		t.Errorf("ports of an empty object: %q", got)
	}
}
