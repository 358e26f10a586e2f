package facts_test

import (
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/portside-dev/portside/testenv"
)

// renamedContainer is the owner's apply with another name for the container.
var renamedContainer = testenv.Apply{
	Manager: owner,
	Object:  strings.Replace(declared(static), "- name: files", "- name: server", 1),
}

// removedContainer is the owner's apply without the container, of the two in
// twoContainers.
var (
	twoContainers = testenv.Apply{
		Manager: owner,
		Object:  declared(static) + "      - {name: sidecar, image: sidecar:1}\n",
	}
	removedContainer = testenv.Apply{
		Manager: owner,
		Object: strings.Replace(declared("[]"), "- name: files\n        image: files:1",
			"- name: sidecar\n        image: sidecar:1", 1),
	}
)

// setImage is kubectl set image: an Update that takes the image from its owner.
var setImage = edit(testenv.KubectlSet, func(u *unstructured.Unstructured) {
	testenv.EditContainer(u, files, func(c map[string]any) { c["image"] = "files:hotfix" })
})

func TestFact09_ContainerWithForeignPorts(t *testing.T) {
	t.Parallel()
	imageMissing := testenv.Invalid("image: Required value")
	for name, steps := range map[string][]testenv.Step{
		"cannot rename it": {
			declare(static), contribute(shared(extraNFS)), refused(renamedContainer, imageMissing),
			refused(forced(renamedContainer), imageMissing),
		},
		"cannot remove it": {
			twoContainers, contribute(shared(extraNFS)), refused(removedContainer, imageMissing),
			refused(forced(removedContainer), imageMissing),
		},
		"renames a copy if another manager has set the image": {
			declare(static), contribute(shared(extraNFS)), setImage,
			renamedContainer,
			testenv.Expect{
				Change:     testenv.SpecChanged,
				Containers: []string{files, "server"},
				Ports:      []string{"extra-nfs:12049/TCP"},
				Owners:     map[string][]string{"": {contributorApply}, "image": {testenv.KubectlSet + "/Update"}},
			},
		},
		"keeps it if another manager has set the image": {
			twoContainers, contribute(shared(extraNFS)), setImage,
			removedContainer,
			testenv.Expect{
				Change:     testenv.SpecChanged,
				Containers: []string{files, "sidecar"},
				Ports:      []string{"extra-nfs:12049/TCP"},
				Owners:     map[string][]string{"": {contributorApply}},
			},
		},
		"can remove it and the other entry by an Update": {
			twoContainers, contribute(shared(extraNFS)),
			edit(testenv.KubectlEdit, dropContainer),
			testenv.Expect{Change: testenv.SpecChanged, Containers: []string{"sidecar"}},
			contributorEntry(false),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			scenario(steps...).Run(t, testenv.Shared(t))
		})
	}
	t.Run("keeps a stale entry if admission removes it", admissionRemovesContainer)
}

func dropContainer(u *unstructured.Unstructured) {
	const path = "spec.template.spec.containers"
	fields := strings.Split(path, ".")
	all, _, _ := unstructured.NestedSlice(u.Object, fields...)
	left := slices.DeleteFunc(all, func(c any) bool { return c.(map[string]any)["name"] == files })
	if err := unstructured.SetNestedSlice(u.Object, left, fields...); err != nil {
		panic(err)
	}
}

// admissionRemovesContainer tests that a container that a policy removes stays in the
// entry: admission runs after managedFields are computed.
func admissionRemovesContainer(t *testing.T) {
	t.Parallel()
	cp := testenv.Shared(t)
	ns := cp.Namespace(t)
	installRemover(t, cp, ns)

	gone := `.spec.template.spec.containers[name="files"]`
	scenario(
		twoContainers, contribute(shared("[{name: extra-nfs, containerPort: 2049, protocol: UDP}]")),
		edit(testenv.KubectlEdit, func(u *unstructured.Unstructured) { u.SetAnnotations(map[string]string{"testenv/remove": files}) }),
		testenv.Expect{Change: testenv.SpecChanged, Containers: []string{"sidecar"}},
		contributorEntry(true),
		testenv.Do{What: "the entry has the removed container", Func: checkEntry(lists(gone))},
		edit(testenv.KubectlEdit, func(u *unstructured.Unstructured) { u.SetAnnotations(nil) }),
		testenv.Do{What: "the entry still has it after another write", Func: checkEntry(lists(gone))},
		refused(declare("[{name: nfs-udp, containerPort: 2049, protocol: UDP}]"), testenv.Conflict(`conflicts with "contributor"`, gone)),
		contribute(metadataOnly),
		contributorEntry(false),
		declare("[{name: nfs-udp, containerPort: 2049, protocol: UDP}]"),
		testenv.Expect{Ports: []string{"nfs-udp:2049/UDP"}},
	).RunIn(t, cp, ns)
}
