package install_test

import (
	"cmp"
	"context"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"

	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/install"
	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/portside"
)

// robbed returns an installation whose token an attacker has, with every permission
// on workloads by RBAC: what is refused, the guard refuses.
func robbed(t *testing.T, kinds ...workload.Kind) *installation {
	t.Helper()
	i := installed(t, install.Options{})
	i.grant("{kind: ServiceAccount, namespace: "+i.system+", name: "+i.manager+"}", i.config)
	for _, kind := range kinds {
		i.mustApply(i.argo(), declared(kind, static))
		i.reconcile(kind, nfs)
		i.expectPorts(kind, dittofs, "api:8080/TCP", ":2049/TCP", "adapter-nfs:12049/TCP")
	}
	return i
}

func (i *installation) resource(kind workload.Kind) dynamic.ResourceInterface {
	return dynamicClient(i.t, i.config).Resource(resourceOf(kind)).Namespace(i.workloads)
}

// options returns the options of the request, by a manager unless it names another, and
// its subresource, if any.
func (w write) options(manager string) (options metav1.PatchOptions, subresources []string) {
	options = metav1.PatchOptions{FieldManager: cmp.Or(w.manager, manager)}
	if w.force {
		options.Force = &w.force
	}
	if w.subresource != "" {
		subresources = append(subresources, w.subresource)
	}
	return options, subresources
}

// tries sends the request as portside.
func (i *installation) tries(ctx context.Context, kind workload.Kind, w write) error {
	options, subresources := w.options(i.manager)
	_, err := i.resource(kind).Patch(ctx, dittofs, w.patch, w.expand(kind, i.manager), options, subresources...)
	return err
}

// TestGuardRefuses tries every forbidden write, also on workloads with empty
// managedFields, where no entry shows the owner of a changed field.
func TestGuardRefuses(t *testing.T) {
	t.Parallel()
	i := robbed(t, workload.Kinds()...)
	for _, kind := range workload.Kinds() {
		for _, owned := range []string{"owned", "without owners"} {
			if owned != "owned" {
				_, err := i.Manager(testenv.KubectlEdit).In(i.workloads).Patch(t.Context(), kind.Kind, "", dittofs,
					types.JSONPatchType, []byte(`[{"op":"replace","path":"/metadata/managedFields","value":[{}]}]`))
				if err != nil {
					t.Fatal(err)
				}
			}
			before := i.live(kind).GetResourceVersion()
			for name, w := range forbidden {
				if w.not == kind {
					continue
				}
				if err := portside.RefusedBy(i.tries(t.Context(), kind, w), i.manager+"-guard'"); err != nil {
					t.Errorf("%s, %s: %s: %v", kind, owned, name, err)
				}
			}
			if after := i.live(kind).GetResourceVersion(); after != before {
				t.Errorf("%s, %s: the workload changed", kind, owned)
			}
		}
	}
}

// TestGuardRefusesOtherVerbs tries verbs that RBAC does not grant portside outside
// of this test.
func TestGuardRefusesOtherVerbs(t *testing.T) {
	t.Parallel()
	i := robbed(t, workload.Kinds()...)
	for _, kind := range workload.Kinds() {
		another := i.live(kind)
		another.SetName("another")
		another.SetResourceVersion("")
		another.SetManagedFields(nil)
		for verb, err := range map[string]error{
			"create":        second(i.resource(kind).Create(t.Context(), another, metav1.CreateOptions{FieldManager: i.manager})),
			"delete":        i.resource(kind).Delete(t.Context(), dittofs, metav1.DeleteOptions{}),
			"delete of all": i.resource(kind).DeleteCollection(t.Context(), metav1.DeleteOptions{}, metav1.ListOptions{FieldSelector: "metadata.name=" + dittofs}),
			"status":        i.tries(t.Context(), kind, write{patch: types.MergePatchType, subresource: "status", data: `{"status":{"observedGeneration":7}}`}),
			"scale":         i.tries(t.Context(), kind, write{patch: types.MergePatchType, subresource: "scale", data: `{"spec":{"replicas":0}}`}),
		} {
			if verb == "scale" && kind == workload.DaemonSet {
				continue // has no such subresource
			}
			if refusal := portside.RefusedBy(err, i.manager+"-guard'"); refusal != nil || !strings.Contains(err.Error(), "creates, deletes and scales none") {
				t.Errorf("%s: %s: %v", kind, verb, err)
			}
		}
	}
}

