package install_test

import (
	"testing"

	"github.com/go-logr/logr"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/portside-dev/portside/testenv"
)

func TestMain(m *testing.M) {
	log.SetLogger(logr.Discard()) // the client warns without a logger
	testenv.Main(m, testenv.Options{})
}
