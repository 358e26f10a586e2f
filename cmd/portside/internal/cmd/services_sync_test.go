package cmd_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/portside-dev/portside/testenv"
)

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

// TestSync_ExampleEMQX syncs the example of EMQX with its answer.
func TestSync_ExampleEMQX(t *testing.T) {
	t.Parallel()
	c := newCluster(t, testenv.Shared(t))
	example := func(name string) string {
		text, err := os.ReadFile(filepath.Join(root, "examples", "emqx", name))
		if err != nil {
			t.Fatal(err)
		}
		return strings.ReplaceAll(string(text), "namespace: mqtt", "namespace: "+c.namespace)
	}
	c.Manager(testenv.ArgoCD).In(c.namespace).MustApply(t, example("statefulset.yaml"), example("service.yaml"))
	a := c.must(0, c.run("sync", "-f", file(t, "adapterset.yaml", example("adapterset.yaml")), "--adapters", filepath.Join(root, "examples", "emqx", "listeners.json")))
	expectIn(t, "stdout", a.stdout, "sts/emqx   Applied   adapter-quic   14567/UDP   Owned", "svc/emqx   Applied   adapter-tcp    1883/TCP    Owned")
	live := c.Manager("test").MustGet(t, "Service", c.namespace, "emqx")
	expect(t, "ports of the Service", strings.Join(testenv.Ports(live, ""), " "), "dashboard:18083/TCP->dashboard adapter-ws:80/TCP->8083 adapter-tcp:1883/TCP->1883")
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
	c := newServiceCluster(t, ", type: NodePort", "[{name: api, port: 80, targetPort: 8080, protocol: TCP, nodePort: 30080}]")
	set := with(adapterSet(nfsAdapter), exposesNFS)
	before := c.service().GetResourceVersion()
	a := c.must(1, c.runWith(set, "diff", "-f", "-"))
	expect(t, "diff", a.stdout, strings.ReplaceAll(`StatefulSet NAMESPACE/dittofs, container dittofs: restarts at most 3 pods
  api 8080/TCP
+ adapter-nfs 12049/TCP
Service NAMESPACE/files: restarts no pod
  api 80/TCP targetPort=8080 nodePort=30080
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
