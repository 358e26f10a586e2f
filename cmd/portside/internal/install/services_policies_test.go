package install_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
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

// TestGuardRefusesLaterServiceFields expects that portside cannot set a field of a port that
// a later API adds. The policy is installed as it would be if appProtocol were such a field.
func TestGuardRefusesLaterServiceFields(t *testing.T) {
	t.Parallel()
	const fields = "['name', 'port', 'protocol', 'targetPort', 'nodePort', 'appProtocol']"
	i := prepared(t, testenv.Shared(t), install.Options{Services: true})
	manifests := text(t, i.manifests())
	if n := strings.Count(manifests, fields); n != 1 {
		t.Fatalf("the fields of a port are listed %d times", n)
	}
	i.portside().Apply(t, strings.Replace(manifests, fields, strings.Replace(fields, ", 'appProtocol'", "", 1), 1))
	i.config = i.portside().Token(t)
	i.awaitPolicies()
	i.grant("{kind: ServiceAccount, namespace: "+i.system+", name: "+i.manager+"}", i.config)
	i.mustApply(i.argo(), service("", staticServicePorts))
	i.expectRefused(workload.Service, "the name, the numbers, the protocols and the target of a port and nothing else", map[string]write{
		"a new port with it": appliedService(`[{name: adapter-smb, port: 445, protocol: TCP, appProtocol: example.com/smb}]`),
	})
	i.expose(exposed(nfs, 2049))
	i.edited(`[{"op":"add","path":"/spec/ports/2/appProtocol","value":"example.com/nfs"}]`)
	if err := i.tries(t.Context(), workload.Service, retargetingService); err != nil {
		t.Errorf("another target of a port to which another manager gave it: %v", err)
	}
}
