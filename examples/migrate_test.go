package examples_test

import (
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/portside"
)

// TestMigrate runs examples/dittofs/migrate.sh next to a played operator.
func TestMigrate(t *testing.T) {
	t.Parallel()
	cp := testenv.WithControllers(t)
	installDittoServer(t, cp)
	binaries := filepath.Dir(portside.BuildFor(t).Path)
	for name, test := range map[string]func(*migration){
		"as recorded":                 (*migration).asRecorded,
		"interrupted":                 (*migration).interrupted,
		"the operator is stopped":     (*migration).operatorStopped,
		"the operator does not stop":  (*migration).operatorDoesNotStop,
		"the operator is owner again": (*migration).ownerAgain,
		"refusals":                    (*migration).refusals,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(newMigration(t, startOperator(t, cp), binaries))
		})
	}
}

// asRecorded migrates from the operator as it was recorded, and lets portside go on.
func (m *migration) asRecorded() {
	t, live := m.t, m.live()
	for _, object := range recorded(t, "fresh.yaml") {
		want, err := testenv.Entry(object, operatorManager, metav1.ManagedFieldsOperationUpdate)
		must(t, err)
		name := object.GetKind() + "/" + object.GetName()
		got, err := testenv.Entry(live[name], operatorManager, metav1.ManagedFieldsOperationUpdate)
		must(t, err)
		if anyUID(got) != anyUID(want) {
			t.Errorf("the played operator owns of %s\n%s\nrecorded were\n%s", name, anyUID(got), anyUID(want))
		}
	}
	nfs := []string{"adapter-nfs-udp:12049", "adapter-nfs:12049", "mdns:5353", "portmap-udp:10111", "portmap:10111"}
	m.expectEndpoints("dittofs-adapter-nfs", nfs...)

	m.mustRun()
	m.expectKept()
	m.expectMigrated()
	m.expectEndpoints("dittofs-adapter-nfs", nfs...)
	once := m.live()
	m.mustRun()
	for name, object := range m.live() {
		if is, was := withoutTimes(t, object), withoutTimes(t, once[name]); is != was {
			t.Errorf("the second run changed %s: %s\nbecame %s", name, was, is)
		}
	}

	m.sync("adapters-both-running.json")
	m.expectKept()
	m.expectOwners(map[string][]string{"12049/TCP": {testenv.Portside + "/Apply"}, "10111/UDP": {testenv.Kubectl + "/Apply"}})

	// The adapter's port is removed, and its Service keeps its addresses and node ports.
	m.sync("adapters-smb-disabled.json")
	m.expectEndpoints("dittofs-adapter-smb", "mdns:5353", "wsd-meta:5357", "wsd:3702")
	m.cp.WaitRolledOut(t, "StatefulSet", m.namespace, dittofs)
	delete(m.before, "StatefulSet/dittofs generation")
	m.starts++
	m.expectKept()
	m.sync("adapters-nfs-renumbered.json")
	nfs[1] = "adapter-nfs:12050"
	m.expectEndpoints("dittofs-adapter-nfs", nfs...)
}

// interrupted kills the script after each of its writes, and runs it again.
func (m *migration) interrupted() {
	for _, write := range []struct{ command, pattern string }{
		{"kubectl", `*portside-migration*`},
		{"kubectl", `*--cascade=orphan*`},
		{"kubectl", `*"patch dittoservers"*`},
		{"kubectl", `*"scale "*`},
		{"portside", `"adopt "*`},
		{"kubectl", `*"--force-conflicts -f configmap.yaml"*`},
		{"kubectl", `*"patch Service/dittofs-api"*`},
		{"kubectl", `*"patch StatefulSet/dittofs"*`},
	} {
		// kill 0 ends the process group, with the script in it.
		m.intercept(write.command, write.pattern, `case "$*" in *--dry-run=server*) exec "$real" "$@";; esac; "$real" "$@" && kill -KILL 0`)
		stderr, err := m.run()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != -1 {
			m.t.Errorf("the script was not killed at %s: %v\n%s", write.pattern, err, stderr)
		}
		m.restore(write.command)
		m.expectKept()
	}
	m.mustRun()
	m.expectKept()
	m.expectMigrated()
}

// operatorStopped migrates from an operator that does not run any more.
func (m *migration) operatorStopped() {
	m.cp.MustKubectl(m.t, m.own, "", "scale", "deployment", operatorName, "--replicas=0")
	m.cp.MustKubectl(m.t, m.own, "", "wait", "--for=delete", "pod", "-l", operatorPods, "--timeout=60s")
	m.mustRun()
	m.expectKept()
	m.expectMigrated()
}

// operatorDoesNotStop has a pod of the operator that does not end, and then something
// that creates the DittoServer again.
func (m *migration) operatorDoesNotStop() {
	m.edit("migrate.sh", "\ntimeout=120 ", "\ntimeout=20 ")
	pod := strings.TrimSpace(m.cp.MustKubectl(m.t, m.own, "", "get", "pods", "-l", operatorPods, "-o", "name"))
	m.cp.MustKubectl(m.t, m.own, "", "patch", pod, "--type=merge", "--patch", `{"metadata":{"finalizers":["portside.dev/test"]}}`)
	m.refuse("2/5 stopping the operator", "the operator still runs in namespace "+m.own+": "+pod)
	m.expectKept()
	m.expectNotAdopted()

	m.intercept("kubectl", `*"get pods"*`, `"$real" create -n `+m.namespace+` -f dittoserver.yaml >&2; "$real" "$@"`)
	m.write(filepath.Join(m.folder, "dittoserver.yaml"), fileText(m.t, "../"+recordings+"dittoserver.yaml"))
	m.edit("dittoserver.yaml", "namespace: storage", "namespace: "+m.namespace)
	m.cp.MustKubectl(m.t, m.own, "", "patch", pod, "--type=merge", "--patch", `{"metadata":{"finalizers":null}}`)
	m.refuse("DittoServer " + m.namespace + "/dittofs exists again")
	m.expectKept()
	m.expectNotAdopted()
	m.restore("kubectl")
	m.mustRun()
	m.expectKept()
	m.expectMigrated()
}

