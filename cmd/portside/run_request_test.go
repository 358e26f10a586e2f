package main

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/portside-dev/portside/cmd/portside/internal/request"
	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/fixture"
	"github.com/portside-dev/portside/testenv/portside"
)

// user runs commands in the namespace of a fleet.
func (f *fleet) user(args ...string) (code int, stdout, stderr string) {
	f.t.Helper()
	return program(f.t, "portside", append(args, "--kubeconfig", f.KubeconfigFile(), "-n", f.namespace)...)
}

// expectUser fails the test unless a command ends with this code and prints this, and has
// this on stderr.
func (f *fleet) expectUser(code int, out, inErrors string, args ...string) {
	f.t.Helper()
	gotCode, stdout, stderr := f.user(args...)
	if gotCode != code || stdout != out || !strings.Contains(stderr, inErrors) {
		f.t.Errorf("%v: exit code %d, want %d\nstdout:\n%s\nwant:\n%s\nstderr:\n%s\nwant: %s", args, gotCode, code, stdout, out, stderr, inErrors)
	}
}

// TestRequests has the service reconcile when asked, and stop and start writing.
func TestRequests(t *testing.T) {
	t.Parallel()
	f := newFleet(t, testenv.WithControllers(t), 1)
	files := f.members[0].name
	set := "adapterset/" + files
	portside.Run(t, self(t), f.Config(), "--leader-elect=false", "--watch-namespace", f.namespace).WaitReady()
	f.apply(setOf("StatefulSet", files, fixture.Adapters("nfs:12049")))
	f.members[0].desired = []string{"adapter-nfs:12049/TCP"}
	f.waitPorts()

	f.expectUser(0, "ADAPTERSET   PORTS   READY   REASON    MESSAGE\nfiles-0      1/1     True    InPlace   the workload declares every desired port\n", "waiting for portside run", "reconcile", set)
	f.expectUser(0, "adapterset.portside.dev/files-0 reconcile requested\n", "", "reconcile", "aset", files, "--wait=false")

	f.expectUser(0, "adapterset.portside.dev/files-0 suspended (server dry run)\n", "", "suspend", set, "--dry-run=server")
	f.expectUser(0, "adapterset.portside.dev/files-0 suspended\n", "", "suspend", set)
	f.expectUser(0, "adapterset.portside.dev/files-0 suspended (no change)\n", "", "suspend", "adaptersets", "--all")
	f.apply(setOf("StatefulSet", files, fixture.Adapters("nfs:12050")))
	f.expectUser(2, "ADAPTERSET   PORTS   READY   REASON    MESSAGE\nfiles-0      0/1     True    InPlace   the workload declares every desired port\n", "is suspended, so nothing is written", "reconcile", set)
	f.waitPorts() // as before
	f.expectUser(0, "adapterset.portside.dev/files-0\n", "", "resume", set, "-o", "name")
	f.members[0].desired = []string{"adapter-nfs:12050/TCP"}
	f.waitPorts()
	live := f.git.MustGet(t, "AdapterSet", f.namespace, files)
	for _, e := range live.GetManagedFields() {
		if strings.Contains(e.FieldsV1.String(), "f:suspend") {
			t.Errorf("%s owns spec.suspend after it was resumed", e.Manager)
		}
	}

	f.apply(setOf("StatefulSet", files, fixture.Adapters("nfs:12050"), fixture.Spec("suspend: true")))
	f.expectUser(2, "", "spec.suspend is declared as true by git (Apply), which would set it back: change it there", "resume", set)
	f.expectUser(2, "", "AdapterSet "+f.namespace+"/gone not found", "suspend", "adapterset/gone")
}

// TestRequests_WithoutService says that no service answers, and changes no field but the
// annotation.
func TestRequests_WithoutService(t *testing.T) {
	t.Parallel()
	f := newFleet(t, testenv.WithControllers(t), 1)
	set := "adapterset/" + f.members[0].name
	before := f.git.MustGet(t, "AdapterSet", f.namespace, f.members[0].name)
	f.expectUser(2, "", "no portside run handled the request within 1s; is it running", "reconcile", set, "--timeout", "1s")
	after := f.git.MustGet(t, "AdapterSet", f.namespace, f.members[0].name)
	if after.GetGeneration() != before.GetGeneration() {
		t.Errorf("the generation moved from %d to %d", before.GetGeneration(), after.GetGeneration())
	}
	for _, e := range after.GetManagedFields() {
		if e.Manager == request.FieldManager && (e.Operation != metav1.ManagedFieldsOperationUpdate || !strings.Contains(e.FieldsV1.String(), "requestedAt")) {
			t.Errorf("%s owns %s", e.Manager, e.FieldsV1)
		}
	}
}
