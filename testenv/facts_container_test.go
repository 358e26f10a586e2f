package testenv_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/portside-dev/portside/testenv"
)

// renamedContainer is the owner's apply with another name for the container.
var renamedContainer = testenv.Apply{
	Manager: testenv.ArgoCD,
	Object:  strings.Replace(declared(static), "- name: dittofs", "- name: server", 1),
}

// removedContainer is the owner's apply without the container, of the two in
// twoContainers.
var (
	twoContainers = testenv.Apply{
		Manager: testenv.ArgoCD,
		Object:  declared(static) + "      - {name: sidecar, image: sidecar:1}\n",
	}
	removedContainer = testenv.Apply{
		Manager: testenv.ArgoCD,
		Object: strings.Replace(declared("[]"), "- name: dittofs\n        image: dittofs:1",
			"- name: sidecar\n        image: sidecar:1", 1),
	}
)

// setImage is kubectl set image: an Update that takes the image from its owner.
var setImage = edit(testenv.KubectlSet, func(u *unstructured.Unstructured) {
	testenv.EditContainer(u, dittofs, func(c map[string]any) { c["image"] = "dittofs:hotfix" })
})

func TestFact09_OwnerOfOurContainer(t *testing.T) {
	t.Parallel()
	imageMissing := testenv.Invalid("image: Required value")
	for name, steps := range map[string][]testenv.Step{
		"cannot rename it": {
			argo(static), us(shared(adapterNFS)), refused(renamedContainer, imageMissing),
			refused(forced(renamedContainer), imageMissing),
		},
		"cannot remove it": {
			twoContainers, us(shared(adapterNFS)), refused(removedContainer, imageMissing),
			refused(forced(removedContainer), imageMissing),
		},
		"renames a copy if another manager has set the image": {
			argo(static), us(shared(adapterNFS)), setImage,
			renamedContainer,
			testenv.Expect{
				Change:     testenv.SpecChanged,
				Containers: []string{dittofs, "server"},
				Ports:      []string{"adapter-nfs:12049/TCP"},
				Owners:     map[string][]string{"": {portsideApply}, "image": {testenv.KubectlSet + "/Update"}},
			},
		},
		"keeps it if another manager has set the image": {
			twoContainers, us(shared(adapterNFS)), setImage,
			removedContainer,
			testenv.Expect{
				Change:     testenv.SpecChanged,
				Containers: []string{dittofs, "sidecar"},
				Ports:      []string{"adapter-nfs:12049/TCP"},
				Owners:     map[string][]string{"": {portsideApply}},
			},
		},
		"can remove it and our entry by an Update": {
			twoContainers, us(shared(adapterNFS)),
			edit(testenv.KubectlEdit, dropContainer),
			testenv.Expect{Change: testenv.SpecChanged, Containers: []string{"sidecar"}},
			ourEntry(false),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			facts(steps...).Run(t, testenv.Shared(t))
		})
	}
}

func dropContainer(u *unstructured.Unstructured) {
	const path = "spec.template.spec.containers"
	fields := strings.Split(path, ".")
	all, _, _ := unstructured.NestedSlice(u.Object, fields...)
	left := slices.DeleteFunc(all, func(c any) bool { return c.(map[string]any)["name"] == dittofs })
	if err := unstructured.SetNestedSlice(u.Object, left, fields...); err != nil {
		panic(err)
	}
}

// TestFact09_AdmissionRemovesContainer: admission runs after managedFields are
// computed, so a container that a policy removes stays in our entry. The policy is
// cluster-wide, so the control plane is the test's own.
func TestFact09_AdmissionRemovesContainer(t *testing.T) {
	t.Parallel()
	cp := testenv.Own(t, testenv.Options{})
	ns := cp.Namespace(t)
	installRemover(t, cp, ns)

	gone := `.spec.template.spec.containers[name="dittofs"]`
	facts(
		twoContainers, us(shared("[{name: adapter-nfs, containerPort: 2049, protocol: UDP}]")),
		edit(testenv.KubectlEdit, func(u *unstructured.Unstructured) { u.SetAnnotations(map[string]string{"testenv/remove": dittofs}) }),
		testenv.Expect{Change: testenv.SpecChanged, Containers: []string{"sidecar"}},
		ourEntry(true),
		testenv.Do{What: "our entry has the removed container", Func: checkEntry(lists(gone))},
		edit(testenv.KubectlEdit, func(u *unstructured.Unstructured) { u.SetAnnotations(nil) }),
		testenv.Do{What: "our entry still has it after another write", Func: checkEntry(lists(gone))},
		refused(argo("[{name: nfs-udp, containerPort: 2049, protocol: UDP}]"), testenv.Conflict(`conflicts with "portside"`, gone)),
		us(metadataOnly),
		ourEntry(false),
		argo("[{name: nfs-udp, containerPort: 2049, protocol: UDP}]"),
		testenv.Expect{Ports: []string{"nfs-udp:2049/UDP"}},
	).RunIn(t, cp, ns)
}

// installRemover installs a policy that removes the first container of StatefulSets
// in the namespace with an annotation, and waits until it is in force.
func installRemover(t *testing.T, cp *testenv.ControlPlane, ns string) {
	t.Helper()
	admin := cp.Manager("testenv")
	for _, object := range []string{`
apiVersion: %[2]s
kind: MutatingAdmissionPolicy
metadata: {name: %[1]s}
spec:
  failurePolicy: Fail
  reinvocationPolicy: Never
  matchConstraints:
    resourceRules:
    - {apiGroups: [apps], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [statefulsets]}
  matchConditions:
  - name: annotated
    expression: "has(object.metadata.annotations) && 'testenv/remove' in object.metadata.annotations && object.spec.template.spec.containers[0].name == object.metadata.annotations['testenv/remove']"
  mutations:
  - patchType: JSONPatch
    jsonPatch: {expression: "[JSONPatch{op: 'remove', path: '/spec/template/spec/containers/0'}]"}
`, `
apiVersion: %[2]s
kind: MutatingAdmissionPolicyBinding
metadata: {name: %[1]s}
spec:
  policyName: %[1]s
  matchResources: {namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: %[1]s}}}
`} {
		admin.MustApply(t, fmt.Sprintf(object, ns, cp.MutatingPolicies()))
	}
	probe, err := testenv.Object(twoContainers.Object)
	if err != nil {
		t.Fatal(err)
	}
	probe.SetName("probe")
	probe.SetAnnotations(map[string]string{"testenv/remove": dittofs})
	testenv.Eventually(t, "the policy to be in force", func(ctx context.Context) error {
		created, err := admin.In(ns).Create(ctx, probe)
		if err != nil {
			return err
		}
		if got := testenv.Containers(created); len(got) != 1 {
			err = fmt.Errorf("containers %v", got)
		}
		if deleted := admin.Delete(ctx, "StatefulSet", ns, "probe"); deleted != nil {
			return deleted
		}
		return err
	})
}
