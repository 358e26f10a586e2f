package testenv_test

import (
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"github.com/portside-dev/portside/testenv"
)

func TestFact14_ItemWithoutOwner(t *testing.T) {
	t.Parallel()
	const nfs = "[{name: nfs, containerPort: 12049}]"
	begin := argo(nfs)
	// A second entry, so that one is left after the loss of the first.
	other := us(shared("[{name: adapter-smb, containerPort: 1445, protocol: TCP}]"))
	empty := testenv.Patch{Manager: testenv.KubectlEdit, Type: types.MergePatchType, Data: `{"metadata":{"managedFields":[{}]}}`}
	beta := testenv.Patch{
		Manager: testenv.KubectlEdit, Type: types.JSONPatchType,
		Data: `[{"op":"test","path":"/metadata/managedFields/0/manager","value":"argocd-controller"},
			{"op":"replace","path":"/metadata/managedFields/0/apiVersion","value":"apps/v1beta1"}]`,
	}
	drop := testenv.Patch{
		Manager: testenv.KubectlEdit, Type: types.JSONPatchType,
		Data: `[{"op":"test","path":"/metadata/managedFields/0/manager","value":"argocd-controller"},
			{"op":"remove","path":"/metadata/managedFields/0"}]`,
	}
	noOwner := map[string][]string{"12049/TCP": {}, "12049/TCP.name": {}}
	renamed := testenv.Expect{
		Change: testenv.SpecChanged,
		Ports:  []string{"adapter-nfs:12049/TCP"},
		Owners: map[string][]string{"12049/TCP": {portsideApply}, "12049/TCP.name": {portsideApply}},
	}
	conflict := testenv.Conflict(`conflict with "before-first-apply"`, nameField)

	for name, steps := range map[string][]testenv.Step{
		"a removed entry leaves its items without an owner": {
			begin, other, drop,
			testenv.Expect{Change: testenv.MetadataChanged, Owners: noOwner},
			us(shared(adapterNFS)), renamed,
		},
		"an entry of an apiVersion that is not converted is dropped at the next write": {
			begin, other, beta,
			testenv.Expect{Owners: noOwner},
			us(shared(adapterNFS)), renamed,
		},
		"emptied managedFields have no owner, also after an Update": {
			begin, other, empty,
			testenv.Expect{Change: testenv.MetadataChanged, Owners: noOwner},
			editPorts(testenv.KubectlEdit, "[{name: nfs, containerPort: 12049, protocol: TCP}, {name: more, containerPort: 1, protocol: TCP}]"),
			testenv.Expect{Change: testenv.SpecChanged, Owners: map[string][]string{"12049/TCP": {}, "1/TCP": {}}},
		},
		"emptied managedFields become before-first-apply at the first apply": {
			begin, other, empty,
			us(shared("[{name: more, containerPort: 1, protocol: TCP}]")),
			testenv.Expect{Change: testenv.SpecChanged, Owners: map[string][]string{
				"12049/TCP":      {testenv.BeforeFirstApply + "/Update"},
				"12049/TCP.name": {testenv.BeforeFirstApply + "/Update"},
				"1445/TCP":       {testenv.BeforeFirstApply + "/Update"},
				"1/TCP":          {portsideApply},
			}},
		},
		"the first apply itself conflicts with it": {
			begin, other, empty, refused(us(shared(adapterNFS)), conflict),
		},
		"the same if the only entry is dropped": {
			begin, beta, refused(us(shared(adapterNFS)), conflict),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			facts(steps...).Run(t, testenv.Shared(t))
		})
	}
}
