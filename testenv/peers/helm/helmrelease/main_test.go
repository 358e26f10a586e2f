package helmrelease_test

import (
	"testing"

	"github.com/go-logr/logr"
	"helm.sh/helm/v4/pkg/kube"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/portside-dev/portside/testenv"
)

// manager is helm-controller's field manager.
const manager = "helm-controller"

func TestMain(m *testing.M) {
	kube.ManagedFieldsManager = manager
	log.SetLogger(logr.Discard())
	testenv.Main(m, testenv.Options{})
}