// TestGuardKeepsCoOwnedAdapterPorts expects that portside cannot change an adapter
// port that another manager declares too, or of which it owns a field.
func TestGuardKeepsCoOwnedAdapterPorts(t *testing.T) {
	t.Parallel()
	i := robbed(t, workload.Deployment)
	i.mustApply(i.Manager("alice").In(i.workloads), `{apiVersion: apps/v1, kind: Deployment, metadata: {name: dittofs}, spec: {template: {spec: {
	  containers: [{name: dittofs, ports: [{name: adapter-nfs, containerPort: 12049, protocol: TCP}]}]}}}}`)
	if _, err := i.Manager(testenv.KubectlEdit).In(i.workloads).Patch(t.Context(), "Deployment", "", dittofs, types.JSONPatchType,
		[]byte(`[{"op":"add","path":"/spec/template/spec/containers/0/ports/2/hostIP","value":"192.0.2.1"},
		  {"op":"add","path":"/spec/template/spec/containers/1/ports","value":[{"containerPort":9090}]}]`)); err != nil {
		t.Fatal(err)
	}
	for name, w := range map[string]write{
		"removed":           jsonPatch(`[{"op":"remove","path":"{c}/ports/2"}]`),
		"renamed":           jsonPatch(`[{"op":"replace","path":"{c}/ports/2/name","value":"adapter-smb"}]`),
		"renumbered":        jsonPatch(`[{"op":"replace","path":"{c}/ports/2/containerPort","value":12050}]`),
		"a field removed":   jsonPatch(`[{"op":"remove","path":"{c}/ports/2/hostIP"}]`),
		"a field's owner":   editedBy(testenv.KubectlEdit, i, `"f:hostIP":{}`, `"f:hostPort":{}`),
		"a field's no more": editedBy(testenv.KubectlEdit, i, `"f:hostIP":{}`, ``),
		"a list's owner":    editedBy(testenv.KubectlEdit, i, `"f:ports":{".":{},`, `"f:ports":{`),
	} {
		if err := portside.RefusedBy(i.tries(t.Context(), workload.Deployment, w), i.manager+"-guard'"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestGuardKeepsSharedStaticPorts: portside can become a co-owner of a static port,
// which changes nothing, and still cannot change it.
func TestGuardKeepsSharedStaticPorts(t *testing.T) {
	t.Parallel()
	i := robbed(t, workload.StatefulSet)
	share := `{containers: [{name: dittofs, ports: [{name: api, containerPort: 8080, protocol: TCP}, {containerPort: 2049, protocol: TCP}]}]}`
	if err := i.tries(t.Context(), workload.StatefulSet, applied(share)); err != nil {
		t.Fatal(err)
	}
	for name, w := range map[string]write{
		"a name":       applied(strings.Replace(share, "{containerPort: 2049", "{name: adapter-smb, containerPort: 2049", 1)),
		"another name": forced(applied(strings.Replace(share, "name: api", "name: adapter-smb", 1))),
		"removed":      jsonPatch(`[{"op":"remove","path":"{c}/ports/0"}]`),
	} {
		if err := portside.RefusedBy(i.tries(t.Context(), workload.StatefulSet, w), i.manager+"-guard'"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// editedBy returns a write that changes one manager's entries in managedFields.
func editedBy(manager string, i *installation, old, with string) write {
	i.t.Helper()
	all := i.live(workload.Deployment).GetManagedFields()
	for at := range all {
		if all[at].Manager == manager {
			replaced(old, with)(&all[at])
		}
	}
	return jsonPatch(`[{"op":"replace","path":"/metadata/managedFields","value":` + toJSON(i.t, all) + `}]`)
}

func resourceOf(kind workload.Kind) schema.GroupVersionResource {
	d, err := workload.Define(kind, workload.ServiceDefinition())
	if err != nil {
		panic(err)
	}
	return d.GroupVersion().WithResource(d.Resource)
}
