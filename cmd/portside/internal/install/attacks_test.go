package install_test

import (
	"context"
	"fmt"
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/testenv"
)

// rbac is what refuses an attack that no policy of portside has to refuse.
const rbac = "RBAC"

// attack is an attack by an attacker, and what refuses it: RBAC or a policy.
type attack struct {
	attacker, what string
	try            try
	by             string
}

// TestAttacks has each attacker try each attack on portside as `portside install`
// prints it. Every attack is refused, and nothing is stored.
func TestAttacks(t *testing.T) {
	t.Parallel()
	s := newVictim(t)
	before := s.stored()
	for _, a := range attacks() {
		t.Run(a.attacker+" "+a.what, func(t *testing.T) {
			if err := s.refusedAs(a.by, a.try(t.Context(), s, s.client(a.attacker))); err != nil {
				t.Error(err)
			}
		})
	}
	if after := s.stored(); after != before {
		t.Errorf("the objects changed: before\n%s\nafter\n%s", before, after)
	}
	t.Run("admin opts its namespace in", func(t *testing.T) {
		if err := creates(bindings, "{b}", optsIn)(t.Context(), s, s.client(admin)); err != nil {
			t.Fatal(err)
		}
		testenv.Eventually(t, "the Secret to be readable", func(ctx context.Context) error { return reads(secretsOf, "{b}", "creds")(ctx, s, s.client(token)) })
	})
}

// attacks returns the attacks of the tables, and those of the token on a workload
// of portside's.
func attacks() []attack {
	all := append(append([]attack{}, tokenAttacks...), tenantAttacks...)
	for what, w := range forbidden {
		if w.not == workload.Deployment {
			continue
		}
		all = append(all, attack{token, "changes " + what, patches(deployments, "{a}", dittofs, w), "guard"})
	}
	return all
}

const (
	adapterPort = `{"name":"adapter-x","containerPort":10250}`
	// optsIn lets portside read the Secrets of a namespace.
	optsIn = `{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: discovery},
	  roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: "{us}-discovery"}, subjects: [{kind: ServiceAccount, name: "{us}", namespace: "{system}"}]}`
	addsAPort = `[{"op":"add","path":"{c}/ports/-","value":` + adapterPort + `}]`
)

// forged returns an event of a compromised node, as its kubelet would write it.
func forged(apiVersion, about, namespace string) string {
	return fmt.Sprintf(`{apiVersion: %[1]s, kind: Event, metadata: {generateName: evil-}, type: Warning, reason: NodeCompromised, action: Look,
	  eventTime: "2030-01-01T00:00:00.000000Z", %[2]s: {apiVersion: v1, kind: Pod, name: kube-proxy, namespace: "%[3]s"},
	  reporting%[4]s: kubelet, reportingInstance: node-1}`, apiVersion, about, namespace, map[string]string{"regarding": "Controller", "involvedObject": "Component"}[about])
}

