package cmd_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/portside-dev/portside/testenv"
)

const (
	nfsAdapter = "[{type: nfs, port: 12049}]"
	// exposesNFS is a field of an AdapterSet's spec.
	exposesNFS  = "services: [{name: files, ports: [{adapter: nfs, port: 2049}]}]"
	namedAPI    = "[{name: api, port: 80, targetPort: 8080, protocol: TCP}]"
	apiOfFiles  = "api:80/TCP->8080"
	nfsOfFiles  = "adapter-nfs:2049/TCP->adapter-nfs"
	apiOfTarget = "api:8080/TCP"
	nfsOfTarget = "adapter-nfs:12049/TCP"
)

// newServiceCluster has the StatefulSet dittofs and the Service files, both applied as
// Argo CD does.
func newServiceCluster(t *testing.T, spec, ports string) *cluster {
	t.Helper()
	c := newCluster(t, testenv.Shared(t))
	c.Manager(testenv.ArgoCD).In(c.namespace).MustApply(t, statefulSet(apiPort))
	c.argoService(spec, ports)
	return c
}

// argoService applies the Service with further fields and the ports of a YAML list.
func (c *cluster) argoService(spec, ports string) {
	c.t.Helper()
	c.Manager(testenv.ArgoCD).In(c.namespace).MustApply(c.t, fmt.Sprintf(
		"{apiVersion: v1, kind: Service, metadata: {name: files}, spec: {selector: {app: dittofs}, ports: %s%s}}", ports, spec))
}

// service returns the Service as it is live.
func (c *cluster) service() *unstructured.Unstructured {
	c.t.Helper()
	return c.Manager("test").MustGet(c.t, "Service", c.namespace, "files")
}

// expectBoth compares the ports of the container and of the Service.
func (c *cluster) expectBoth(container, service string) {
	c.t.Helper()
	expect(c.t, "ports of the container", c.ports(), container)
	expect(c.t, "ports of the Service", strings.Join(testenv.Ports(c.service(), ""), " "), service)
}

// with returns an AdapterSet with further fields of its spec.
func with(set string, fields ...string) string {
	for _, f := range fields {
		set += "  " + f + "\n"
	}
	return set
}

// reported is what a command prints with -o json.
type reported struct {
	Results []struct {
		Target    struct{ Kind, Namespace, Name string }
		Container string
		Outcome   string
		Ports     []map[string]any
		Warnings  []struct{ Reason, Message string }
		Error     string
	}
}

func resultsOf(t *testing.T, a answer) reported {
	t.Helper()
	var r reported
	if err := json.Unmarshal([]byte(a.stdout), &r); err != nil {
		t.Fatalf("%v\n%s", err, a.stdout)
	}
	return r
}

func (c *cluster) patchService(patch string) {
	c.t.Helper()
	c.Manager("person").MustPatch(c.t, "Service", c.namespace, "files", types.MergePatchType, []byte(patch))
}

func (c *cluster) annotateService(key, value string) {
	c.t.Helper()
	c.patchService(fmt.Sprintf(`{"metadata":{"annotations":{%q:%q}}}`, key, value))
}

func TestOwners_Service(t *testing.T) {
	t.Parallel()
	c := newServiceCluster(t, ", type: NodePort", "[{name: api, port: 80, targetPort: 8080, protocol: TCP, nodePort: 30081}]")
	c.must(0, c.runWith(with(adapterSet(nfsAdapter), "services: [{name: files, ports: [{adapter: nfs, port: 2049, nodePort: 30082}]}]"), "sync", "-f", "-"))
	const table = `PORT          NUMBER     TARGETPORT    NODEPORT   OWNERS
api           80/TCP     8080          30081      argocd-controller
adapter-nfs   2049/TCP   adapter-nfs   30082      portside

PORT          CONTAINER PORT           READY PODS
api           targetPort 8080          none
adapter-nfs   targetPort adapter-nfs   none
`
	for _, args := range [][]string{{"service/files"}, {"svc", "files"}, {"services", "files"}, {"Service.v1.", "files"}} {
		expect(t, "table", c.must(0, c.run(append([]string{"owners"}, args...)...)).stdout, table)
	}
	expectIn(t, "wide", c.must(0, c.run("owners", "svc/files", "-o", "wide")).stdout,
		"adapter-nfs   2049/TCP   adapter-nfs   30082      portside", "the port: name, nodePort, port, protocol, targetPort\n")
	expect(t, "name", c.must(0, c.run("owners", "svc/files", "-o", "name")).stdout, "argocd-controller\nportside\n")
	expectIn(t, "json", c.must(0, c.run("owners", "svc/files", "-o", "json")).stdout, `"targetPort": 8080`, `"targetPort": "adapter-nfs"`, `"nodePort": 30082`)
	expectIn(t, "stderr", c.must(1, c.run("owners", "svc/files", "-c", "dittofs")).stderr, "a Service has no containers")
	expectIn(t, "stderr", c.must(2, c.run("owners", "svc/absent")).stderr, "Service "+c.namespace+"/absent not found")
}

