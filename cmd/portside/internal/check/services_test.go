package check_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/fixture"
)

// withServices returns a site whose installation manages Services, with an AdapterSet that
// names the Service files.
func withServices(t *testing.T) *site {
	t.Helper()
	s := newSite(t)
	s.options.Services = true
	s.install()
	s.awaitPermission("patch", "", "services", true)
	s.exposing()
	return s
}

// exposing applies a workload, and an AdapterSet for it that names the Service files.
func (s *site) exposing() {
	s.t.Helper()
	s.workload("files")
	s.owner().MustApply(s.t, fixture.AdapterSet("files", fixture.Target("StatefulSet", "files"), fixture.Adapters("nfs:12049"), fixture.Spec("services: [{name: files}]")))
	s.status("files", ready)
}

// service applies a Service with ports, a YAML list, as a manager.
func (s *site) service(manager, name, ports string) {
	s.t.Helper()
	s.Manager(manager).In(s.options.WatchNamespace).MustApply(s.t, fmt.Sprintf("{apiVersion: v1, kind: Service, metadata: {name: %s}, spec: {ports: %s}}", name, ports))
}

const namedPort = "[{name: api, port: 80, protocol: TCP}]"

// TestServices expects the finding of each state of the Services that an AdapterSet names.
// That the installation manages Services is read from its Deployment.
func TestServices(t *testing.T) {
	t.Parallel()
	s := withServices(t)
	s.options.Services = false
	s.expect("Warning Services AdapterSet |/files for Service files: the Service does not exist (yet); create it with a port that has a name, or take it out of spec.services")

	s.service(testenv.ArgoCD, "files", "[{port: 80, protocol: TCP}]")
	s.expect("Warning Services Service |/files: port 80/TCP has no name, and the API server takes no adapter port next to it; give it one in the manifest of the Service: name: main")

	s.service(testenv.ArgoCD, "files", namedPort)
	s.service(s.options.FieldManager, "files", "[{name: adapter-nfs, port: 2049, protocol: TCP}]")
	s.service(testenv.ArgoCD, "other", "[{port: 80, protocol: TCP}]")
	s.expect()
	if all := fmt.Sprint(s.check(s.Config())); !strings.Contains(all, "1 Services that AdapterSets name: all exist and have a name for each port") {
		t.Error(all)
	}

	s.service(testenv.ArgoCD, "left", namedPort)
	s.service(s.options.FieldManager, "left", "[{name: adapter-nfs, port: 2049, protocol: TCP}]")
	s.expect("Warning Services Service |/left: ports of field manager |, but no AdapterSet names it|run: portside release service/NAME -n NAMESPACE --keep-ports --field-manager " + s.options.FieldManager)
}

// TestServices_NotManaged expects an Error for each AdapterSet that names Services, with the
// command that lets portside manage them.
func TestServices_NotManaged(t *testing.T) {
	t.Parallel()
	s := installed(t)
	s.exposing()
	s.service(testenv.ArgoCD, "files", namedPort)
	s.expect("Error Services AdapterSet |/files: it names Services, whose ports this installation does not manage; run: portside install --image IMAGE --namespace | --services | kubectl apply --server-side -f -")
	s.options.Services = true
	s.expect(slices.Concat([]string{"Error Policies ValidatingAdmissionPolicy |-guard-services, |-name-services|: not found; run: portside install --image IMAGE"}, missingPermissions,
		[]string{"Error Services Deployment |: it runs without --services; run: portside install --image IMAGE"})...)
}

// missingPermissions are the findings where portside has no permission on Services.
var missingPermissions = func() []string {
	var all []string
	for _, verb := range []string{"get", "list", "patch", "watch"} {
		all = append(all, "Error Permissions ServiceAccount |it may not "+verb+" services in namespace |--services | kubectl apply")
	}
	return all
}()

// TestServices_Permissions expects an Error for each missing permission.
func TestServices_Permissions(t *testing.T) {
	t.Parallel()
	s := withServices(t)
	s.service(testenv.ArgoCD, "files", namedPort)
	s.kubectl("", "patch", "role", "-n", s.options.WatchNamespace, s.options.FieldManager, "--type=json", "-p",
		`[{"op":"test","path":"/rules/1/resources","value":["services"]}, {"op":"remove","path":"/rules/1"}]`)
	s.awaitPermission("patch", "", "services", false)
	s.expect(missingPermissions...)
}

// TestServices_Forbidden expects a Warning where the user may not list Services.
func TestServices_Forbidden(t *testing.T) {
	t.Parallel()
	s := withServices(t)
	s.service(testenv.ArgoCD, "files", namedPort)
	proxy := s.Proxy(t, s.Config(), testenv.ProxyHooks{OnAnswer: func(answer *http.Response) error {
		if strings.HasSuffix(answer.Request.URL.Path, "/services") {
			answer.StatusCode = http.StatusForbidden
		}
		return nil
	}})
	s.expectAs(proxy.Config(), "Warning Services cannot list them: forbidden; ask for the permission to list services")
}
