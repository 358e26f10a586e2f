package install_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/install"
)

// TestKinds: what names one kind of workload names every kind that portside manages: the
// rules of roles and policies, the enum of the CustomResourceDefinition, and the
// expressions and messages of policies.
func TestKinds(t *testing.T) {
	t.Parallel()
	objects, err := install.Manifests(install.Options{})
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]int{}
	for _, object := range objects {
		at := object.GetKind() + " " + object.GetName()
		eachValue(object.Object, "", func(key string, value any) {
			found[at] += namesKinds(t, at, key, value)
		})
	}
	for _, at := range []string{
		"ClusterRole portside", "CustomResourceDefinition adaptersets.portside.dev", "ValidatingAdmissionPolicy portside-guard",
		"ValidatingAdmissionPolicy portside-guard-events", "ValidatingAdmissionPolicy portside-name", "MutatingAdmissionPolicy portside-leftover",
	} {
		if found[at] == 0 {
			t.Errorf("%s names no kind of workload; named are those of %v", at, found)
		}
	}
	text, err := os.ReadFile("../../../../examples/cronjob/rbac.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for document := range strings.SplitSeq(string(text), "\n---") {
		var object map[string]any
		if err := yaml.Unmarshal([]byte(document), &object); err != nil {
			t.Fatal(err)
		}
		eachValue(object, "", func(key string, value any) { found["cronjob"] += namesKinds(t, "examples/cronjob", key, value) })
	}
	if found["cronjob"] == 0 {
		t.Error("the role of the CronJob names no kind of workload")
	}
}

// podControllers are the resources that control pods for a workload. A rule for them names
// no kind of workload, even if they are workloads too.
var podControllers = []any{"replicasets"}

// namesKinds returns 1 for a list or a text that names kinds of workloads, and fails the
// test if it does not name all of them.
func namesKinds(t *testing.T, at, key string, value any) int {
	t.Helper()
	for _, names := range []func(*workload.Definition) string{
		func(d *workload.Definition) string { return d.Kind.Kind },
		func(d *workload.Definition) string { return d.Resource },
	} {
		has := func(d *workload.Definition) bool {
			switch v := value.(type) {
			case []any:
				return slices.Contains(v, any(names(d))) && !slices.Equal(v, podControllers)
			case string:
				return (key == "expression" || key == "message") && strings.Contains(v, names(d)) && names(d) == d.Kind.Kind
			}
			return false
		}
		if !slices.ContainsFunc(workload.Definitions(), has) {
			continue
		}
		for _, d := range workload.Definitions() {
			if !has(d) {
				t.Errorf("%s: %s names other kinds and not %s: %v", at, key, names(d), value)
			}
		}
		return 1
	}
	return 0
}

// eachValue calls with each value below an object and the name of its field.
func eachValue(value any, key string, call func(key string, value any)) {
	call(key, value)
	switch v := value.(type) {
	case map[string]any:
		for field, below := range v {
			eachValue(below, field, call)
		}
	case []any:
		for i, below := range v {
			eachValue(below, fmt.Sprint(key, "[", i, "]"), call)
		}
	}
}
