package examples_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/portside-dev/portside/testenv"
)

// live returns what the operator created, by kind and name.
func (m *migration) live() map[string]*unstructured.Unstructured {
	m.t.Helper()
	all := map[string]*unstructured.Unstructured{}
	for _, object := range m.objects {
		live, err := m.get(m.t.Context(), object)
		must(m.t, err)
		all[live.GetKind()+"/"+live.GetName()] = live
	}
	return all
}

// kept returns what a migration must not change of objects: their uids, the pod template,
// addresses, node ports and data.
func kept(objects map[string]*unstructured.Unstructured) map[string]string {
	facts := map[string]string{}
	for name, object := range objects {
		facts[name+" uid"] = string(object.GetUID())
		switch object.GetKind() {
		case "StatefulSet":
			facts[name+" generation"] = fmt.Sprint(object.GetGeneration())
		case "Service":
			address, _, _ := unstructured.NestedString(object.Object, "spec", "clusterIP")
			facts[name+" address"] = address
			ports, _, _ := unstructured.NestedSlice(object.Object, "spec", "ports")
			for _, port := range ports {
				p, _ := port.(map[string]any)
				facts[fmt.Sprint(name, " ", p["name"])] = fmt.Sprint(p["port"], p["protocol"], p["nodePort"])
			}
		case "ConfigMap", "Secret":
			if !strings.HasSuffix(name, "operator-credentials") {
				facts[name+" data"] = fmt.Sprint(object.Object["data"])
			}
		}
	}
	return facts
}

// expectKept checks that nothing was lost and that no pod was started.
func (m *migration) expectKept() {
	m.t.Helper()
	after := kept(m.live())
	for fact, value := range m.before {
		if after[fact] != value {
			m.t.Errorf("%s was %s and is %s", fact, value, after[fact])
		}
	}
	if starts := m.cp.PodStarts(m.namespace); starts != m.starts {
		m.t.Errorf("%d pods were started, want %d", starts, m.starts)
	}
}

// expectMigrated checks that the operator owns nothing, portside the adapter ports, and
// Git the rest.
func (m *migration) expectMigrated() {
	m.t.Helper()
	for name, object := range m.live() {
		if owners := object.GetOwnerReferences(); len(owners) > 0 {
			m.t.Errorf("%s has the owners %v", name, owners)
		}
		for _, entry := range object.GetManagedFields() {
			if entry.Manager == operatorManager {
				m.t.Errorf("%s has an entry of %s in managedFields", name, entry.Manager)
			}
		}
	}
	const git = testenv.Kubectl + "/Apply"
	m.expectOwners(map[string][]string{
		"8080/TCP": {git}, "12049/TCP": {testenv.Portside + "/Apply"}, "1445/TCP": {testenv.Portside + "/Apply"},
		"10111/UDP": {git, testenv.Portside + "/Apply"},
	})
}

func (m *migration) expectOwners(want map[string][]string) {
	m.t.Helper()
	workload, err := m.manager.Get(m.t.Context(), "StatefulSet", m.namespace, dittofs)
	must(m.t, err)
	for port, owners := range want {
		if got, err := testenv.Owners(workload, dittofs, port); err != nil || !slices.Equal(got, owners) {
			m.t.Errorf("%s is owned by %q, want %q: %v", port, got, owners, err)
		}
	}
}

// expectEndpoints waits until a Service leads to these ports of pods and no others.
func (m *migration) expectEndpoints(service string, want ...string) {
	m.t.Helper()
	testenv.Eventually(m.t, service+" to lead to its ports", func(ctx context.Context) error {
		got, err := m.cp.EndpointPorts(ctx, m.namespace, service)
		if err == nil && !slices.Equal(got, want) {
			err = fmt.Errorf("%s leads to %q, want %q", service, got, want)
		}
		return err
	})
}

// expectNotAdopted checks that no step after the second was begun.
func (m *migration) expectNotAdopted() {
	m.t.Helper()
	operatorAlone := []string{operatorManager + "/Update"}
	m.expectOwners(map[string][]string{"8080/TCP": operatorAlone, "12049/TCP": operatorAlone, "1445/TCP": operatorAlone})
}

// anyUID replaces the uid of the DittoServer in paths of fields.
func anyUID(paths []string) string {
	var text strings.Builder
	for _, path := range paths {
		if strings.Contains(path, "[uid=") {
			path = ".metadata.ownerReferences[uid]"
		}
		text.WriteString(path + "\n")
	}
	return text.String()
}

// withoutTimes returns an object without its resourceVersion and the times of its
// managers: the next apply of volumeClaimTemplates after another manager's write is not
// quite a no-op, see fact 1 of testenv/facts.
func withoutTimes(t *testing.T, object *unstructured.Unstructured) string {
	t.Helper()
	object = object.DeepCopy()
	object.SetResourceVersion("")
	entries := object.GetManagedFields()
	for i := range entries {
		entries[i].Time = nil
	}
	slices.SortFunc(entries, func(a, b metav1.ManagedFieldsEntry) int {
		return strings.Compare(a.Manager+string(a.Operation)+a.Subresource, b.Manager+string(b.Operation)+b.Subresource)
	})
	object.SetManagedFields(entries)
	text, err := object.MarshalJSON()
	must(t, err)
	return string(text)
}
