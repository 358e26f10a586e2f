package cmd_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/fieldmanager"
	"github.com/portside-dev/portside/testenv"
)

// team is a manager that applies its own fields of a workload.
const team = "team-overlay"

// overlay applies a workload's replicas (or, of a DaemonSet, minReadySeconds), an
// annotation, a label, the image and an env var as team, and an adapter port as an
// operator.
func (c *cluster) overlay(kind workload.Kind) {
	c.t.Helper()
	count := "replicas: 4"
	if kind == workload.DaemonSet {
		count = "minReadySeconds: 4"
	}
	c.Manager(testenv.ArgoCD).In(c.namespace).MustApply(c.t, workloadOf(kind.Kind, `[{name: api, containerPort: 8080, protocol: TCP}]`))
	if _, err := c.Manager(team).In(c.namespace).ForceApply(c.t.Context(), fmt.Sprintf(`
apiVersion: apps/v1
kind: %s
metadata: {name: dittofs, annotations: {team: storage}, labels: {team: storage}}
spec: {%s, template: {spec: {containers: [{name: dittofs, image: "dittofs:2", env: [{name: MODE, value: strict}]}]}}}
`, kind, count)); err != nil {
		c.t.Fatal(err)
	}
	if _, err := c.Manager(testenv.DittoFSOperator).Update(c.t.Context(), kind.Kind, c.namespace, "dittofs", func(w *unstructured.Unstructured) {
		testenv.SetPorts(w, "dittofs", "[{name: api, containerPort: 8080}, {name: adapter-smb, containerPort: 1445}]")
	}); err != nil {
		c.t.Fatal(err)
	}
}

func (c *cluster) whole(kind workload.Kind) *unstructured.Unstructured {
	c.t.Helper()
	live := c.Manager("reader").MustGet(c.t, kind.Kind, c.namespace, "dittofs")
	return live
}

// TestDedicatedFieldManager: no command removes the other fields of its field manager.
func TestDedicatedFieldManager(t *testing.T) {
	t.Parallel()
	for _, kind := range workload.Kinds() {
		for _, args := range [][]string{
			{"sync", "-f", "-"}, {"sync", "-f", "-", "--dry-run=server"}, {"diff", "-f", "-"},
			{"adopt", "KIND", "--from", testenv.DittoFSOperator}, {"adopt", "KIND", "--from", testenv.DittoFSOperator, "--dry-run=server"},
			{"adopt", "--all", "--from", testenv.DittoFSOperator}, {"adopt", "--all", "--from", testenv.DittoFSOperator, "--dry-run=server"},
			{"release", "KIND"}, {"release", "KIND", "--dry-run=server"},
		} {
			t.Run(kind.Kind+"/"+strings.Join(args, " "), func(t *testing.T) {
				t.Parallel()
				c := newCluster(t, testenv.Shared(t))
				c.overlay(kind)
				before := c.whole(kind)
				set := strings.Replace(adapterSet("[{type: nfs, port: 12049}]"), "kind: StatefulSet", "kind: "+kind.Kind, 1)
				args := strings.Split(strings.ReplaceAll(strings.Join(args, " "), "KIND", strings.ToLower(kind.Kind)+"/dittofs"), " ")
				a := c.must(2, c.runWith(set, append(args, "--field-manager", team)...))
				expectIn(t, "stderr", a.stderr, fmt.Sprintf(
					"%s %s/dittofs: field manager %q already owns 6 other fields, such as .metadata.annotations.team; an apply would remove them. Use a field manager of its own (--field-manager)\n",
					kind, c.namespace, team))
				if live := c.whole(kind); !reflect.DeepEqual(live, before) {
					t.Errorf("the workload is\n%v\nwas\n%v", live, before)
				}
			})
		}
	}
}

func TestDedicatedFieldManager_JSON(t *testing.T) {
	t.Parallel()
	c := newCluster(t, testenv.Shared(t))
	c.overlay(workload.StatefulSet)
	a := c.must(2, c.runWith(adapterSet("[{type: nfs, port: 12049}]"), "sync", "-f", "-", "--field-manager", team, "-o", "json"))
	expectIn(t, "stdout", a.stdout, `"outcome": "Failed"`, `"state": "Blocked"`, `"reason": "NotApplied"`, `(--field-manager)"`)
}

// TestDedicatedFieldManager_ReleaseKeepPorts: release --keep-ports changes no value, so
// it is the way out for a field manager that is not dedicated.
func TestDedicatedFieldManager_ReleaseKeepPorts(t *testing.T) {
	t.Parallel()
	c := newCluster(t, testenv.Shared(t))
	c.overlay(workload.StatefulSet)
	before := c.whole(workload.StatefulSet)
	c.must(0, c.run("release", "sts/dittofs", "--keep-ports", "--field-manager", team))
	after := c.whole(workload.StatefulSet)
	entries, err := fieldmanager.Decode(after.GetManagedFields())
	if err != nil {
		t.Fatal(err)
	}
	if _, has := entries.Of(fieldmanager.Applier(team)); has {
		t.Error("the manager still has an entry")
	}
	for _, w := range []*unstructured.Unstructured{before, after} {
		w.SetManagedFields(nil)
		w.SetResourceVersion("")
	}
	if !reflect.DeepEqual(after, before) {
		t.Errorf("the workload is\n%v\nwas\n%v", after, before)
	}
}
