package install_test

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/testenv/portside"
)

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
		"a static port, unchanged":   appliedService("[{name: api, port: 80, protocol: TCP, targetPort: 8080}, " + nfsPort + ", " + shared + "]"),
		"a static port's target":     forced(appliedService(`[{name: api, port: 80, protocol: TCP, targetPort: 22}]`)),
		"a target of another":        forced(appliedService(`[{name: adapter-nfs, port: 2049, protocol: TCP, targetPort: 12049}]`)),
		"a target of another, patch": jsonPatch(`[{"op":"replace","path":"/spec/ports/2/targetPort","value":12049}]`),
	} {
		if err := portside.RefusedBy(i.tries(t.Context(), workload.Service, w), i.guardOf(workload.Service)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
