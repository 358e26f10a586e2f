package facts_test

import (
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/portside-dev/portside/testenv"
)

const nameField = `.spec.template.spec.containers[name="files"].ports[containerPort=12049,protocol="TCP"].name`

func TestFact02_NameIsNotPartOfKey(t *testing.T) {
	t.Parallel()
	t.Run("a named static port conflicts on the name", func(t *testing.T) {
		t.Parallel()
		scenario(
			declare("[{name: nfs, containerPort: 12049}]"),
			refused(contribute(shared(extraNFS)), testenv.Conflict(`conflict with "owner"`, nameField)),
			testenv.Expect{Ports: []string{"nfs:12049/TCP"}, Owners: map[string][]string{"12049/TCP": {ownerApply}, "12049/TCP.name": {ownerApply}}},
		).Run(t, testenv.Shared(t))
	})
	t.Run("an unnamed static port takes the name", func(t *testing.T) {
		t.Parallel()
		const named = "[{name: nfs, containerPort: 12049}]"
		scenario(
			declare("[{containerPort: 12049}]"),
			contribute(shared(extraNFS)),
			testenv.Expect{
				Change: testenv.SpecChanged,
				Ports:  []string{"extra-nfs:12049/TCP"},
				Owners: map[string][]string{"12049/TCP": {ownerApply, contributorApply}, "12049/TCP.name": {contributorApply}},
			},
			refused(declare(named), testenv.Conflict(`conflict with "contributor"`, nameField)),
			declare("[{containerPort: 12049}]"),
			testenv.Expect{Change: testenv.NothingChanged},
			contribute(metadataOnly),
			testenv.Expect{
				Change: testenv.SpecChanged,
				Ports:  []string{":12049/TCP"},
				Owners: map[string][]string{"12049/TCP": {ownerApply}, "12049/TCP.name": {}},
			},
			declare(named),
			testenv.Expect{Ports: []string{"nfs:12049/TCP"}},
		).Run(t, testenv.Shared(t))
	})
}

func TestFact04_Renumbering(t *testing.T) {
	t.Parallel()
	const moved = "[{name: extra-nfs, containerPort: 12050, protocol: TCP}]"
	duplicate := testenv.Invalid(`Duplicate value: "extra-nfs"`)
	t.Run("of a port with one owner is one write", func(t *testing.T) {
		t.Parallel()
		scenario(
			declare(static), contribute(shared(extraNFS)),
			contribute(shared(moved)),
			testenv.Expect{
				Change: testenv.SpecChanged,
				Ports:  []string{"api:8080/TCP", "nfs:2049/TCP", "extra-nfs:12050/TCP"},
				Owners: map[string][]string{"12049/TCP": {}, "12050/TCP": {contributorApply}},
			},
		).Run(t, testenv.Shared(t))
	})
	for name, renumber := range map[string]testenv.Apply{
		"of a co-owned port is refused to one owner":       contribute(shared(moved)),
		"of a co-owned port is refused to the other owner": by(third, contribute(shared(moved))),
		"of a co-owned port is refused also with force":    by(third, forced(contribute(shared(moved)))),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			scenario(
				declare(static), contribute(shared(extraNFS)), by(third, contribute(shared(extraNFS))),
				testenv.Expect{Owners: map[string][]string{"12049/TCP": {contributorApply, thirdApply}}},
				refused(renumber, duplicate),
			).Run(t, testenv.Shared(t))
		})
	}
}

func TestFact05_OtherOwnerKeepsItem(t *testing.T) {
	t.Parallel()
	t.Run("with a co-owner of the item", func(t *testing.T) {
		t.Parallel()
		scenario(
			declare(static), contribute(shared(extraNFS)), by(third, contribute(shared(extraNFS))),
			contribute(metadataOnly),
			testenv.Expect{
				Change: testenv.MetadataChanged,
				Ports:  []string{"api:8080/TCP", "nfs:2049/TCP", "extra-nfs:12049/TCP"},
				Owners: map[string][]string{"12049/TCP": {thirdApply}, "12049/TCP.name": {thirdApply}},
			},
		).Run(t, testenv.Shared(t))
	})
	t.Run("not with an owner of only a leaf", func(t *testing.T) {
		t.Parallel()
		scenario(
			declare(static), contribute(shared(extraNFS)),
			editPorts(testenv.KubectlEdit, "[{name: api, containerPort: 8080, protocol: TCP}, {name: nfs, containerPort: 2049, protocol: TCP}, "+
				"{name: extra-nfs, containerPort: 12049, protocol: TCP, hostPort: 12049}]"),
			testenv.Expect{
				Ports:  []string{"api:8080/TCP", "nfs:2049/TCP", "extra-nfs:12049/TCP hostPort=12049"},
				Owners: map[string][]string{"12049/TCP": {contributorApply}, "12049/TCP.hostPort": {editUpdate}},
			},
			contribute(metadataOnly),
			testenv.Expect{Change: testenv.SpecChanged, Ports: []string{"api:8080/TCP", "nfs:2049/TCP"}},
		).Run(t, testenv.Shared(t))
	})
}

