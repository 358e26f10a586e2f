package main

import (
	"testing"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/portside"
)

// TestCRDDeletedWhileRunning has the log say what to install, and the service
// reconcile again once the CRD is installed.
func TestCRDDeletedWhileRunning(t *testing.T) {
	t.Parallel()
	cp := testenv.Own(t, testenv.Options{Controllers: true})
	f := newFleet(t, cp, 1)
	s, _ := f.startService()
	cp.MustKubectl(t, "", "", "delete", "crd", "adaptersets.portside.dev")
	s.WaitLog("the server could not find the requested resource (get adaptersets.portside.dev); install the CustomResourceDefinition of AdapterSets, which portside install prints")
	if s.Log.Contains("is not a Kubernetes API server") {
		t.Error("the log says that the API server is another web server")
	}
	portside.InstallCRD(t, cp)
	f.changeAll()
	f.check()
}
