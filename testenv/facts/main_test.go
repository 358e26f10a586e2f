package facts_test

import (
	"os"
	"testing"

	"github.com/portside-dev/portside/testenv"
)

// TestMain uses the control plane in KUBEBUILDER_ASSETS, or the existing cluster of the
// kubeconfig file PORTSIDE_FACTS_KUBECONFIG.
func TestMain(m *testing.M) {
	testenv.Main(m, testenv.Options{Kubeconfig: os.Getenv("PORTSIDE_FACTS_KUBECONFIG")})
}

// notOnExisting skips a test on an existing cluster, which cannot be asked.
func notOnExisting(t *testing.T, cp *testenv.ControlPlane, why string) {
	t.Helper()
	if cp.Existing() {
		t.Skipf("An existing cluster cannot be asked: %s.", why)
	}
}

// The reasons why an existing cluster cannot be asked.
const (
	needsPods         = "the test needs pods that its own kubelet runs and counts"
	needsMetrics      = "the metrics of its API servers count the requests of all clients"
	needsOneEntry     = "the entry of its StatefulSet controller stays in managedFields"
	needsLoadBalancer = "the Service might create a load balancer, whose controller writes to it"
	needsPolicy       = "the reproducer installs an admission policy of a fixed name"
	needsPolicyType   = "it does not serve MutatingAdmissionPolicy"
)
