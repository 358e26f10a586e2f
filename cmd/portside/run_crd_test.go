package main

import (
	"testing"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/portside"
)

// TestCRDDeletedWhileRunning has the log say what to install, and the service
// work again once it is installed.
func TestCRDDeletedWhileRunning(t *testing.T) {
	t.Parallel()
	cp, err := testenv.Start(t.Context(), testenv.Options{Controllers: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cp.Stop(); err != nil {
			t.Error(err)
		}
	})
	f := newFleet(t, cp, 1)
	s, _ := f.startService()
	if _, err := cp.Kubectl(t.Context(), "", "", "delete", "crd", "adaptersets.portside.dev"); err != nil {
		t.Fatal(err)
	}
	s.WaitLog("the server could not find the requested resource (get adaptersets.portside.dev); install the CustomResourceDefinition of AdapterSets, which portside install prints")
	if s.Log.Contains("is not a Kubernetes API server") {
		t.Error("the API server is taken for another web server")
	}
	portside.InstallCRD(t, cp)
	f.changeAll()
	f.check()
}