// TestAdopt_Service: an operator wrote the port with an update.
func TestAdopt_Service(t *testing.T) {
	t.Parallel()
	c := newServiceCluster(t, "", namedAPI)
	c.updates(testenv.DittoFSOperator, "Service", "files", `[{name: api, port: 80, targetPort: 8080, protocol: TCP}, {name: adapter-nfs, port: 2049, targetPort: 12049, protocol: TCP}]`)
	before := testenv.Ports(c.service(), "")
	expect(t, "completion", c.complete("adopt", "svc/files", "--from", ""), "dittofs-operator :4")
	a := c.must(0, c.run("adopt", "service/files", "--from", "dittofs-operator"))
	expect(t, "table", a.stdout, `TARGET      OUTCOME   PORT          NUMBER     STATE   OWNERS
svc/files   Applied   adapter-nfs   2049/TCP   Owned   portside
`)
	expect(t, "ports", fmt.Sprint(testenv.Ports(c.service(), "")), fmt.Sprint(before))
	a = c.must(2, c.run("adopt", "service/files", "--from", "dittofs-operator"))
	expectIn(t, "stderr", a.stderr, `field manager "dittofs-operator" owns no fields of Service `+c.namespace+"/files; the ports are owned by: argocd-controller, portside")
	expectIn(t, "stderr", c.must(1, c.run("adopt", "svc/files", "--from", "x", "-c", "dittofs")).stderr, "a Service has no containers")
	expectIn(t, "help", runProgram(t, "", "adopt", "--help").stdout, "and in no\nService")
}

// TestRelease_Service: the port is removed, or stays without an owner.
func TestRelease_Service(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ flag, state, want string }{
		"remove":     {"--keep-ports=false", "Removed", apiOfFiles},
		"keep ports": {"--keep-ports", "Released", apiOfFiles + " " + nfsOfFiles},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newServiceCluster(t, "", namedAPI)
			c.must(0, c.runWith(with(adapterSet(nfsAdapter), exposesNFS), "sync", "-f", "-"))
			a := c.must(0, c.run("release", "service/files", test.flag))
			expectIn(t, "stdout", a.stdout, "svc/files   Applied   adapter-nfs   2049/TCP   "+test.state)
			c.expectBoth(apiOfTarget+" "+nfsOfTarget, test.want)
			expectIn(t, "stderr", c.must(0, c.run("release", "service/files", test.flag)).stderr, "portside owns nothing of Service "+c.namespace+"/files")
		})
	}
}

func TestCompletion_Services(t *testing.T) {
	t.Parallel()
	c := newServiceCluster(t, "", namedAPI)
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"release", "s"}, "service/ statefulset/ sts/ svc/ :6"},
		{[]string{"owners", "svc/"}, "svc/files :4"},
		{[]string{"release", "services", ""}, "files :4"},
	} {
		expect(t, strings.Join(test.args, " "), c.complete(test.args...), test.want)
	}
}

// TestHistory_Service: a Service has no revisions, and its history is what portside
// recorded since it was created.
func TestHistory_Service(t *testing.T) {
	t.Parallel()
	c := newServiceCluster(t, "", namedAPI)
	set := with(adapterSet(nfsAdapter), exposesNFS)
	c.must(0, c.runWith(set, "sync", "-f", "-"))
	c.must(0, c.runWith(strings.Replace(set, "port: 2049", "port: 2050", 1), "sync", "-f", "-"))
	c.must(0, c.run("release", "svc/files"))
	ages := regexp.MustCompile(`(?m)^\d+s +`)
	a := c.must(0, c.run("history", "service/files"))
	expect(t, "table", ages.ReplaceAllString(a.stdout, "1s    "), `AGE   BY         CHANGE
1s    portside   +adapter-nfs 2049/TCP
1s    portside   -adapter-nfs 2049/TCP, +adapter-nfs 2050/TCP
1s    portside   -adapter-nfs 2050/TCP
`)
	expectIn(t, "stderr", a.stderr, "Service "+c.namespace+"/files has no revisions, as no Service has: only changes that portside recorded are known")
	expectIn(t, "wide", c.must(0, c.run("history", "svc/files", "-o", "wide")).stdout, "portside   recorded in an Event   +adapter-nfs 2049/TCP")
	expectIn(t, "json", c.must(0, c.run("history", "svc/files", "-o", "json")).stdout, `"containers": []`, `"service": "files"`, `"change": "Added"`, `"certain": true`)
	expectIn(t, "events", c.kubectl("", "get", "events", "-o", "jsonpath={.items[*].message}"), "portside sync changed the ports: +adapter-nfs 2049/TCP")

	c.Manager("test").MustDelete(t, "Service", c.namespace, "files")
	c.argoService("", namedAPI)
	expect(t, "of a recreated Service", c.must(0, c.run("history", "svc/files")).stdout, "")
}
