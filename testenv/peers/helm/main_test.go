package helm_test

import (
	"testing"

	kube3 "helm.sh/helm/v3/pkg/kube"
	kube4 "helm.sh/helm/v4/pkg/kube"

	"github.com/portside-dev/portside/testenv"
)

const chartFolder = "../../../examples/helm/chart"

func TestMain(m *testing.M) {
	// The name that the command helm sets in both versions.
	kube3.ManagedFieldsManager, kube4.ManagedFieldsManager = testenv.Helm, testenv.Helm
	testenv.Main(m, testenv.Options{})
}
