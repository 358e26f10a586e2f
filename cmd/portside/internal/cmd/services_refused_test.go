package cmd_test

import (
	"strings"
	"testing"

	"github.com/portside-dev/portside/testenv"
)

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
			outcome: "Applied", stderr: []string{"Warning: Service NAMESPACE/files: it has no selector"},
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
			if test.outcome == "TargetNotFound" {
				a = c.must(0, c.runWith(with(adapterSet(nfsAdapter), exposesNFS), "sync", "-f", "-", "--ignore-not-found"))
				expectIn(t, "stderr", a.stderr, "Warning: stdin: document 1: Service "+c.namespace+"/files not found; skipped")
			}
		})
	}
}

// TestSync_ServicesWithoutServer: a server that is unreachable is asked once.
func TestSync_ServicesWithoutServer(t *testing.T) {
	t.Parallel()
	a := runProgram(t, with(adapterSet(nfsAdapter), exposesNFS), "sync", "-f", "-", "--kubeconfig", goneServer(t), "-n", "storage", "-o", "json")
	if r := resultsOf(t, a).Results; a.code != 1 || len(r) != 2 || r[0].Outcome != "Failed" || !strings.HasPrefix(r[1].Error, "skipped: ") {
		t.Errorf("exit code %d: %+v", a.code, r)
	}
	if n := strings.Count(a.stderr, "error: "); n != 1 {
		t.Errorf("%d errors:\n%s", n, a.stderr)
	}
}

// TestSync_SeveralServices: a port that the server refuses costs that port alone, and the
// error names its Service.
func TestSync_SeveralServices(t *testing.T) {
	t.Parallel()
	c := newServiceCluster(t, ", type: NodePort", namedAPI)
	c.Manager(testenv.ArgoCD).In(c.namespace).MustApply(t, "{apiVersion: v1, kind: Service, metadata: {name: second}, spec: {selector: {app: other}, ports: [{name: web, port: 443}]}}")
	set := with(adapterSet("[{type: nfs, port: 12049}, {type: smb, port: 1445}]"),
		"services: [{name: second}, {name: files, ports: [{adapter: nfs, port: 2049, nodePort: 1}, {adapter: smb, port: 445}]}]")
	a := c.must(2, c.runWith(set, "sync", "-f", "-"))
	expect(t, "table", a.stdout, `TARGET        OUTCOME   PORT          NUMBER      STATE     OWNERS
sts/dittofs   Applied   adapter-nfs   12049/TCP   Owned     portside
sts/dittofs   Applied   adapter-smb   1445/TCP    Owned     portside
svc/second    Applied   adapter-nfs   12049/TCP   Owned     portside
svc/second    Applied   adapter-smb   1445/TCP    Owned     portside
svc/files     Applied   adapter-nfs   2049/TCP    Blocked   <none>
svc/files     Applied   adapter-smb   445/TCP     Owned     portside
`)
	expectIn(t, "stderr", a.stderr, `error: stdin: document 1: adapter "nfs" of Service `+c.namespace+"/files: adapter-nfs 2049/TCP is Blocked: ",
		"Warning: Service "+c.namespace+"/second: its selector \"app=other\" does not select the pods of StatefulSet "+c.namespace+"/dittofs; correct it")
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
