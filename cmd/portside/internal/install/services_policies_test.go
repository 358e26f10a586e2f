package install_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/equality"
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

// Writes of portside itself to a Service of robbedOfServices.
var (
	addingToService     = appliedService(`[{name: adapter-nfs, port: 2049, protocol: TCP, targetPort: 12049}, {name: adapter-smb, port: 445, protocol: TCP, targetPort: 1445}]`)
	movingInService     = appliedService(`[{name: adapter-nfs, port: 2050, protocol: TCP, targetPort: 12049}]`)
	renamingInService   = appliedService(`[{name: adapter-smb, port: 2049, protocol: TCP, targetPort: 12049}]`)
	retargetingService  = appliedService(`[{name: adapter-nfs, port: 2049, protocol: TCP, targetPort: 12050}]`)
	removingFromService = write{patch: types.ApplyPatchType, data: `{apiVersion: v1, kind: Service, metadata: {name: dittofs}}`}
	patchingService     = jsonPatch(`[{"op":"test","path":"/spec/ports/2/name","value":"adapter-nfs"},{"op":"remove","path":"/spec/ports/2"}]`)
)

var ownWrites = map[string]write{
	"a new port": addingToService, "another number": movingInService, "another name": renamingInService, "another target": retargetingService,
	"no ports": removingFromService, "no ports, by a patch": patchingService,
}

func TestGuardRefusesPausedServices(t *testing.T) {
	t.Parallel()
	i := robbedOfServices(t, "")
	i.annotate(workload.Service, workload.PausedAnnotation, "true")
	i.expectRefused(workload.Service, "the annotation portside.dev/paused pauses", ownWrites)
	i.expectRefused(workload.Service, "the annotation portside.dev/paused pauses", map[string]write{
		"unpausing": merged(`{"metadata":{"annotations":{"portside.dev/paused":null}}}`),
	})
	i.annotate(workload.Service, workload.PausedAnnotation, "false")
	i.expectAllowed(workload.Service, func() { i.expose(exposed(nfs, 2049)) }, ownWrites)
}

func TestGuardRefusesServicesOfExcludedNamespaces(t *testing.T) {
	t.Parallel()
	i := robbedOfServices(t, "")
	i.options.ExcludeNamespaces = []string{"kube-system", i.workloads}
	i.apply(i.manifests())
	testenv.Eventually(t, "the namespace to be excluded", func(ctx context.Context) error {
		options, _ := addingToService.options(i.manager)
		options.DryRun = []string{metav1.DryRunAll}
		_, err := i.resource(workload.Service).Patch(ctx, dittofs, addingToService.patch, addingToService.expand(workload.Service, i.manager), options)
		return portside.RefusedBy(err, i.guardOf(workload.Service))
	})
	i.expectRefused(workload.Service, "namespace that the installation excludes", ownWrites)
}

// TestGuardLimitsServicePorts allows at most 64 adapter ports in a Service, by any manager.
// Ports can be released from a Service that has more.
func TestGuardLimitsServicePorts(t *testing.T) {
	t.Parallel()
	i := robbedOfServices(t, "")
	ports := func(first, count int) write {
		return appliedService("[" + strings.ReplaceAll(many(first, count), "containerPort", "port") + "]")
	}
	owners := func(count int) string {
		return service("", strings.ReplaceAll("["+many(1, count)+"]", "containerPort", "port"))
	}
	i.mustApply(i.argo(), owners(4))
	i.expectAllowed(workload.Service, func() {}, map[string]write{"60 with 4": ports(101, 60)})
	i.expectRefused(workload.Service, "at most 64 adapter-* ports", map[string]write{
		"61 with 4":           ports(101, 61),
		"one more by a patch": jsonPatch(`[{"op":"add","path":"/spec/ports/-","value":{"name":"adapter-x","port":9999}}]`),
	})
	i.mustApply(i.argo(), owners(10))
	i.expectRefused(workload.Service, "at most 64 adapter-* ports", map[string]write{"61 with 10": ports(101, 61)})
	i.expectAllowed(workload.Service, func() {}, map[string]write{"58 with 10, of 60": ports(101, 58)})
}

// TestGuardCostOfServices expects that the guard's expressions stay within the server's
// cost limit: beyond it the guard would refuse portside's own writes.
func TestGuardCostOfServices(t *testing.T) {
	t.Parallel()
	i := robbedOfServices(t, nodePorts)
	static := strings.NewReplacer("adapter-", "", "containerPort", "port").Replace(many(20001, 100))
	i.mustApply(i.argo(), service("", "["+static+"]"))
	for n := range 10 {
		i.mustApply(i.Manager(fmt.Sprintf("manager-%d", n)).In(i.workloads), `{apiVersion: v1, kind: Service, metadata: {name: dittofs}, spec: {ports: [`+static+`]}}`)
	}
	i.annotate(workload.Service, "note", strings.Repeat("x", 100_000))
	for _, first := range []int{101, 1001} {
		if err := i.tries(t.Context(), workload.Service, appliedService("["+strings.ReplaceAll(many(first, 64), "containerPort", "port")+"]")); err != nil {
			t.Errorf("64 ports in a large Service: %v", err)
		}
	}
	if err := i.tries(t.Context(), workload.Service, removingFromService); err != nil {
		t.Errorf("no ports in a large Service: %v", err)
	}
}

