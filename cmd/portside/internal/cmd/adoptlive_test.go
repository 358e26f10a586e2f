package cmd_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/fixture"
)

// TestAdopt_ManagerThatApplies: adopt refuses to adopt from a manager that applies the
// ports, for one workload and for all, so that its next apply is accepted.
func TestAdopt_ManagerThatApplies(t *testing.T) {
	t.Parallel()
	c := newCluster(t, testenv.Shared(t))
	const theirs = `[{name: adapter-nfs, containerPort: 2049, protocol: TCP}]`
	c.argo(theirs)
	before := c.resourceVersion()
	want := "StatefulSet " + c.namespace + "/dittofs: cannot adopt from argocd-controller (Apply): it declares adapter-nfs:2049/TCP, so the API server would refuse its next apply; " +
		"rename or remove that port in its manifest; or, if nothing applies as argocd-controller any more, run portside adopt -n " + c.namespace + " statefulset/dittofs"
	for _, args := range [][]string{{"sts/dittofs"}, {"sts/dittofs", "--dry-run=server"}, {"--all"}, {"--all", "--dry-run=server"}} {
		a := c.must(2, c.run(append([]string{"adopt", "--from", testenv.ArgoCD}, args...)...))
		expectIn(t, strings.Join(args, " "), a.stderr, want)
	}
	c.argo(theirs)
	expect(t, "resourceVersion", c.resourceVersion(), before)

	a := c.must(0, c.run("adopt", "--all", "--from", testenv.ArgoCD, "--manager-is-gone", "--dry-run=server"))
	expectIn(t, "all", a.stderr, "1 would be adopted")
	c.must(0, c.run("adopt", "sts/dittofs", "--from", testenv.ArgoCD, "--manager-is-gone"))
	expect(t, "owner", c.ownersOf("dittofs", "2049/TCP"), testenv.Portside+"/Apply")
}

// TestAdvice_Adoption: a manager that applies a port is asked to rename it; from one
// that updated the port, the command that is advised adopts it.
func TestAdvice_Adoption(t *testing.T) {
	t.Parallel()
	const held = `[{name: api, containerPort: 8080, protocol: TCP}, {name: adapter-nfs, containerPort: 2049, protocol: TCP}]`
	set := adapterSet("[{type: nfs, port: 12049}]")
	t.Run("a manager that applies", func(t *testing.T) {
		t.Parallel()
		c := newCluster(t, testenv.Shared(t))
		c.argo(held)
		for _, verb := range []string{"sync", "diff"} {
			a := c.runWith(set, verb, "-f", "-")
			expectIn(t, verb, a.stderr, "is Blocked: the name adapter-nfs is held by argocd-controller (Apply) on 2049/TCP; rename port 2049/TCP in argocd-controller's manifest\n")
			if strings.Contains(a.stderr+a.stdout, "adopt ") {
				t.Errorf("%s advises to adopt:\n%s", verb, a.stderr)
			}
		}
	})
	t.Run("a manager that updated", func(t *testing.T) {
		t.Parallel()
		c := newCluster(t, testenv.Shared(t))
		object := statefulSet(`[{name: api, containerPort: 8080, protocol: TCP}]`, fixture.Container("sidecar"))
		c.Manager(testenv.ArgoCD).In(c.namespace).MustApply(t, object)
		c.updates(testenv.DittoFSOperator, "StatefulSet", "dittofs", held)
		set := strings.Replace(set, "spec:\n", "spec:\n  container: dittofs\n", 1)
		a := c.must(2, c.runWith(set, "sync", "-f", "-", "--field-manager", "files"))
		expectIn(t, "stderr", a.stderr, "held by dittofs-operator (Update) on 2049/TCP; rename that port; or, if dittofs-operator no longer writes ports, run portside adopt ")
		command := regexp.MustCompile(`run portside (adopt .*)\n`).FindStringSubmatch(a.stderr)
		if command == nil {
			t.Fatalf("no command in\n%s", a.stderr)
		}
		c.must(0, runProgram(t, "", append(strings.Fields(command[1]), "--kubeconfig", c.kubeconfig)...))
		c.must(0, c.runWith(set, "sync", "-f", "-", "--field-manager", "files"))
		expect(t, "owner", c.ownersOf("dittofs", "12049/TCP"), "files/Apply")
	})
}
