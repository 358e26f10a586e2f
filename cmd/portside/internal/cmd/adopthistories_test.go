package cmd_test

import (
	"github.com/portside-dev/portside/testenv"
)

// history is what happened to a workload, and what an adoption makes of it.
type history struct {
	name, kind string // StatefulSet when empty
	happens    func(c *cluster, kind, name string)
	outcome    string // empty if there is nothing to adopt
	ports      string // afterwards
	changes    int    // of the pod template
}

const emptyManagedFields = `[{"op":"replace","path":"/metadata/managedFields","value":[{}]}]`

// histories are those of the workloads of a namespace after some years.
func histories() []history {
	const both = "api:8080/TCP adapter-smb:1445/TCP adapter-nfs:12049/TCP"
	const smb = "api:8080/TCP adapter-smb:1445/TCP"
	operator := func(c *cluster, kind, name string) {
		c.argoNamed(kind, name, apiPort)
		c.updates(someManage, kind, name, operatorPorts)
		c.updates(testenv.DittoFSOperator, kind, name, bothAdapters)
	}
	return []history{
		{name: "a-operator", happens: operator, outcome: "Applied", ports: both},
		{name: "b-client-side", outcome: "Applied", ports: smb, happens: func(c *cluster, kind, name string) {
			c.kubectl(manifest(kind, name, operatorPorts), "apply", "-f", "-")
		}},
		{name: "c-helm", outcome: "Applied", ports: smb, happens: func(c *cluster, kind, name string) {
			c.Manager(testenv.Helm).In(c.namespace).MustCreate(c.t, workloadNamed(kind, name, operatorPorts))
		}},
		{name: "d-emptied", outcome: "Applied", ports: smb, happens: func(c *cluster, kind, name string) {
			c.argoNamed(kind, name, apiPort)
			c.updates(testenv.DittoFSOperator, kind, name, operatorPorts)
			c.edits(name, emptyManagedFields)
			c.argoNamed(kind, name, apiPort)
		}},
		{name: "e-one-key-twice", outcome: "Applied", ports: "api:8080/TCP nfs:12049/TCP adapter-smb:1445/TCP", changes: 1, happens: func(c *cluster, kind, name string) {
			c.argoNamed(kind, name, staticNFS)
			c.updates(testenv.DittoFSOperator, kind, name, oneKeyTwice)
		}},
		{name: "f-paused", outcome: "Paused", ports: both, happens: func(c *cluster, kind, name string) {
			operator(c, kind, name)
			c.kubectl("", "annotate", "statefulset/"+name, "portside.dev/paused=true")
		}},
		{name: "g-another", ports: smb, happens: func(c *cluster, kind, name string) {
			c.argoNamed(kind, name, apiPort)
			c.updates("another-operator", kind, name, operatorPorts)
		}},
		{name: "h-nothing", ports: "api:8080/TCP", happens: func(c *cluster, kind, name string) { c.argoNamed(kind, name, apiPort) }},
		{name: "i-unowned", ports: smb, happens: func(c *cluster, kind, name string) {
			c.argoNamed(kind, name, operatorPorts)
			c.edits(name, emptyManagedFields)
		}},
		{name: "j-deployment", kind: "Deployment", happens: operator, outcome: "Applied", ports: both},
		{name: "k-daemonset", kind: "DaemonSet", happens: operator, outcome: "Applied", ports: both},
	}
}

const everyManager = "manager,dittofs-operator,kubectl-client-side-apply,helm,before-first-apply"
