package install_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/install"
	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/portside"
)

// TestServiceLife reconciles Services of each type as portside's user: ports are added,
// renumbered, retargeted, removed, released and added again.
func TestServiceLife(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]install.Options{
		"everywhere":       {Services: true},
		"in one namespace": {Services: true, WatchNamespace: "workloads"},
		"without policies": {Services: true, WatchNamespace: "workloads", WithoutPolicies: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := installed(t, o)
			testenv.Eventually(t, "RBAC to be in force", func(ctx context.Context) error { return needs["list services"](ctx, i) })
			static := []string{"api:80/TCP->8080", "web:443/TCP->web"}
			for _, spec := range []string{"", nodePorts, balanced, headless, externalName} {
				i.mustApply(i.argo(), service(spec, staticServicePorts))
				i.expose(exposed(nfs, 2049), exposed(smb, 445))
				i.expectService(append(static, "adapter-smb:445/TCP->1445", "adapter-nfs:2049/TCP->12049")...)
				i.expose(exposed(at(nfs, 12050), 445), exposed(smb, 2049))
				i.expectService(append(static, "adapter-nfs:445/TCP->12050", "adapter-smb:2049/TCP->1445")...)
				if again := i.expose(exposed(at(nfs, 12050), 445), exposed(smb, 2049)); again.Outcome != apply.Unchanged {
					t.Errorf("a second reconciliation: %s", again.Outcome)
				}
				i.expose(exposed(nfs, 2049))
				i.release(workload.Service, true)
				i.expectService(append(static, "adapter-nfs:2049/TCP->12049")...)
				i.expose(exposed(nfs, 2049))
				i.release(workload.Service, false)
				i.expectService(static...)
				i.argo().MustDelete(t, "Service", "", dittofs)
			}
		})
	}
}

// expectService compares the ports of the Service, in any order.
func (i *installation) expectService(want ...string) {
	i.t.Helper()
	if err := testenv.CheckPorts(i.live(workload.Service), "", want...); err != nil {
		i.t.Error(err)
	}
}

// TestGuardAllowsEditedServicePorts expects that portside can still write and release its
// ports after another manager has written to them.
func TestGuardAllowsEditedServicePorts(t *testing.T) {
	t.Parallel()
	i := withServices(t)
	for name, patch := range map[string]string{
		"targetPort":  `[{"op":"replace","path":"/spec/ports/2/targetPort","value":7}]`,
		"appProtocol": `[{"op":"add","path":"/spec/ports/2/appProtocol","value":"nfs"}]`,
		"name":        `[{"op":"replace","path":"/spec/ports/2/name","value":"files"}]`,
		"protocol":    `[{"op":"replace","path":"/spec/ports/2/protocol","value":"UDP"}]`,
		"type":        `[{"op":"replace","path":"/spec/type","value":"NodePort"}]`,
		"no entries":  `[{"op":"replace","path":"/metadata/managedFields","value":[{}]}]`,
	} {
		for _, keepPorts := range []bool{false, true} {
			i.mustApply(i.argo(), service("", staticServicePorts))
			i.expose(exposed(nfs, 2049))
			i.edited(patch)
			i.expose(exposed(nfs, 2049), exposed(smb, 445))
			i.expose(exposed(smb, 446))
			if _, err := i.applier().Release(t.Context(), i.target(workload.Service), keepPorts); err != nil {
				t.Errorf("%s: keepPorts %t: %v", name, keepPorts, err)
			}
			i.argo().MustDelete(t, "Service", "", dittofs)
		}
	}
}

// TestGuardAllowsRemovingAnEditedServicePort expects that portside can remove a port that
// the manager of the list has written to, while the list has another port.
func TestGuardAllowsRemovingAnEditedServicePort(t *testing.T) {
	t.Parallel()
	i := withServices(t)
	i.mustApply(i.argo(), service(headless, "[]"))
	i.edited(`[{"op":"add","path":"/spec/ports","value":[{"name":"api","port":8080,"protocol":"TCP"}]}]`)
	i.expose(exposed(nfs, 2049))
	i.edited(`[{"op":"remove","path":"/spec/ports/0"},{"op":"add","path":"/spec/ports/0/appProtocol","value":"nfs"}]`)
	i.expose(exposed(nfs, 2049), exposed(smb, 445))
	i.expose(exposed(smb, 445))
	i.expectService("adapter-smb:445/TCP->1445")
}

// TestGuardAllowsLastServicePort expects that portside can remove its last port of a
// headless Service, also where another manager created the list, and add a port again.
func TestGuardAllowsLastServicePort(t *testing.T) {
	t.Parallel()
	i := withServices(t)
	for name, before := range map[string]func(){
		"no list": func() { i.mustApply(i.argo(), service(headless, "[]")) },
		"a list that another manager created": func() {
			i.mustApply(i.argo(), service(headless, "[]"))
			i.edited(`[{"op":"add","path":"/spec/ports","value":[{"name":"api","port":8080,"protocol":"TCP"}]}]`)
			i.expose(exposed(nfs, 2049))
			i.edited(`[{"op":"remove","path":"/spec/ports/0"}]`)
		},
		"a static port that no manager owns": func() {
			i.mustApply(i.argo(), service(headless, "[{name: api, port: 8080, protocol: TCP}]"))
			i.expose(exposed(nfs, 2049))
			live := i.live(workload.Service)
			own := slices.DeleteFunc(live.GetManagedFields(), func(e metav1.ManagedFieldsEntry) bool { return e.Manager == testenv.ArgoCD })
			i.edited(`[{"op":"replace","path":"/metadata/managedFields","value":` + toJSON(t, own) + `}]`)
		},
	} {
		before()
		i.expose(exposed(nfs, 2049))
		i.expose()
		if ports := testenv.Ports(i.live(workload.Service), ""); slices.Contains(ports, exposedNFS) {
			t.Errorf("%s: ports %q", name, ports)
		}
		i.expose(exposed(nfs, 2049))
		if ports := testenv.Ports(i.live(workload.Service), ""); !slices.Contains(ports, exposedNFS) {
			t.Errorf("%s: ports %q", name, ports)
		}
		i.argo().MustDelete(t, "Service", "", dittofs)
	}
}

