package facts_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/portside-dev/portside/testenv"
)

func TestFact14_ItemWithoutOwner(t *testing.T) {
	t.Parallel()
	const nfs = "[{name: nfs, containerPort: 12049}]"
	begin := declare(nfs)
	// A second entry, so that one is left after the loss of the first.
	other := contribute(shared("[{name: extra-smb, containerPort: 1445, protocol: TCP}]"))
	empty := testenv.Patch{Manager: testenv.KubectlEdit, Type: types.MergePatchType, Data: `{"metadata":{"managedFields":[{}]}}`}
	beta := testenv.Do{What: "the owner's entry gets an apiVersion that is not converted", Func: changeOwnersVersion}
	drop := testenv.Disown{Manager: owner}
	const theOnlyEntry = "the same if the only entry is dropped"
	noOwner := map[string][]string{"12049/TCP": {}, "12049/TCP.name": {}}
	renamed := testenv.Expect{
		Change: testenv.SpecChanged,
		Ports:  []string{"extra-nfs:12049/TCP"},
		Owners: map[string][]string{"12049/TCP": {contributorApply}, "12049/TCP.name": {contributorApply}},
	}
	conflict := testenv.Conflict(`conflict with "before-first-apply"`, nameField)

	for name, steps := range map[string][]testenv.Step{
		"a removed entry leaves its items without an owner": {
			begin, other, drop,
			testenv.Expect{Change: testenv.MetadataChanged, Owners: noOwner},
			contribute(shared(extraNFS)), renamed,
		},
		"an entry of an apiVersion that is not converted is dropped at the next write": {
			begin, other, beta,
			testenv.Expect{Owners: noOwner},
			contribute(shared(extraNFS)), renamed,
		},
		"emptied managedFields have no owner, also after an Update": {
			begin, other, empty,
			testenv.Expect{Change: testenv.MetadataChanged, Owners: noOwner},
			editPorts(testenv.KubectlEdit, "[{name: nfs, containerPort: 12049, protocol: TCP}, {name: more, containerPort: 1, protocol: TCP}]"),
			testenv.Expect{Change: testenv.SpecChanged, Owners: map[string][]string{"12049/TCP": {}, "1/TCP": {}}},
		},
		"emptied managedFields become before-first-apply at the first apply": {
			begin, other, empty,
			contribute(shared("[{name: more, containerPort: 1, protocol: TCP}]")),
			testenv.Expect{Change: testenv.SpecChanged, Owners: map[string][]string{
				"12049/TCP":      {testenv.BeforeFirstApply + "/Update"},
				"12049/TCP.name": {testenv.BeforeFirstApply + "/Update"},
				"1445/TCP":       {testenv.BeforeFirstApply + "/Update"},
				"1/TCP":          {contributorApply},
			}},
		},
		"the first apply itself conflicts with it": {
			begin, other, empty, refused(contribute(shared(extraNFS)), conflict),
		},
		theOnlyEntry: {
			begin, beta, refused(contribute(shared(extraNFS)), conflict),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if name == theOnlyEntry {
				notOnExisting(t, testenv.Shared(t), needsOneEntry)
			}
			scenario(steps...).Run(t, testenv.Shared(t))
		})
	}
}

// changeOwnersVersion changes the apiVersion of the owner's entry to one that the
// server does not convert. The index of the entry depends on the second of the apply.
func changeOwnersVersion(ctx context.Context, cp *testenv.ControlPlane, ns string) error {
	manager := cp.Manager(testenv.KubectlEdit)
	live, err := manager.Get(ctx, "StatefulSet", ns, files)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(live.GetManagedFields(), func(e metav1.ManagedFieldsEntry) bool { return e.Manager == owner })
	_, err = manager.Patch(ctx, "StatefulSet", ns, files, types.JSONPatchType,
		fmt.Appendf(nil, `[{"op":"replace","path":"/metadata/managedFields/%d/apiVersion","value":"apps/v1beta1"}]`, i))
	return err
}