// ownerAgain has a reconcile of the operator that is under way make it the owner again
// while its DittoServer is being deleted.
func (m *migration) ownerAgain() {
	owner, err := m.get(m.t.Context(), m.dittoServer)
	must(m.t, err)
	patch := fmt.Sprintf(`{"metadata":{"ownerReferences":[{"apiVersion":%q,"kind":%q,"name":%q,"uid":%q}]}}`,
		owner.GetAPIVersion(), owner.GetKind(), owner.GetName(), owner.GetUID())
	m.intercept("kubectl", `*"get statefulsets,"*`, `deleted=$("$real" get dittoservers/dittofs -n `+m.namespace+` -o jsonpath={.metadata.deletionTimestamp})
[ -z "$deleted" ] || "$real" patch service/dittofs-api -n `+m.namespace+` --type=merge --patch '`+patch+`' >&2
"$real" "$@"`)
	m.refuse("the operator has become the owner again of service/dittofs-api") // and of what a reconcile under way wrote besides
	m.expectKept()
	m.expectNotAdopted()
	m.restore("kubectl")
	m.mustRun()
	m.expectKept()
	m.expectMigrated()
}

// refusals runs the script where a step cannot do what it must.
func (m *migration) refusals() {
	t := m.t
	unchanged := func(t *testing.T) {
		t.Helper()
		m.expectKept()
		m.expectNotAdopted()
		owner, err := m.get(t.Context(), m.dittoServer)
		if err != nil || owner.GetDeletionTimestamp() != nil {
			t.Errorf("the DittoServer was deleted: %v", err)
		}
	}
	for _, test := range []struct {
		name           string
		file, from, to string // an edit
		says           []string
	}{
		{"another namespace", "migrate.sh", "\nnamespace=" + m.namespace, "\nnamespace=default",
			[]string{`cannot read StatefulSet default/dittofs in context portside-testenv; choose the context`}},
		{"another namespace of the operator", "migrate.sh", "operator_namespace=" + m.own, "operator_namespace=default",
			[]string{"cannot read the operator's Deployment default/" + operatorName, "correct the names at the top"}},
		{"an object that is not listed", "migrate.sh", "networkpolicy/\"$server\"-{baseline,", "networkpolicy/\"$server\"-{",
			[]string{"also owns networkpolicy/dittofs-baseline; add it to objects"}},
		{"another image in Git", "statefulset.yaml", "dittofs:v0.29.0", "dittofs:v0.30.0",
			[]string{"statefulset.yaml differs from the live StatefulSet, so pods would restart", "kubectl diff"}},
		{"another selector in Git", "statefulset.yaml", "app: dittofs-server", "app: dittofs",
			[]string{"field is immutable", "the API server would refuse the manifests"}},
		{"another namespace in Git", "service.yaml", "namespace: " + m.namespace, "namespace: other",
			[]string{"does not match the namespace", "the API server would refuse the manifests"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			m.t = t
			m.edit(test.file, test.from, test.to)
			m.refuse(test.says...)
			m.edit(test.file, test.to, test.from)
			unchanged(t)
		})
	}
	m.t = t

	t.Run("percona", func(t *testing.T) {
		m.t = t
		m.patchDittoServer(`{"spec":{"percona":{"deleteWithServer":true}}}`)
		m.refuse("the operator would delete the PostgreSQL cluster", "set spec.percona.deleteWithServer")
		m.patchDittoServer(`{"spec":{"percona":null}}`)
		unchanged(t)
	})
	t.Run("adoption is refused", func(t *testing.T) {
		m.t = t
		workload := []string{"annotate", "statefulset/dittofs", "portside.dev/paused=true"}
		m.cp.MustKubectl(t, m.namespace, "", workload...)
		m.refuse("portside.dev/paused", "portside cannot adopt the adapter ports")
		m.cp.MustKubectl(t, m.namespace, "", "annotate", "statefulset/dittofs", "portside.dev/paused-")
		unchanged(t)
	})
	t.Run("adoption is refused later", func(t *testing.T) {
		m.t = t
		m.intercept("portside", `"adopt "*`, `case "$*" in *--dry-run=server*) exec "$real" "$@";; esac; exit 2`)
		m.refuse("3/5", "portside cannot adopt the adapter ports")
		m.restore("portside")
		m.expectKept()
		m.expectNotAdopted()
		m.mustRun()
		m.expectMigrated()
		m.expectKept()
	})
	t.Run("the operator writes again", func(t *testing.T) {
		m.t = t
		_, err := m.manager.Patch(t.Context(), "Service", m.namespace, "dittofs-api", types.MergePatchType, []byte(`{"metadata":{"labels":{"again":"true"}}}`))
		must(t, err)
		m.intercept("kubectl", `*"patch Service/dittofs-api"*`, "exit 0")
		m.refuse("manager has written again: Service/dittofs-api")
	})
}
