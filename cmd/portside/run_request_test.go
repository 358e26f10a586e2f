package main

import (
	"strings"
	"testing"

	"github.com/portside-dev/portside/cmd/portside/internal/request"
	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/fixture"
	"github.com/portside-dev/portside/testenv/portside"
)

// TestReconcile requests reconciles of a service that runs, and of none.
func TestReconcile(t *testing.T) {
	t.Parallel()
	cp := testenv.WithControllers(t)
	portside.InstallCRD(t, cp)
	f := fleetIn(t, cp, cp.Namespace(t))
	reconcile := func(args ...string) (code int, stdout, stderr string) {
		t.Helper()
		return program(t, "portside", append([]string{"reconcile", "--kubeconfig", cp.KubeconfigFile(), "-n", f.namespace}, args...)...)
	}
	expect := func(code int, wantCode int, text string, parts ...string) {
		t.Helper()
		if code != wantCode {
			t.Errorf("exit code %d, want %d", code, wantCode)
		}
		for _, part := range parts {
			if !strings.Contains(text, part) {
				t.Errorf("no %q in\n%s", part, text)
			}
		}
	}
	f.apply(staticWorkload("files"))
	f.WaitRolledOut(t, "StatefulSet", f.namespace, "files")
	f.apply(setOf("StatefulSet", "files", fixture.Adapters("web:8443")))

	before := f.git.MustGet(t, "AdapterSet", f.namespace, "files")
	code, stdout, stderr := reconcile("adapterset/files", "--timeout=1s")
	expect(code, 2, stderr, "reconcile requested; waiting", "the service has not handled the request within 1s: ")
	if stdout != "" {
		t.Errorf("stdout:\n%s", stdout)
	}
	after := f.git.MustGet(t, "AdapterSet", f.namespace, "files")
	if after.GetGeneration() != before.GetGeneration() {
		t.Errorf("generation %d, was %d", after.GetGeneration(), before.GetGeneration())
	}
	for _, e := range after.GetManagedFields() {
		if fields := e.FieldsV1.String(); e.Manager == request.FieldManager && fields != `{"f:metadata":{"f:annotations":{".":{},"f:portside.dev/requestedAt":{}}}}` {
			t.Errorf("%s owns %s", e.Manager, fields)
		}
	}
	code, stdout, _ = reconcile("adapterset/files", "--wait=false")
	expect(code, 0, stdout, "adapterset.portside.dev/files reconcile requested\n")
	code, stdout, _ = reconcile("--all", "--dry-run=server")
	expect(code, 0, stdout, "adapterset.portside.dev/files reconcile requested (server dry run)\n")

	service, _ := f.startService()
	code, stdout, stderr = reconcile("adapterset/files")
	expect(code, 0, stdout, "ADAPTERSET   READY ", "statefulset/files   adapter-web   8443/TCP   Owned   portside\n")
	expect(code, 0, stderr, "adapterset.portside.dev/files reconciled\n")
	service.WaitLog("reconciling as requested")
	code, stdout, _ = reconcile("adaptersets", "--all", "-o", "json")
	expect(code, 0, stdout, `"name": "files"`, `"ready": "True"`, `"state": "Owned"`)

	suspend := func(verb string) {
		t.Helper()
		if code, _, stderr := program(t, "portside", verb, "--kubeconfig", cp.KubeconfigFile(), "-n", f.namespace, "adapterset/files"); code != 0 {
			t.Fatalf("%s: exit code %d\n%s", verb, code, stderr)
		}
	}
	suspend("suspend")
	f.apply(setOf("StatefulSet", "files", fixture.Adapters("web:8444")))
	code, stdout, stderr = reconcile("adapterset/files")
	expect(code, 0, stderr, "files is suspended, so nothing is written to its target; to continue, run: portside resume -n "+f.namespace+" adapterset/files")
	expect(code, 0, stdout, "adapter-web   8444/TCP   Pending")
	f.expectPorts("StatefulSet", "files", append(staticPorts, "adapter-web:8443/TCP")...)
	suspend("resume")
	f.expectPorts("StatefulSet", "files", append(staticPorts, "adapter-web:8444/TCP")...)

	f.apply(setOf("StatefulSet", "gone", fixture.Adapters("web:8443")))
	code, stdout, stderr = reconcile("adapterset/gone")
	expect(code, 0, stdout, "gone", "False", "statefulset/gone", "<none>")
	expect(code, 0, stderr, "TargetNotFound: ")
}
