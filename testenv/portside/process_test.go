package portside_test

import (
	"os/exec"
	"strings"
	"testing"

	"k8s.io/client-go/rest"

	"github.com/portside-dev/portside/testenv/portside"
)

// TestStopAfterEnd stops a process that has ended by itself.
func TestStopAfterEnd(t *testing.T) {
	path, err := exec.LookPath("false")
	if err != nil {
		t.Fatal(err)
	}
	process, err := portside.Program{Path: path}.Start(&rest.Config{Host: "https://127.0.0.1:1", TLSClientConfig: rest.TLSClientConfig{CAData: []byte("any")}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(process.Kill)
	<-process.Ended()
	if process.Alive() {
		t.Error("it is alive")
	}
	if err := process.Stop(); err == nil || !strings.Contains(err.Error(), "exit status 1") {
		t.Errorf("got %v", err)
	}
}
