package cmd_test

import (
	"strings"
	"testing"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/fixture"
)

func TestDiff(t *testing.T) {
	t.Parallel()
	c := newCluster(t, testenv.Shared(t))
	c.argo(`[{name: api, containerPort: 8080, protocol: TCP}, {name: metrics, containerPort: 9090, hostPort: 9090, protocol: TCP}]`)
	set := file(t, "set.yaml", discoverySet)
	diff := func(list string) answer { return c.run("diff", "-f", set, "--adapters", recorded(list)) }
	before := c.resourceVersion()
	a := c.must(1, diff("adapters-both-running.json"))
	expect(t, "stdout", a.stdout, "StatefulSet "+c.namespace+`/dittofs, container dittofs: restarts at most 3 pods
  api 8080/TCP
  metrics 9090/TCP hostPort=9090
+ adapter-smb 1445/TCP
+ adapter-nfs 12049/TCP
`)
	expect(t, "resourceVersion", c.resourceVersion(), before)
	c.must(0, c.run("sync", "-f", set, "--adapters", recorded("adapters-both-running.json")))
	expect(t, "stdout", c.must(0, diff("adapters-both-running.json")).stdout, "")
	a = c.must(1, diff("adapters-nfs-renumbered.json"))
	expectIn(t, "stdout", a.stdout, "- adapter-smb 1445/TCP\n", "- adapter-nfs 12049/TCP\n", "+ adapter-nfs 12050/TCP\n")
}

func TestDiff_OwnersOnly(t *testing.T) {
	t.Parallel()
	c := newCluster(t, testenv.Shared(t))
	c.argo(`[{name: adapter-nfs, containerPort: 12049, protocol: TCP}]`)
	a := c.must(1, c.runWith(adapterSet("[{type: nfs, port: 12049}]"), "diff", "-f", "-"))
	expectIn(t, "stdout", a.stdout, "the ports stay and only their owners change: restarts no pod")
	expectIn(t, "stderr", a.stderr, "Warning: StatefulSet "+c.namespace+"/dittofs: argocd-controller (Apply) applies adapter-nfs:12049/TCP too")
}

func TestDiff_Restarts(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ spec, want string }{
		"one replica": {"{replicas: 1}", "restarts at most 1 pod\n"},
		"partition":   {"{replicas: 5, updateStrategy: {type: RollingUpdate, rollingUpdate: {partition: 3}}}", "restarts at most 2 pods\n"},
		"OnDelete":    {"{replicas: 5, updateStrategy: {type: OnDelete}}", "restarts no pod (by its update strategy)\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t, testenv.Shared(t))
			c.Manager(testenv.ArgoCD).In(c.namespace).MustApply(t, workloadOf("StatefulSet", staticPorts, fixture.Spec(test.spec)))
			a := c.must(1, c.runWith(adapterSet("[{type: smb, port: 1445}]"), "diff", "-f", "-"))
			expectIn(t, "stdout", a.stdout, test.want)
		})
	}
}

// TestDiff_NextRollout: diff has what a change costs at once, and with the next rollout.
func TestDiff_NextRollout(t *testing.T) {
	t.Parallel()
	const prefix = "with the next rollout that another manager causes (spec.rollout.mode NextRollout): "
	for name, test := range map[string]struct{ kind, spec, want string }{
		"StatefulSet":                   {"StatefulSet", "{replicas: 3}", "no pod restarts for it\n"},
		"Deployment":                    {"Deployment", "{replicas: 3}", "at most 1 pod more (maxSurge)\n"},
		"Deployment with maxSurge 100%": {"Deployment", "{replicas: 3, strategy: {rollingUpdate: {maxSurge: 100%}}}", "every pod restarts twice, so that nothing is gained (maxSurge)\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t, testenv.Shared(t))
			c.Manager(testenv.ArgoCD).In(c.namespace).MustApply(t, workloadOf(test.kind, staticPorts, fixture.Spec(test.spec)))
			set := strings.Replace(adapterSet("[{type: smb, port: 1445}]"), "kind: StatefulSet", "kind: "+test.kind, 1) + "  rollout: {mode: NextRollout}\n"
			a := c.must(1, c.runWith(set, "diff", "-f", "-"))
			expectIn(t, "stdout", a.stdout, "restarts at most 3 pods\n", prefix+test.want)
			a = c.must(1, c.runWith(strings.Replace(set, "NextRollout", "Immediate", 1), "diff", "-f", "-"))
			if strings.Contains(a.stdout, prefix) {
				t.Errorf("with mode Immediate: %s", a.stdout)
			}
		})
	}
}

func TestDiff_ExitCodes(t *testing.T) {
	t.Parallel()
	c := newCluster(t, testenv.Shared(t))
	c.argo(staticPorts)
	for name, args := range map[string][]string{
		"unknown flag":    {"diff", "--gone"},
		"no file":         {"diff"},
		"bad verbosity":   {"diff", "-f", "-", "-v", "99"},
		"an argument":     {"diff", "x"},
		"missing file":    {"diff", "-f", "gone.yaml"},
		"no such manager": {"diff", "-f", "-", "--field-manager", "kubectl-x"},
	} {
		a := c.runWith(adapterSet("[]"), args...)
		if a.code != 3 || a.stdout != "" || !strings.HasPrefix(a.stderr, "error: ") {
			t.Errorf("%s: exit code %d\n%s%s", name, a.code, a.stdout, a.stderr)
		}
	}
	missing := strings.Replace(adapterSet("[]"), "spec:\n", "spec:\n  container: gone\n", 1)
	expectIn(t, "stderr", c.must(2, c.runWith(missing, "diff", "-f", "-")).stderr, `container "gone" not found`)
	// Where sync would exit 2, so does diff, whether or not there is a difference.
	const invalid = `{"type":"smb","port":0,"enabled":true,"running":true}`
	list := func(adapters string) answer {
		return c.runWith("["+adapters+"]", "diff", "-f", file(t, "set.yaml", discoverySet), "--adapters", "-")
	}
	a := c.must(2, list(invalid+`,{"type":"nfs","port":12049,"enabled":true,"running":true}`))
	expectIn(t, "stdout", a.stdout, "+ adapter-nfs 12049/TCP\n")
	expectIn(t, "stderr", a.stderr, "error: ", `adapter "smb"`, "Invalid")
	a = c.must(2, list(invalid))
	expect(t, "stdout", a.stdout, "")
	expectIn(t, "stderr", a.stderr, "error: ", `adapter "smb"`, "Invalid")
	expectIn(t, "help", runProgram(t, "", "diff", "--help").stdout, "sync would exit 2")
}
