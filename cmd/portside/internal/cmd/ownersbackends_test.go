package cmd_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/portside-dev/portside/testenv"
)

// newBackends has the Service files and the pods that it selects: files-0 and files-1 have
// its ports, and files-2 does not declare adapter-nfs. No controller runs: the test writes the
// EndpointSlices.
func newBackends(t *testing.T) *cluster {
	t.Helper()
	c := newCluster(t, testenv.Shared(t))
	c.Manager(testenv.ArgoCD).In(c.namespace).MustApply(t, `{apiVersion: v1, kind: Service, metadata: {name: files}, spec: {selector: {app: files}, ports: [
	  {name: api, port: 80, targetPort: 8080, protocol: TCP}, {name: adapter-nfs, port: 2049, targetPort: adapter-nfs, protocol: TCP}]}}`)
	var api []string
	for i, ports := range []string{", {name: adapter-nfs, containerPort: 12049, protocol: TCP}", ", {name: adapter-nfs, containerPort: 12049, protocol: TCP}", ""} {
		name := fmt.Sprintf("files-%d", i)
		c.Manager("test").In(c.namespace).MustApply(t, fmt.Sprintf(
			`{apiVersion: v1, kind: Pod, metadata: {name: %s, labels: {app: files}}, spec: {containers: [{name: server, image: x, ports: [{name: http, containerPort: 8080, protocol: TCP}%s]}]}}`, name, ports))
		c.kubectl("", "patch", "pod", name, "--subresource=status", "-p", `{"status": {"conditions": [{"type": "Ready", "status": "True"}]}}`)
		api = append(api, fmt.Sprintf("{addresses: [10.0.0.%d], conditions: {ready: true}, targetRef: {kind: Pod, name: %s}}", i+1, name))
	}
	for name, slice := range map[string]string{
		"files-a": "ports: [{name: api, port: 8080, protocol: TCP}], endpoints: [" + strings.Join(api[2:], ", ") + "]",
		"files-b": "ports: [{name: api, port: 8080, protocol: TCP}, {name: adapter-nfs, port: 12049, protocol: TCP}], endpoints: [" + strings.Join(api[:2], ", ") + "]",
	} {
		c.Manager("test").In(c.namespace).MustApply(t, fmt.Sprintf(
			"{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: %s, labels: {kubernetes.io/service-name: files}}, addressType: IPv4, %s}", name, slice))
	}
	return c
}

const portsOfFiles = `PORT          NUMBER     TARGETPORT    NODEPORT   OWNERS
api           80/TCP     8080          <none>     argocd-controller
adapter-nfs   2049/TCP   adapter-nfs   <none>     argocd-controller
`

func TestOwners_Backends(t *testing.T) {
	t.Parallel()
	c := newBackends(t)
	expect(t, "table", c.must(0, c.run("owners", "svc/files")).stdout, portsOfFiles+`
PORT          CONTAINER PORT                    READY PODS
api           server: http 8080/TCP             3: files-0, files-1, files-2
adapter-nfs   server: adapter-nfs 12049/TCP     2: files-0, files-1
adapter-nfs   none for targetPort adapter-nfs   1: files-2
`)
	expectIn(t, "json", c.must(0, c.run("owners", "svc/files", "-o", "json")).stdout, `"backends": [`, `"targetNumber": 12049,`)
	expect(t, "all Services", c.must(0, c.run("owners", "svc", "--no-headers")).stdout, `svc/files   api           80/TCP     8080          <none>   argocd-controller
svc/files   adapter-nfs   2049/TCP   adapter-nfs   <none>   argocd-controller
`)
}

func TestOwners_BackendsWithoutPermission(t *testing.T) {
	t.Parallel()
	c := newBackends(t)
	user, err := c.User("reader-" + c.namespace)
	if err != nil {
		t.Fatal(err)
	}
	c.kubectl("", "create", "role", "reader", "--verb=get", "--resource=services")
	c.kubectl("", "create", "rolebinding", "reader", "--role=reader", "--user=reader-"+c.namespace)
	reader := &cluster{ControlPlane: c.ControlPlane, t: t, namespace: c.namespace, kubeconfig: kubeconfigOf(t, user)}
	await := func(what string, done func(answer) bool) answer {
		t.Helper()
		var a answer
		testenv.Eventually(t, what, func(context.Context) error {
			if a = reader.run("owners", "svc/files"); a.code != 0 || !done(a) {
				return fmt.Errorf("exit code %d\n%s", a.code, a.stderr)
			}
			return nil
		})
		return a
	}
	a := await("the Service", func(answer) bool { return true })
	expect(t, "neither", a.stdout, portsOfFiles)
	expectIn(t, "stderr", a.stderr, "Warning: cannot list the EndpointSlices of Service "+c.namespace+"/files: Error from server (Forbidden)", "where its ports lead is not shown")

	c.kubectl("", "create", "role", "slices", "--verb=list", "--resource=endpointslices.discovery.k8s.io")
	c.kubectl("", "create", "rolebinding", "slices", "--role=slices", "--user=reader-"+c.namespace)
	a = await("EndpointSlices", func(a answer) bool { return strings.Contains(a.stdout, "READY PODS") })
	expect(t, "without pods", a.stdout, portsOfFiles+`
PORT          CONTAINER PORT   READY PODS
api           8080/TCP         3: files-0, files-1, files-2
adapter-nfs   12049/TCP        2: files-0, files-1
`)
	expectIn(t, "stderr", a.stderr, "containers, and ready pods without the port, are not shown")
}
