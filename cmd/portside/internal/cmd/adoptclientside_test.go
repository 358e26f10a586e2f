package cmd_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/fixture"
)

// manifest returns the manifest of a workload with the ports of a YAML list.
func manifest(kind, name, ports string) string {
	text, err := workloadNamed(kind, name, ports).MarshalJSON()
	if err != nil {
		panic(err)
	}
	return string(text)
}

// TestAdopt_ClientSideApply: kubectl deletes a port that it applied and that its new
// manifest lacks, although portside adopted it. Adopt warns of that, and each remedy
// that it names works without a change of the template.
func TestAdopt_ClientSideApply(t *testing.T) {
	t.Parallel()
	// A manifest may omit the protocol.
	with := manifest("StatefulSet", "dittofs", strings.ReplaceAll(operatorPorts, ", protocol: TCP", ""))
	without := manifest("StatefulSet", "dittofs", apiPort)
	for _, test := range []struct {
		name    string
		way     func(c *cluster)
		ports   string
		changes int
	}{
		{"as it was", func(c *cluster) { c.kubectl(without, "apply", "-f", "-") }, "api:8080/TCP", 1},
		{"the manifest keeps the ports", func(c *cluster) { c.kubectl(with, "apply", "-f", "-") }, "api:8080/TCP adapter-smb:1445/TCP", 0},
		{"set-last-applied first", func(c *cluster) {
			c.kubectl("", "apply", "set-last-applied", "-f", file(c.t, "manifest.yaml", without))
			c.kubectl(without, "apply", "-f", "-")
			c.kubectl(without, "apply", "-f", "-")
		}, "api:8080/TCP adapter-smb:1445/TCP", 0},
		{"server-side from then on", func(c *cluster) {
			c.kubectl(without, "apply", "--server-side", "-f", "-")
			c.kubectl(without, "apply", "--server-side", "-f", "-")
		}, "api:8080/TCP adapter-smb:1445/TCP", 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t, testenv.Shared(t))
			c.kubectl(with, "apply", "-f", "-")
			recorded := c.Record(t, "StatefulSet", c.namespace, "dittofs")
			a := c.must(0, c.run("adopt", "sts/dittofs", "--from", testenv.KubectlClientSideApply, "-o", "json"))
			expectIn(t, "stderr", a.stderr, "Warning: StatefulSet ", "lists adapter-smb", "kubectl apply set-last-applied -f MANIFEST", "kubectl apply --server-side")
			expectIn(t, "stdout", a.stdout, `"reason": "InLastApplied"`, `"port": "adapter-smb"`, `"manager": "kubectl-client-side-apply"`)
			expect(t, "owners", c.ownersOf("dittofs", "1445/TCP"), testenv.Portside+"/Apply")
			test.way(c)
			if ports, _ := c.live("StatefulSet", "dittofs"); ports != test.ports {
				t.Errorf("the ports are %s, not %s", ports, test.ports)
			}
			if changes := testenv.TemplateChanges(recorded.Stored(t)); changes != test.changes {
				t.Errorf("%d changes of the template, not %d", changes, test.changes)
			}
			if slices.Contains(strings.Fields(c.ownersOf("dittofs", "1445/TCP")), testenv.KubectlClientSideApply+"/Update") {
				t.Error("kubectl owns the port again")
			}
		})
	}
}

// TestAdopt_ClientSideApplyWithoutPorts: adopt does not warn of an annotation without
// the ports, or of one that a server-side apply keeps.
func TestAdopt_ClientSideApplyWithoutPorts(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		happens func(c *cluster)
		from    string
	}{
		"the annotation has no adapter port": {func(c *cluster) {
			c.kubectl(manifest("StatefulSet", "dittofs", apiPort), "apply", "-f", "-")
		}, testenv.DittoFSOperator},
		"applied server-side since": {func(c *cluster) {
			with := manifest("StatefulSet", "dittofs", operatorPorts)
			c.kubectl(with, "apply", "-f", "-")
			c.kubectl(with, "apply", "--server-side", "-f", "-")
		}, testenv.DittoFSOperator + "," + testenv.Kubectl},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t, testenv.Shared(t))
			test.happens(c)
			c.updates(testenv.DittoFSOperator, "StatefulSet", "dittofs", bothAdapters)
			a := c.must(0, c.run("adopt", "sts/dittofs", "--from", test.from, "--manager-is-gone"))
			expectIn(t, "stdout", a.stdout, "Applied", "adapter-nfs", "adapter-smb")
			if strings.Contains(a.stderr, "Warning") {
				t.Errorf("it warns:\n%s", a.stderr)
			}
		})
	}
}

// TestAdopt_SeveralManagers: the ports of two managers are adopted in one write, and a
// key that two ports had is given back to the manager that declares it, although both had
// written it.
func TestAdopt_SeveralManagers(t *testing.T) {
	t.Parallel()
	c := newCluster(t, testenv.Shared(t))
	c.Manager(someManage).In(c.namespace).MustCreate(t, statefulSet(staticNFS))
	c.argo(staticNFS)
	c.updates(someManage, "StatefulSet", "dittofs", strings.ReplaceAll(oneKeyTwice, "1445", "2445"))
	c.updates(testenv.DittoFSOperator, "StatefulSet", "dittofs", oneKeyTwice)
	recorded := c.Record(t, "StatefulSet", c.namespace, "dittofs")
	a := c.must(0, c.run("adopt", "sts/dittofs", "--from", testenv.DittoFSOperator, "--from", someManage))
	expectIn(t, "stderr", a.stderr, "the pod template changed, which restarts at most 3 pods", "if dittofs-operator or manager still writes")
	expectIn(t, "stdout", a.stdout, "Removed", "Owned")
	expect(t, "static port", c.ownersOf("dittofs", "12049/TCP"), testenv.ArgoCD+"/Apply")
	expect(t, "adapter port", c.ownersOf("dittofs", "1445/TCP"), testenv.Portside+"/Apply")
	if changes := testenv.TemplateChanges(recorded.Stored(t)); changes != 1 {
		t.Errorf("%d changes of the template", changes)
	}
}

// TestAdoptAll_Containers: with --all, every container is adopted that has adapter
// ports of the manager; none need be named.
func TestAdoptAll_Containers(t *testing.T) {
	t.Parallel()
	c := newCluster(t, testenv.Shared(t))
	c.Manager(testenv.Helm).In(c.namespace).MustCreate(t, statefulSet(operatorPorts, fixture.Container("second", "adapter-nfs:12049/TCP"), fixture.Container("third")))
	expectIn(t, "one", c.must(2, c.run("adopt", "sts/dittofs", "--from", "helm")).stderr, "several containers, and none is named")
	a := c.must(0, c.run("adopt", "--all", "--from", "helm", "-c", "second", "--dry-run=server", "-o", "wide"))
	expectIn(t, "only the second", a.stderr, "1/1 statefulset/dittofs: Applied, adapter-nfs 12049/TCP is Owned; would restart no pod")
	a = c.must(0, c.run("adopt", "--all", "--from", "helm"))
	expectIn(t, "both", a.stderr, "1/1 statefulset/dittofs: Applied, adapter-nfs 12049/TCP is Owned; Applied, adapter-smb 1445/TCP is Owned; restarts no pod",
		"of 1 workloads: 1 adopted")
}
