package install_test

import (
	"context"
	"fmt"
	"testing"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/install"
	"github.com/portside-dev/portside/testenv"
)

// The types of Services, as further fields of the spec.
const (
	nodePorts    = "type: NodePort, "
	balanced     = "type: LoadBalancer, externalTrafficPolicy: Local, "
	headless     = "clusterIP: None, "
	externalName = "type: ExternalName, externalName: files.example.com, "
)

// staticServicePorts are the owner's ports. With portside's adapter-nfs:2049 after them the
// Service has three.
const staticServicePorts = `[{name: api, port: 80, protocol: TCP, targetPort: 8080}, {name: web, port: 443, protocol: TCP, targetPort: web}]`

// exposedNFS is the third port of a Service of robbedOfServices.
const exposedNFS = "adapter-nfs:2049/TCP->12049"

// service returns the Service as its owner declares it.
func service(spec, ports string) string {
	return fmt.Sprintf(`
apiVersion: v1
kind: Service
metadata: {name: dittofs, labels: {app: dittofs}, annotations: {note: as declared}}
spec: {%sselector: {app: dittofs}, ports: %s}
`, spec, ports)
}

// exposed returns the port of an adapter under another number.
func exposed(a apply.Adapter, number int64) apply.ServicePort {
	port := apply.ServicePort{Adapter: a, TargetPort: intstr.FromInt32(int32(a.Port))} //nolint:gosec // G115: a port.
	port.Port = number
	return port
}

// expose reconciles the Service as portside, which must succeed.
func (i *installation) expose(ports ...apply.ServicePort) apply.Result {
	i.t.Helper()
	result, err := i.applier().Apply(i.t.Context(), i.target(workload.Service), apply.Desired{ServicePorts: ports})
	if err != nil {
		i.t.Fatalf("reconciling the Service as portside's ServiceAccount: %s: %v", result.Outcome, err)
	}
	return result
}

// withServices installs portside with the permissions and policies for Services.
func withServices(t *testing.T) *installation {
	t.Helper()
	i := installed(t, install.Options{Services: true})
	testenv.Eventually(t, "RBAC to be in force", func(ctx context.Context) error { return needs["list services"](ctx, i) })
	return i
}

// robbedOfServices returns an installation whose token an attacker has, with every
// permission on Services by RBAC, and a port of portside's in a Service.
func robbedOfServices(t *testing.T, spec string) *installation {
	t.Helper()
	i := withServices(t)
	i.grant("{kind: ServiceAccount, namespace: "+i.system+", name: "+i.manager+"}", i.config)
	i.mustApply(i.argo(), service(spec, staticServicePorts))
	i.expose(exposed(nfs, 2049))
	i.expectPorts(workload.Service, "", "api:80/TCP->8080", "web:443/TCP->web", exposedNFS)
	return i
}

// guardOf returns the name of the guard policy of a kind and the quote after it.
func (i *installation) guardOf(kind workload.Kind) string {
	if kind == workload.Service {
		return i.manager + "-guard-services'"
	}
	return i.manager + "-guard'"
}

// appliedService returns an apply of ports of the Service, a YAML list.
func appliedService(ports string) write {
	return write{patch: types.ApplyPatchType, data: `{apiVersion: v1, kind: Service, metadata: {name: dittofs}, spec: {ports: ` + ports + `}}`}
}

// edited has another manager patch the Service.
func (i *installation) edited(patch string) {
	i.t.Helper()
	i.Manager(testenv.KubectlEdit).In(i.workloads).MustPatch(i.t, "Service", "", dittofs, types.JSONPatchType, []byte(patch))
}
