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

// TestSync_Services: each Service of the AdapterSet has a result after that of the
// workload. It is written first where it loses a port.
func TestSync_Services(t *testing.T) {
	t.Parallel()
	c := newServiceCluster(t, ", type: NodePort", namedAPI)
	proxy := countingProxy(t, c.Config())
	c.kubeconfig = file(t, "kubeconfig", proxy.kubeconfig)
	sync := func(adapters string, args ...string) answer {
		return c.must(0, c.runWith(with(adapterSet(adapters), exposesNFS), append([]string{"sync", "-f", "-"}, args...)...))
	}
	expect(t, "table", sync(nfsAdapter).stdout, `TARGET        OUTCOME   PORT          NUMBER      STATE   OWNERS
sts/dittofs   Applied   adapter-nfs   12049/TCP   Owned   portside
svc/files     Applied   adapter-nfs   2049/TCP    Owned   portside
`)
	c.expectBoth(apiOfTarget+" "+nfsOfTarget, apiOfFiles+" "+nfsOfFiles)
	expect(t, "patches", proxy.patches(), "statefulsets services")
	expect(t, "names", sync(nfsAdapter, "-o", "name").stdout, "statefulset.apps/dittofs\nservice/files\n")

	r := resultsOf(t, sync(nfsAdapter, "-o", "json"))
	inContainer, inService := r.Results[0].Ports[0], r.Results[1].Ports[0]
	if r.Results[1].Target.Kind != "Service" || r.Results[1].Container != "" || r.Results[1].Outcome != "Unchanged" {
		t.Errorf("the result of the Service: %+v", r.Results[1])
	}
	if number := testenv.NodePorts(c.service())["adapter-nfs"]; inService["targetPort"] != "adapter-nfs" || inService["nodePort"] != float64(number) || number == 0 {
		t.Errorf("the port of the Service: %v; its node port is %d", inService, number)
	}
	for _, field := range []string{"targetPort", "nodePort"} {
		if _, has := inContainer[field]; has {
			t.Errorf("the port of the container has a %s: %v", field, inContainer)
		}
	}

	before := len(proxy.patches())
	expectIn(t, "removal", sync("[]").stdout, "sts/dittofs   Applied   adapter-nfs   12049/TCP   Removed", "svc/files     Applied   adapter-nfs   2049/TCP    Removed")
	c.expectBoth(apiOfTarget, apiOfFiles)
	expect(t, "patches of the removal", strings.TrimSpace(proxy.patches()[before:]), "services statefulsets")
}

// TestSync_ServiceNotWritten: what keeps a Service from being written to does not keep
// the container from it, and the error names the Service.
func TestSync_ServiceNotWritten(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		spec, ports string
		change      func(c *cluster)
		set         []string
		code        int
		outcome     string
		stderr      []string
	}{
		"missing": {
			ports: namedAPI, change: func(c *cluster) { c.Manager("test").MustDelete(c.t, "Service", c.namespace, "files") },
			code: 2, outcome: "TargetNotFound", stderr: []string{"error: stdin: document 1: Service NAMESPACE/files not found;", "--ignore-not-found"},
		},
		"paused": {
			ports: namedAPI, change: func(c *cluster) { c.annotateService("portside.dev/paused", "true") },
			code: 2, outcome: "Paused", stderr: []string{`adapter "nfs" of Service NAMESPACE/files: adapter-nfs 2049/TCP is Blocked: the annotation portside.dev/paused stops every write to the Service`},
		},
		"an unnamed port": {
			ports: "[{port: 80, targetPort: 8080, protocol: TCP}]",
			code:  2, outcome: "Unchanged", stderr: []string{`adapter "nfs" of Service NAMESPACE/files: adapter-nfs 2049/TCP is Blocked: port 80/TCP of argocd-controller (Apply) has no name`, "; name port 80/TCP in argocd-controller's manifest, such as \"name: main\"\n"},
		},
		"no selector": {
			ports: namedAPI, change: func(c *cluster) { c.patchService(`{"spec":{"selector":null}}`) },
			outcome: "Applied", stderr: []string{"Warning: Service NAMESPACE/files: Service NAMESPACE/files has no selector"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newServiceCluster(t, test.spec, test.ports)
			if test.change != nil {
				test.change(c)
			}
			a := c.must(test.code, c.runWith(with(adapterSet(nfsAdapter), append(test.set, exposesNFS)...), "sync", "-f", "-", "-o", "json"))
			if r := resultsOf(t, a).Results; len(r) != 2 || r[0].Outcome != "Applied" || r[1].Outcome != test.outcome {
				t.Errorf("%+v", r)
			}
			for _, want := range test.stderr {
				expectIn(t, "stderr", a.stderr, strings.ReplaceAll(want, "NAMESPACE", c.namespace))
			}
			expect(t, "ports of the container", c.ports(), apiOfTarget+" "+nfsOfTarget)
		})
	}
}