// TestGuardRefusesOtherVerbsOnServices tries verbs that RBAC does not grant portside outside
// of this test.
func TestGuardRefusesOtherVerbsOnServices(t *testing.T) {
	t.Parallel()
	i := robbedOfServices(t, "")
	another := object(t, strings.Replace(service("", staticServicePorts), "name: dittofs", "name: another", 1))
	for verb, err := range map[string]error{
		"create": second(i.resource(workload.Service).Create(t.Context(), another, metav1.CreateOptions{FieldManager: i.manager})),
		"create by apply": second(i.resource(workload.Service).Patch(t.Context(), "another", types.ApplyPatchType,
			[]byte(`{apiVersion: v1, kind: Service, metadata: {name: another}, spec: {ports: [{name: adapter-nfs, port: 2049, protocol: TCP}]}}`), metav1.PatchOptions{FieldManager: i.manager})),
		"delete": i.resource(workload.Service).Delete(t.Context(), dittofs, metav1.DeleteOptions{}),
		"status": i.tries(t.Context(), workload.Service, write{patch: types.MergePatchType, subresource: "status", data: `{"status":{"conditions":[{"type":"Evil","status":"True","reason":"Evil","message":"","lastTransitionTime":"2030-01-01T00:00:00Z"}]}}`}),
	} {
		if refusal := portside.RefusedBy(err, i.guardOf(workload.Service)); refusal != nil || !strings.Contains(err.Error(), "creates and deletes none") {
			t.Errorf("%s: %v", verb, err)
		}
	}
}

