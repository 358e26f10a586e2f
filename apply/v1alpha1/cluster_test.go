package v1alpha1_test

import (
	"context"
	"os"
	"strings"
	"sync"
	"testing"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/portside-dev/portside/testenv"
)

const (
	crdFile = "../../examples/install/crd/portside.dev_adaptersets.yaml"
	// crdName is what kubectl calls the CRD.
	crdName = "customresourcedefinition.apiextensions.k8s.io/adaptersets.portside.dev"
)

// cluster is a namespace of a test's own in a cluster that has the CRD.
type cluster struct {
	*testenv.ControlPlane
	t         *testing.T
	namespace string
	http      rest.Interface
}

// installOnce: the CRD is cluster-wide, and every test of this package that
// uses the control plane wants it, so they share both.
var installOnce sync.Once

func newCluster(t *testing.T) *cluster {
	t.Helper()
	cp := testenv.Shared(t)
	c := &cluster{ControlPlane: cp, t: t}
	c.http = c.clientset().CoreV1().RESTClient()
	installOnce.Do(c.install)
	c.namespace = cp.Namespace(t)
	return c
}

func (c *cluster) install() {
	c.t.Helper()
	c.namespace = "default"
	c.kubectlApply(crdFile)
	c.kubectl("", "wait", "--for=condition=Established", crdName)
	// Established comes a moment before the server serves it.
	testenv.Eventually(c.t, "the CRD to be served", func(ctx context.Context) error {
		_, err := c.Kubectl(ctx, c.namespace, "", "get", "aset")
		return err
	})
}

// in is the cluster for a subtest, with a namespace of its own.
func (c *cluster) in(t *testing.T) *cluster {
	t.Helper()
	return &cluster{ControlPlane: c.ControlPlane, t: t, http: c.http, namespace: c.Namespace(t)}
}

// kubectl runs the real kubectl in the namespace.
func (c *cluster) kubectl(stdin string, args ...string) string {
	c.t.Helper()
	out, err := c.Kubectl(c.t.Context(), c.namespace, stdin, args...)
	if err != nil {
		c.t.Fatal(err)
	}
	return out
}

func (c *cluster) clientset() kubernetes.Interface {
	c.t.Helper()
	clientset, err := kubernetes.NewForConfig(c.Config())
	if err != nil {
		c.t.Fatal(err)
	}
	return clientset
}

// kubectlApply hands kubectl the text of a file. The file is read here, because
// go test would not run again for one that it has not seen the test read.
func (c *cluster) kubectlApply(path string) (stdout string) {
	c.t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		c.t.Fatal(err)
	}
	return c.kubectl(string(text), "apply", "-f", "-")
}

const collection = "/apis/portside.dev/v1alpha1/namespaces/"

// create sends the text as it is, which no client would do: each reads it
// first. The server stores nothing, and answers with what it would store.
func (c *cluster) create(text string) ([]byte, error) {
	return c.send(c.http.Post().AbsPath(collection+c.namespace+"/adaptersets").
		SetHeader("Content-Type", mediaType(text, "application/json", "application/yaml")), text)
}

// apply is create by server-side apply.
func (c *cluster) apply(name, text string) ([]byte, error) {
	return c.send(c.http.Patch("application/apply-patch+yaml").AbsPath(collection+c.namespace+"/adaptersets/"+name).
		Param("fieldManager", "kubectl"), text)
}

func (c *cluster) send(request *rest.Request, text string) ([]byte, error) {
	result := request.Param("dryRun", "All").Param("fieldValidation", "Strict").Body([]byte(text)).Do(c.t.Context())
	if err := result.Error(); err != nil { // Raw's error lacks what the server said
		return nil, err
	}
	return result.Raw()
}

func mediaType(text, json, yaml string) string {
	if strings.HasPrefix(text, "{") {
		return json
	}
	return yaml
}