func (c *cluster) patchService(patch string) {
	c.t.Helper()
	c.Manager("person").MustPatch(c.t, "Service", c.namespace, "files", types.MergePatchType, []byte(patch))
}

func (c *cluster) annotateService(key, value string) {
	c.t.Helper()
	c.patchService(fmt.Sprintf(`{"metadata":{"annotations":{%q:%q}}}`, key, value))
}

// TestSync_ServicesOfOthers: Services are neither read nor written where the AdapterSet is
// suspended or its workload is missing.
func TestSync_ServicesOfOthers(t *testing.T) {
	t.Parallel()
	c := newServiceCluster(t, "", namedAPI)
	set := with(adapterSet(nfsAdapter), exposesNFS)
	a := c.must(0, c.runWith(with(set, "suspend: true"), "sync", "-f", "-"))
	expectIn(t, "stdout", a.stdout, "sts/dittofs   Paused", "svc/files     Paused")
	expectIn(t, "stderr", a.stderr, "StatefulSet "+c.namespace+"/dittofs, Service "+c.namespace+"/files is neither read nor written")
	missing := strings.Replace(set, "kind: StatefulSet, name: dittofs", "kind: StatefulSet, name: absent", 1)
	a = c.must(2, c.runWith(missing, "sync", "-f", "-", "-o", "name"))
	expect(t, "stdout", a.stdout, "")
	a = c.must(0, c.runWith(missing, "sync", "-f", "-", "--ignore-not-found"))
	expectIn(t, "stdout", a.stdout, "sts/absent   TargetNotFound")
	c.expectBoth(apiOfTarget, apiOfFiles)
	a = c.must(1, c.runWith(set+"---\n"+strings.ReplaceAll(set, "name: dittofs", "name: other"), "sync", "-f", "-"))
	expectIn(t, "stderr", a.stderr, "document 2: spec.services[0].name: Service "+c.namespace+"/files is in stdin: document 1 already")
}

// TestSync_Unlisted (PortsNotListed): discovered adapters are exposed outside the cluster
// only where spec.services lists them.
func TestSync_Unlisted(t *testing.T) {
	t.Parallel()
	for _, typ := range []string{"NodePort", "LoadBalancer"} {
		t.Run(typ, func(t *testing.T) {
			t.Parallel()
			c := newServiceCluster(t, ", type: "+typ, namedAPI)
			sync := func(services string) answer {
				return c.run("sync", "-f", file(t, "set.yaml", with(discoverySet, services)), "--adapters", recorded("adapters-both-running.json"), "-o", "json")
			}
			a := c.must(2, sync("services: [{name: files}]"))
			expectIn(t, "stderr", a.stderr, "Service "+c.namespace+"/files has type "+typ, "list in spec.services which of the discovered adapters it exposes")
			if r := resultsOf(t, a).Results[1]; r.Outcome != "Failed" || r.Error == "" {
				t.Errorf("%+v", r)
			}
			c.expectBoth(apiOfTarget+" adapter-smb:1445/TCP "+nfsOfTarget, apiOfFiles)
			c.must(0, sync(exposesNFS))
			expect(t, "ports of the Service", strings.Join(testenv.Ports(c.service(), ""), " "), apiOfFiles+" adapter-nfs:2049/TCP->12049")
		})
	}
}

// TestSync_KeptServicePort: with whenInactive Keep, the port of an inactive adapter keeps
// its node port, and has the adapter's type.
func TestSync_KeptServicePort(t *testing.T) {
	t.Parallel()
	c := newServiceCluster(t, ", type: NodePort", namedAPI)
	set := file(t, "set.yaml", with(discoverySet, "services: [{name: files, whenInactive: Keep, ports: [{adapter: smb, port: 445}]}]"))
	sync := func(list string) answer {
		return c.must(0, c.run("sync", "-f", set, "--adapters", recorded(list), "-o", "json"))
	}
	sync("adapters-both-running.json")
	number := testenv.NodePorts(c.service())["adapter-smb"]
	r := resultsOf(t, sync("adapters-smb-disabled.json")).Results
	if p := r[1].Ports[0]; r[1].Outcome != "Unchanged" || p["type"] != "smb" || p["state"] != "Owned" {
		t.Errorf("%+v", r[1])
	}
	c.expectBoth(apiOfTarget+" "+nfsOfTarget, apiOfFiles+" adapter-smb:445/TCP->1445")
	if now := testenv.NodePorts(c.service())["adapter-smb"]; now != number || now == 0 {
		t.Errorf("the node port is %d, not %d", now, number)
	}
}

