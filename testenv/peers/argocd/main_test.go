package argocd_test

import (
	"os"
	"testing"

	"github.com/portside-dev/portside/testenv"
)

// replacer is the manager that Replace=true writes under: the name of the binary,
// which is the user agent of requests without a field manager.
const replacer = "argocd-application-controller"

func TestMain(m *testing.M) {
	os.Args[0] = replacer // as in a cluster
	testenv.Main(m, testenv.Options{})
}