// TestGuardAllowsUnnamedServicePort expects that portside can take its name off a static
// port that has none.
func TestGuardAllowsUnnamedServicePort(t *testing.T) {
	t.Parallel()
	i := withServices(t)
	i.mustApply(i.argo(), service("", "[{port: 2049, protocol: TCP}]"))
	i.mustApply(i.Manager(i.manager).In(i.workloads), `{apiVersion: v1, kind: Service, metadata: {name: dittofs}, spec: {ports: [{name: adapter-nfs, port: 2049, protocol: TCP, targetPort: 12049}]}}`)
	i.expectService(exposedNFS)
	i.expose(exposed(nfs, 2049))
	i.expectService(":2049/TCP->2049")
}

// TestServiceNameIsReserved expects that a user with every permission on Services cannot
// write under portside's field manager, and can do everything else.
func TestServiceNameIsReserved(t *testing.T) {
	t.Parallel()
	i := withServices(t)
	editor := i.editor()
	i.mustApply(i.argo(), service("", staticServicePorts))
	i.expose(exposed(nfs, 2049))
	as := i.as(editor, i.manager)
	user := i.as(editor, "alice")
	ours := `{apiVersion: v1, kind: Service, metadata: {name: dittofs}, spec: {ports: [{name: adapter-evil, port: 22, protocol: TCP}]}}`
	for name, err := range map[string]error{
		"an apply":      second(as.Apply(t.Context(), ours)),
		"a release":     second(as.Apply(t.Context(), `{apiVersion: v1, kind: Service, metadata: {name: dittofs}}`)),
		"a patch":       second(as.Patch(t.Context(), "Service", "", dittofs, types.JSONPatchType, []byte(`[{"op":"remove","path":"/spec/ports/2"}]`))),
		"a new Service": second(as.Apply(t.Context(), strings.Replace(ours, "dittofs", "another", 1))),
		"a forged entry": second(user.Update(t.Context(), "Service", "", dittofs, func(o *unstructured.Unstructured) {
			o.SetManagedFields(ofOurs(replaced(`"f:spec":{"f:ports":{`, `"f:spec":{"f:ports":{"k:{\"port\":80,\"protocol\":\"TCP\"}":{".":{},"f:name":{}},`))(i.manager, o.GetManagedFields()))
		})),
		"a forged entry, with a change": second(user.Update(t.Context(), "Service", "", dittofs, func(o *unstructured.Unstructured) {
			_ = unstructured.SetNestedField(o.Object, true, "spec", "publishNotReadyAddresses")
			o.SetManagedFields(ofOurs(replaced(`"f:spec":{"f:ports":{`, `"f:spec":{"f:ports":{"k:{\"port\":80,\"protocol\":\"TCP\"}":{".":{},"f:name":{}},`))(i.manager, o.GetManagedFields()))
		})),
	} {
		if refusal := portside.RefusedBy(err, i.manager+"-name-services'"); refusal != nil || !apierrors.IsForbidden(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, act := range map[string]func() error{
		"a declaration": func() error {
			return second(user.Apply(t.Context(), `{apiVersion: v1, kind: Service, metadata: {name: dittofs}, spec: {publishNotReadyAddresses: true}}`))
		},
		"a port of ours removed": func() error {
			return second(user.Patch(t.Context(), "Service", "", dittofs, types.JSONPatchType, []byte(`[{"op":"remove","path":"/spec/ports/2"}]`)))
		},
		"a port of ours retargeted": func() error {
			return second(user.Patch(t.Context(), "Service", "", dittofs, types.JSONPatchType, []byte(`[{"op":"replace","path":"/spec/ports/2/targetPort","value":7}]`)))
		},
		"no entries at all": func() error {
			return second(user.Update(t.Context(), "Service", "", dittofs, func(o *unstructured.Unstructured) { o.SetManagedFields([]metav1.ManagedFieldsEntry{{}}) }))
		},
		"a label": func() error {
			return second(user.Patch(t.Context(), "Service", "", dittofs, types.MergePatchType, []byte(`{"metadata":{"labels":{"a":"b"}}}`)))
		},
		"its status": func() error {
			return second(clientset(t, editor).CoreV1().Services(i.workloads).Patch(t.Context(), dittofs, types.MergePatchType, []byte(`{"status":{"conditions":[]}}`), metav1.PatchOptions{}, "status"))
		},
	} {
		i.mustApply(i.argo(), service("", staticServicePorts))
		i.expose(exposed(nfs, 2049))
		if err := act(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		i.argo().MustDelete(t, "Service", "", dittofs)
	}
}