func TestFact06_TwoItemsWithOneKey(t *testing.T) {
	t.Parallel()
	// An operator adds its port next to the static one with the same
	// number.
	begin := []testenv.Step{
		declare("[{name: api, containerPort: 8080}, {name: nfs, containerPort: 12049}]"),
		testenv.Expect{Owners: map[string][]string{"12049/TCP": {ownerApply}, "12049/TCP.name": {ownerApply}}},
		editPorts(operator, "[{name: api, containerPort: 8080, protocol: TCP}, {name: nfs, containerPort: 12049, protocol: TCP}, "+
			"{name: extra-nfs, containerPort: 12049, protocol: TCP}]"),
		testenv.Expect{
			Change: testenv.SpecChanged,
			Ports:  []string{"api:8080/TCP", "nfs:12049/TCP", "extra-nfs:12049/TCP"},
			Owners: map[string][]string{"12049/TCP": {operatorUpdate}, "8080/TCP": {ownerApply}},
		},
	}
	both := []string{"api:8080/TCP", "nfs:12049/TCP", "extra-nfs:12049/TCP"}
	for name, then := range map[string][]testenv.Step{
		"an apply that does not touch the key keeps both": {
			contribute(shared("[{name: extra-smb, containerPort: 1445, protocol: TCP}]")),
			testenv.Expect{Change: testenv.SpecChanged, Ports: append(both, "extra-smb:1445/TCP")},
		},
		"a forced apply of the key collapses them": {
			forced(contribute(shared(extraNFS))),
			testenv.Expect{
				Change: testenv.SpecChanged,
				Ports:  []string{"api:8080/TCP", "extra-nfs:12049/TCP"},
				Owners: map[string][]string{"12049/TCP": {contributorApply}},
			},
		},
		"the static owner's forced sync drops the other port": {
			forced(declare("[{name: api, containerPort: 8080}, {name: nfs, containerPort: 12049}]")),
			testenv.Expect{
				Change: testenv.SpecChanged,
				Ports:  []string{"api:8080/TCP", "nfs:12049/TCP"},
				Owners: map[string][]string{"12049/TCP": {ownerApply}},
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			scenario(slices.Concat(begin, then)...).Run(t, testenv.Shared(t))
		})
	}
}

func TestFact15_RenamedItem(t *testing.T) {
	t.Parallel()
	renamed := []testenv.Step{
		declare(static), contribute(shared(extraNFS)),
		edit(testenv.KubectlEdit, func(u *unstructured.Unstructured) {
			testenv.EditContainer(u, files, func(c map[string]any) {
				ports := c["ports"].([]any)
				ports[2].(map[string]any)["name"] = "mine"
			})
		}),
		testenv.Expect{
			Ports:  []string{"api:8080/TCP", "nfs:2049/TCP", "mine:12049/TCP"},
			Owners: map[string][]string{"12049/TCP": {contributorApply}, "12049/TCP.name": {editUpdate}},
		},
	}
	for name, then := range map[string][]testenv.Step{
		"applying the name conflicts": {
			refused(contribute(shared(extraNFS)), testenv.Conflict(`conflict with "kubectl-edit"`, nameField)),
		},
		"applying the item without a name keeps it": {
			contribute(shared("[{containerPort: 12049, protocol: TCP}]")),
			testenv.Expect{
				Change: testenv.NothingChanged,
				Ports:  []string{"api:8080/TCP", "nfs:2049/TCP", "mine:12049/TCP"},
				Owners: map[string][]string{"12049/TCP": {contributorApply}},
			},
		},
		"applying nothing deletes it": {
			contribute(metadataOnly),
			testenv.Expect{Change: testenv.SpecChanged, Ports: []string{"api:8080/TCP", "nfs:2049/TCP"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			scenario(slices.Concat(renamed, then)...).Run(t, testenv.Shared(t))
		})
	}
}