// TestGuardKeepsManagedFieldsOfServices rewrites managedFields as portside, which the guard
// refuses.
func TestGuardKeepsManagedFieldsOfServices(t *testing.T) {
	t.Parallel()
	i := robbedOfServices(t, "")
	i.edited(`[{"op":"add","path":"/spec/ports/2/appProtocol","value":"nfs"}]`)
	before := i.live(workload.Service)
	for name, e := range map[string]entries{
		"all removed": {edit: func(string, []metav1.ManagedFieldsEntry) []metav1.ManagedFieldsEntry {
			return []metav1.ManagedFieldsEntry{{}}
		}},
		"another's removed":              {edit: func(us string, all []metav1.ManagedFieldsEntry) []metav1.ManagedFieldsEntry { return without(all, us) }},
		"another's under a new name":     {edit: ofOthers(func(e *metav1.ManagedFieldsEntry) { e.Manager = "evil" })},
		"another's under our name":       {edit: ofOthers(func(e *metav1.ManagedFieldsEntry) { e.Manager = i.manager; e.Operation = "Update" })},
		"another's without its port":     {edit: ofOthers(replaced(`"k:{\"port\":80,`, `"k:{\"port\":81,`))},
		"another's with our port":        {edit: ofOthers(replaced(`"k:{\"port\":80,`, `"k:{\"port\":2049,\"protocol\":\"TCP\"}":{".":{}},"k:{\"port\":80,`))},
		"another's without a label":      {edit: ofOthers(replaced(`"f:app":{}`, ``))},
		"another's without the selector": {edit: ofOthers(replaced(`,"f:selector":{}`, ``))},
		"a field of our port":            {edit: ofOthers(replaced(`"f:appProtocol":{}`, `"f:nodePort":{}`))},
		"a field of our port removed":    {edit: ofOthers(replaced(`"f:appProtocol":{}`, ``))},
		"another's without its port, as ours is removed": {operation: `{"op":"remove","path":"/spec/ports/2"}`,
			edit: ofOthers(replaced(`"k:{\"port\":80,`, `"k:{\"port\":81,`))},
		"a new one": {edit: func(_ string, all []metav1.ManagedFieldsEntry) []metav1.ManagedFieldsEntry {
			added := *all[0].DeepCopy()
			added.Manager = "evil"
			return append(all, added)
		}},
		"ours with the selector": {edit: ofOurs(replaced(`"f:spec":{`, `"f:spec":{"f:selector":{},`))},
		"ours with the type":     {edit: ofOurs(replaced(`"f:spec":{`, `"f:spec":{"f:type":{},`))},
		"ours with a label":      {edit: ofOurs(replaced(`"f:spec":{`, `"f:metadata":{"f:labels":{"f:app":{}}},"f:spec":{`))},
	} {
		edited := e.edit(i.manager, before.DeepCopy().GetManagedFields())
		if equality.Semantic.DeepEqual(edited, before.GetManagedFields()) {
			t.Fatalf("%s: the test changes nothing in %v", name, edited)
		}
		operations := []string{`{"op":"replace","path":"/metadata/managedFields","value":` + toJSON(t, edited) + `}`}
		if e.operation != "" {
			operations = append(operations, e.operation)
		}
		err := i.tries(t.Context(), workload.Service, jsonPatch("["+strings.Join(operations, ",")+"]"))
		if err := portside.RefusedBy(err, i.guardOf(workload.Service)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if i.live(workload.Service).GetResourceVersion() != before.GetResourceVersion() {
		t.Error("the Service changed")
	}
}

// TestGuardKeepsSharedServicePorts expects that portside cannot change a port that another
// manager declares too, or a field of its own port that another manager owns.
func TestGuardKeepsSharedServicePorts(t *testing.T) {
	t.Parallel()
	i := robbedOfServices(t, "")
	const shared = `{name: adapter-git, port: 9418, protocol: TCP, targetPort: 9418}`
	i.mustApply(i.argo(), service("", strings.Replace(staticServicePorts, "]", ", "+shared+"]", 1)))
	const nfsPort = `{name: adapter-nfs, port: 2049, protocol: TCP}`
	i.edited(`[{"op":"replace","path":"/spec/ports/2/targetPort","value":12050}]`)
	if err := i.tries(t.Context(), workload.Service, appliedService("["+nfsPort+", "+shared+"]")); err != nil {
		t.Fatal(err)
	}
	for name, w := range map[string]write{
		"removed":                    jsonPatch(`[{"op":"remove","path":"/spec/ports/3"}]`),
		"renamed":                    jsonPatch(`[{"op":"replace","path":"/spec/ports/3/name","value":"adapter-smb"}]`),
		"renumbered":                 jsonPatch(`[{"op":"replace","path":"/spec/ports/3/port","value":9419}]`),
		"another target":             jsonPatch(`[{"op":"replace","path":"/spec/ports/3/targetPort","value":22}]`),
		"another target, by force":   forced(appliedService(`[{name: adapter-git, port: 9418, protocol: TCP, targetPort: 22}]`)),
		"a static port, unchanged":   appliedService("[" + nfsPort + ", " + shared + ", {name: api, port: 80, protocol: TCP, targetPort: 8080}]"),
		"a static port's target":     forced(appliedService(`[{name: api, port: 80, protocol: TCP, targetPort: 22}]`)),
		"a target of another":        forced(appliedService(`[{name: adapter-nfs, port: 2049, protocol: TCP, targetPort: 12049}]`)),
		"a target of another, patch": jsonPatch(`[{"op":"replace","path":"/spec/ports/2/targetPort","value":12049}]`),
	} {
		if err := portside.RefusedBy(i.tries(t.Context(), workload.Service, w), i.guardOf(workload.Service)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

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
	} {
		if err := portside.RefusedBy(err, i.manager+"-name-services'"); err != nil || !apierrors.IsForbidden(err) && err != nil {
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

// TestPoliciesSeeNodePorts pins what the guard relies on: the API server allocates the node
// port of a new port before it calls the policies, also in a dry run.
func TestPoliciesSeeNodePorts(t *testing.T) {
	t.Parallel()
	i := withServices(t)
	policy := "sees-" + i.manager
	i.kubectl(`{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingAdmissionPolicy, metadata: {name: `+policy+`}, spec: {
	  matchConstraints: {resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [UPDATE], resources: [services]}]},
	  validations: [{expression: "object.spec.ports.all(p, p.?nodePort.orValue(0) == 0)", messageExpression: "'node ports ' + string(object.spec.ports.filter(p, p.?nodePort.orValue(0) != 0).size())"}]}}`,
		"apply", "--server-side", "-f", "-")
	i.kubectl(`{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingAdmissionPolicyBinding, metadata: {name: `+policy+`}, spec: {policyName: `+policy+`, validationActions: [Deny],
	  matchResources: {namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: `+i.workloads+`}}}}}`, "apply", "--server-side", "-f", "-")
	t.Cleanup(func() {
		_, _ = i.Kubectl(context.WithoutCancel(t.Context()), "", "", "delete", "validatingadmissionpolicy,validatingadmissionpolicybinding", policy)
	})
	i.mustApply(i.argo(), service(nodePorts, staticServicePorts))
	for _, dryRun := range []bool{true, false} {
		testenv.Eventually(t, "a refusal that counts the node ports", func(ctx context.Context) error {
			_, err := i.applier(apply.WithDryRun(dryRun)).Apply(ctx, i.target(workload.Service), apply.Desired{ServicePorts: []apply.ServicePort{exposed(nfs, 2049)}})
			if refusal := portside.RefusedBy(err, policy); refusal != nil {
				return refusal
			}
			if !strings.Contains(err.Error(), "node ports 3") {
				return err
			}
			return nil
		})
	}
}