// tokenAttacks are attacks with portside's token.
var tokenAttacks = []attack{
	{token, "reads a Secret of a namespace that did not opt in", reads(secretsOf, "{b}", "creds"), rbac},
	{token, "reads a Secret of kube-system", reads(secretsOf, "kube-system", "{us}"), rbac},
	{token, "reads a Secret of portside's namespace", reads(secretsOf, "{system}", "any"), rbac},
	{token, "lists Secrets of a namespace that opted in", lists(secretsOf, "{a}"), rbac},
	{token, "watches Secrets of a namespace that opted in", watching(secretsOf, "{a}"), rbac},
	{token, "lists Secrets of the cluster", lists(secretsOf, ""), rbac},
	{token, "lists ConfigMaps", lists(configMaps, ""), rbac},
	{token, "changes a Secret of a namespace that opted in", patches(secretsOf, "{a}", "creds", merged(`{"stringData":{"password":"evil"}}`)), rbac},
	{token, "opts a namespace in", creates(bindings, "{b}", optsIn), rbac},
	{token, "removes the guard", deletes("validatingadmissionpolicybindings.v1.admissionregistration.k8s.io", "", "{us}-guard"), rbac},

	{token, "adds a port to a paused workload", patches(deployments, "{a}", "frozen", jsonPatch(addsAPort)), "guard"},
	{token, "unpauses a workload", patches(deployments, "{a}", "frozen", merged(`{"metadata":{"annotations":{"portside.dev/paused":null}}}`)), "guard"},
	{token, "adds the kubelet's port to pods with hostNetwork", patches(deployments, "{a}", "agent", jsonPatch(addsAPort)), "guard"},
	{token, "adds another container's number to pods with hostNetwork", patches(deployments, "{a}", "agent", inSidecar), "guard"},
	{token, "allows hostNetwork itself", patches(deployments, "{a}", "agent", merged(`{"metadata":{"annotations":{"portside.dev/allow-host-network":"true"}}}`)), "guard"},
	{token, "adds a port in kube-system", patches(deployments, "kube-system", "{us}", jsonPatch(addsAPort)), "guard"},
	{token, "changes an image in kube-system", patches(deployments, "kube-system", "{us}", forbidden["the image"]), "guard"},
	{token, "adds a 65th adapter port", patches(deployments, "{a}", "full", jsonPatch(addsAPort)), "guard"},
	{token, "removes an adapter port of Argo CD's", patches(deployments, "{a}", dittofs, jsonPatch(`[{"op":"remove","path":"{c}/ports/2"}]`)), "guard"},
	{token, "deletes ports by $patch", patches(deployments, "{a}", dittofs, strategic(`{"$patch":"delete","containerPort":8080}`)), "guard"},
	{token, "replaces ports by $patch", patches(deployments, "{a}", dittofs, strategic(`{"$patch":"replace"}`)), "guard"},
	{token, "reorders ports by $setElementOrder", patches(deployments, "{a}", dittofs, write{patch: types.StrategicMergePatchType,
		data: `{"spec":{"template":{"spec":{"containers":[{"name":"dittofs","$setElementOrder/ports":[{"containerPort":2049},{"containerPort":8080},{"containerPort":9418}]}]}}}}`}), "guard"},
	{token, "empties managedFields of a workload", patches(deployments, "{a}", dittofs, merged(`{"metadata":{"managedFields":[{}]}}`)), "guard"},
	{token, "scales a workload", patches(deployments, "{a}", dittofs, write{patch: types.MergePatchType, subresource: "scale", data: `{"spec":{"replicas":0}}`}), rbac},
	{token, "changes the status of a workload", patches(deployments, "{a}", dittofs, write{patch: types.MergePatchType, subresource: "status", data: `{"status":{"replicas":9}}`}), rbac},
	{token, "replaces a workload", updates(deployments, "{a}", dittofs), rbac},
	{token, "deletes a workload", deletes(deployments, "{a}", dittofs), rbac},
	{token, "creates a workload", creates(deployments, "{a}", named("evil", declared(workload.Deployment, "[]"))), rbac},
	{token, "adds a port to a Service without --services", patches(servicesOf, "{system}", "{us}", jsonPatch(`[{"op":"add","path":"/spec/ports/-","value":{"name":"adapter-x","port":9}}]`)), rbac},
	{token, "creates a pod", creates(pods, "{a}", `{apiVersion: v1, kind: Pod, metadata: {name: evil}, spec: {containers: [{name: evil, image: evil}]}}`), rbac},
	{token, "evicts a pod", creates(pods, "{a}", `{apiVersion: policy/v1, kind: Eviction, metadata: {name: evil}}`, "eviction"), rbac},
	{token, "acts as another user", impersonates("system:masters"), rbac},
	{token, "gets a token of another ServiceAccount", creates("serviceaccounts.v1.", "kube-system", `{apiVersion: authentication.k8s.io/v1, kind: TokenRequest, metadata: {name: default}, spec: {audiences: []}}`, "token"), rbac},

	{token, "empties managedFields of an AdapterSet", patches(aset, "{a}", dittofs, merged(`{"metadata":{"managedFields":[{}]}}`)), "guard-adaptersets"},
	{token, "adds another finalizer to an AdapterSet", patches(aset, "{a}", dittofs, merged(`{"metadata":{"finalizers":["portside.dev/evil"]}}`)), "guard-adaptersets"},
	{token, "labels an AdapterSet", patches(aset, "{a}", dittofs, merged(`{"metadata":{"labels":{"evil":"1"}}}`)), "guard-adaptersets"},
	{token, "changes the spec of an AdapterSet", patches(aset, "{a}", dittofs, merged(`{"spec":{"adapters":[{"type":"evil","port":1}]}}`)), "guard-adaptersets"},
	{token, "creates an AdapterSet", creates(aset, "{a}", adapterSet("evil")), rbac},
	{token, "deletes an AdapterSet", deletes(aset, "{a}", dittofs), rbac},

	{token, "forges an event of the kubelet", creates(eventsOf, "kube-system", forged("events.k8s.io/v1", "regarding", "kube-system")), "guard-events"},
	{token, "forges an event by the older API", creates(coreEvents, "{system}", forged("v1", "involvedObject", "{system}")), "guard-events"},
	{token, "forges an event by the older API elsewhere", creates(coreEvents, "{a}", forged("v1", "involvedObject", "{a}")), rbac},
	{token, "creates another Lease", creates(leases, "{system}", `{apiVersion: coordination.k8s.io/v1, kind: Lease, metadata: {name: evil}}`), "guard-leases"},
	{token, "creates a Lease elsewhere", creates(leases, "{a}", `{apiVersion: coordination.k8s.io/v1, kind: Lease, metadata: {name: "{us}"}}`), rbac},
	{token, "takes another component's Lease", patches(leases, "kube-system", "kube-controller-manager", merged(`{"spec":{"holderIdentity":"evil"}}`)), rbac},
}

