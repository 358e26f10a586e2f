package v1alpha1_test

import (
	"context"
	"os"
	"sync"
	"testing"

	"k8s.io/client-go/kubernetes"

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
}

// installOnce: the CRD is cluster-wide, and every test of this package that
// uses the control plane wants it, so they share both.
var installOnce sync.Once

func newCluster(t *testing.T) *cluster {
	t.Helper()
	cp := testenv.Shared(t)
	c := &cluster{ControlPlane: cp, t: t}
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
	return &cluster{ControlPlane: c.ControlPlane, t: t, namespace: c.Namespace(t)}
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