// TestSync_ServicesAlone: with containerPorts Ignore, the Service is synced, and what we
// own in the container is given up and stays.
func TestSync_ServicesAlone(t *testing.T) {
	t.Parallel()
	c := newServiceCluster(t, "", namedAPI)
	c.must(0, c.runWith(adapterSet(nfsAdapter), "sync", "-f", "-"))
	set := with(adapterSet(nfsAdapter), "containerPorts: Ignore", exposesNFS)
	a := c.must(1, c.runWith(set, "diff", "-f", "-"))
	expect(t, "diff", a.stdout, strings.ReplaceAll(`StatefulSet NAMESPACE/dittofs: the ports stay and only their owners change: restarts no pod
Service NAMESPACE/files: restarts no pod
  api 80/TCP targetPort=8080
+ adapter-nfs 2049/TCP targetPort=adapter-nfs
`, "NAMESPACE", c.namespace))
	a = c.must(0, c.runWith(set, "sync", "-f", "-"))
	expectIn(t, "stdout", a.stdout, "sts/dittofs   Applied   adapter-nfs   12049/TCP   Released", "svc/files     Applied   adapter-nfs   2049/TCP    Owned")
	c.expectBoth(apiOfTarget+" "+nfsOfTarget, apiOfFiles+" "+nfsOfFiles)
	c.must(0, c.runWith(strings.Replace(set, nfsAdapter, "[]", 1), "sync", "-f", "-"))
	c.expectBoth(apiOfTarget+" "+nfsOfTarget, apiOfFiles)
}

// TestDiff_Services: a change of a Service restarts nothing, and a node port that the
// server is yet to choose is not shown.
func TestDiff_Services(t *testing.T) {
	t.Parallel()
	c := newServiceCluster(t, ", type: NodePort", "[{name: api, port: 80, targetPort: 8080, protocol: TCP, nodePort: 31180}]")
	set := with(adapterSet(nfsAdapter), exposesNFS)
	before := c.service().GetResourceVersion()
	a := c.must(1, c.runWith(set, "diff", "-f", "-"))
	expect(t, "diff", a.stdout, strings.ReplaceAll(`StatefulSet NAMESPACE/dittofs, container dittofs: restarts at most 3 pods
  api 8080/TCP
+ adapter-nfs 12049/TCP
Service NAMESPACE/files: restarts no pod
  api 80/TCP targetPort=8080 nodePort=31180
+ adapter-nfs 2049/TCP targetPort=adapter-nfs
`, "NAMESPACE", c.namespace))
	a = c.must(0, c.runWith(set, "sync", "-f", "-", "--dry-run=server", "-o", "json"))
	if strings.Contains(a.stdout, "nodePort") {
		t.Errorf("a dry run has a node port:\n%s", a.stdout)
	}
	expect(t, "resourceVersion", c.service().GetResourceVersion(), before)

	c.must(0, c.runWith(set, "sync", "-f", "-"))
	expect(t, "diff afterwards", c.must(0, c.runWith(set, "diff", "-f", "-")).stdout, "")
	number := testenv.NodePorts(c.service())["adapter-nfs"]
	a = c.must(1, c.runWith(strings.Replace(set, "port: 2049", "port: 2050", 1), "diff", "-f", "-"))
	expectIn(t, "diff of a renumbering", a.stdout,
		fmt.Sprintf("- adapter-nfs 2049/TCP targetPort=adapter-nfs nodePort=%d\n", number), fmt.Sprintf("+ adapter-nfs 2050/TCP targetPort=adapter-nfs nodePort=%d\n", number))
}

func TestOwners_Service(t *testing.T) {
	t.Parallel()
	c := newServiceCluster(t, ", type: NodePort", "[{name: api, port: 80, targetPort: 8080, protocol: TCP, nodePort: 31181}]")
	c.must(0, c.runWith(with(adapterSet(nfsAdapter), "services: [{name: files, ports: [{adapter: nfs, port: 2049, nodePort: 31182}]}]"), "sync", "-f", "-"))
	const table = `PORT          NUMBER     TARGETPORT    NODEPORT   OWNERS
api           80/TCP     8080          31181      argocd-controller
adapter-nfs   2049/TCP   adapter-nfs   31182      portside
`
	for _, args := range [][]string{{"service/files"}, {"svc", "files"}, {"services", "files"}, {"Service.v1.", "files"}} {
		expect(t, "table", c.must(0, c.run(append([]string{"owners"}, args...)...)).stdout, table)
	}
	expectIn(t, "wide", c.must(0, c.run("owners", "svc/files", "-o", "wide")).stdout,
		"adapter-nfs   2049/TCP   adapter-nfs   31182      portside", "the port: name, nodePort, port, protocol, targetPort\n")
	expect(t, "name", c.must(0, c.run("owners", "svc/files", "-o", "name")).stdout, "argocd-controller\nportside\n")
	expectIn(t, "json", c.must(0, c.run("owners", "svc/files", "-o", "json")).stdout, `"targetPort": 8080`, `"targetPort": "adapter-nfs"`, `"nodePort": 31182`)
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
		{[]string{"owners", "s"}, "service/ statefulset/ sts/ svc/ :6"},
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