// tenantAttacks are attacks by users with Kubernetes' own roles.
var tenantAttacks = []attack{
	{edit, "reads a Secret of another namespace", reads(secretsOf, "{a}", "creds"), rbac},
	{edit, "changes a workload of another namespace", patches(deployments, "{a}", dittofs, jsonPatch(addsAPort)), rbac},
	{edit, "gives a pod another address", patches(pods, "{b}", "any", write{patch: types.MergePatchType, subresource: "status", data: `{"status":{"podIP":"192.0.2.1"}}`}), rbac},
	{edit, "creates an AdapterSet", creates(aset, "{b}", adapterSet("evil")), rbac},
	{edit, "changes an AdapterSet", patches(aset, "{b}", dittofs, merged(`{"spec":{"suspend":true}}`)), rbac},
	{edit, "opts its namespace in", creates(bindings, "{b}", optsIn), rbac},
	{edit, "writes as portside", patches(deployments, "{b}", dittofs, jsonPatch(addsAPort)), "name"},
	{edit, "applies as portside", patches(deployments, "{b}", dittofs, nfsAlone), "name"},
	{edit, "forges an entry of portside's", patches(deployments, "{b}", dittofs, write{patch: types.MergePatchType, manager: "kubectl",
		data: `{"metadata":{"managedFields":[{"manager":"{us}","operation":"Apply","apiVersion":"apps/v1","time":"2030-01-01T00:00:00Z","fieldsType":"FieldsV1","fieldsV1":{"f:spec":{"f:replicas":{}}}}]}}`}), "name"},
	{edit, "creates a pod with portside's ServiceAccount", creates(pods, "{system}", `{apiVersion: v1, kind: Pod, metadata: {name: evil}, spec: {serviceAccountName: "{us}", containers: [{name: evil, image: evil}]}}`), rbac},
	{edit, "gets a token of portside's ServiceAccount", creates("serviceaccounts.v1.", "{system}", `{apiVersion: authentication.k8s.io/v1, kind: TokenRequest, metadata: {name: "{us}"}, spec: {audiences: []}}`, "token"), rbac},

	{admin, "changes the status of an AdapterSet", patches(aset, "{b}", dittofs, write{patch: types.MergePatchType, subresource: "status", data: `{"status":{"readyPorts":9}}`}), rbac},
	{admin, "writes as portside", patches(deployments, "{b}", dittofs, jsonPatch(addsAPort)), "name"},
	{admin, "creates an AdapterSet in another namespace", creates(aset, "{a}", adapterSet("evil")), rbac},

	{view, "reads a Secret", reads(secretsOf, "{a}", "creds"), rbac},
	{view, "changes an AdapterSet", patches(aset, "{a}", dittofs, merged(`{"spec":{"suspend":true}}`)), rbac},
	{view, "pauses a workload", patches(deployments, "{a}", dittofs, merged(`{"metadata":{"annotations":{"portside.dev/paused":"true"}}}`)), rbac},
	{view, "creates a pod", creates(pods, "{a}", `{apiVersion: v1, kind: Pod, metadata: {name: evil}, spec: {containers: [{name: evil, image: evil}]}}`), rbac},
}
