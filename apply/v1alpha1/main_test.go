package v1alpha1_test

import (
	"testing"

	"github.com/go-logr/logr"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/portside-dev/portside/testenv"
)

// The workload controllers run as well, since one of them fills the roles that
// others aggregate to.
func TestMain(m *testing.M) {
	log.SetLogger(logr.Discard()) // or the client warns that it is not set
	testenv.Main(m, testenv.Options{Controllers: true})
}
