package testenv_test

import (
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/portside-dev/portside/testenv"
)

const nameField = `.spec.template.spec.containers[name="dittofs"].ports[containerPort=12049,protocol="TCP"].name`

func TestFact02_NameIsNotPartOfKey(t *testing.T) {
	t.Parallel()
	t.Run("a named static port conflicts on the name", func(t *testing.T) {
		t.Parallel()
		facts(
			argo("[{name: nfs, containerPort: 12049}]"),
			refused(us(shared(adapterNFS)), testenv.Conflict(`conflict with "argocd-controller"`, nameField)),
			testenv.Expect{Ports: []string{"nfs:12049/TCP"}, Owners: map[string][]string{"12049/TCP": {argoApply}, "12049/TCP.name": {argoApply}}},
		).Run(t, testenv.Shared(t))
	})
	t.Run("an unnamed static port takes our name", func(t *testing.T) {
		t.Parallel()
		const named = "[{name: nfs, containerPort: 12049}]"
		facts(
			argo("[{containerPort: 12049}]"),
			us(shared(adapterNFS)),
			testenv.Expect{
				Change: testenv.SpecChanged,
				Ports:  []string{"adapter-nfs:12049/TCP"},
				Owners: map[string][]string{"12049/TCP": {argoApply, portsideApply}, "12049/TCP.name": {portsideApply}},
			},
			refused(argo(named), testenv.Conflict(`conflict with "portside"`, nameField)),
			argo("[{containerPort: 12049}]"),
			testenv.Expect{Change: testenv.NothingChanged},
			us(metadataOnly),
			testenv.Expect{
				Change: testenv.SpecChanged,
				Ports:  []string{":12049/TCP"},
				Owners: map[string][]string{"12049/TCP": {argoApply}, "12049/TCP.name": {}},
			},
			argo(named),
			testenv.Expect{Ports: []string{"nfs:12049/TCP"}},
		).Run(t, testenv.Shared(t))
	})
}

func TestFact04_Renumbering(t *testing.T) {
	t.Parallel()
	const moved = "[{name: adapter-nfs, containerPort: 12050, protocol: TCP}]"
	duplicate := testenv.Invalid(`Duplicate value: "adapter-nfs"`)
	t.Run("of a port that we own alone is one write", func(t *testing.T) {
		t.Parallel()
		facts(
			argo(static), us(shared(adapterNFS)),
			us(shared(moved)),
			testenv.Expect{
				Change: testenv.SpecChanged,
				Ports:  []string{"api:8080/TCP", "nfs:2049/TCP", "adapter-nfs:12050/TCP"},
				Owners: map[string][]string{"12049/TCP": {}, "12050/TCP": {portsideApply}},
			},
		).Run(t, testenv.Shared(t))
	})
	for name, renumber := range map[string]testenv.Apply{
		"of a co-owned port is refused to us":           us(shared(moved)),
		"of a co-owned port is refused to the other":    by(backup, us(shared(moved))),
		"of a co-owned port is refused also with force": by(backup, forced(us(shared(moved)))),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			facts(
				argo(static), us(shared(adapterNFS)), by(backup, us(shared(adapterNFS))),
				testenv.Expect{Owners: map[string][]string{"12049/TCP": {portsideApply, backupApply}}},
				refused(renumber, duplicate),
			).Run(t, testenv.Shared(t))
		})
	}
}

func TestFact05_CoOwnedItemStays(t *testing.T) {
	t.Parallel()
	t.Run("with a co-owner of the item", func(t *testing.T) {
		t.Parallel()
		facts(
			argo(static), us(shared(adapterNFS)), by(backup, us(shared(adapterNFS))),
			us(metadataOnly),
			testenv.Expect{
				Change: testenv.MetadataChanged,
				Ports:  []string{"api:8080/TCP", "nfs:2049/TCP", "adapter-nfs:12049/TCP"},
				Owners: map[string][]string{"12049/TCP": {backupApply}, "12049/TCP.name": {backupApply}},
			},
		).Run(t, testenv.Shared(t))
	})
	t.Run("not with an owner of only a leaf", func(t *testing.T) {
		t.Parallel()
		facts(
			argo(static), us(shared(adapterNFS)),
			editPorts(testenv.KubectlEdit, "[{name: api, containerPort: 8080, protocol: TCP}, {name: nfs, containerPort: 2049, protocol: TCP}, "+
				"{name: adapter-nfs, containerPort: 12049, protocol: TCP, hostPort: 12049}]"),
			testenv.Expect{
				Ports:  []string{"api:8080/TCP", "nfs:2049/TCP", "adapter-nfs:12049/TCP hostPort=12049"},
				Owners: map[string][]string{"12049/TCP": {portsideApply}, "12049/TCP.hostPort": {editUpdate}},
			},
			us(metadataOnly),
			testenv.Expect{Change: testenv.SpecChanged, Ports: []string{"api:8080/TCP", "nfs:2049/TCP"}},
		).Run(t, testenv.Shared(t))
	})
}

func TestFact06_TwoItemsWithOneKey(t *testing.T) {
	t.Parallel()
	// The former operator adds its port next to the static one with the same
	// number.
	begin := []testenv.Step{
		argo("[{name: api, containerPort: 8080}, {name: nfs, containerPort: 12049}]"),
		testenv.Expect{Owners: map[string][]string{"12049/TCP": {argoApply}, "12049/TCP.name": {argoApply}}},
		editPorts(testenv.DittoFSOperator, "[{name: api, containerPort: 8080, protocol: TCP}, {name: nfs, containerPort: 12049, protocol: TCP}, "+
			"{name: adapter-nfs, containerPort: 12049, protocol: TCP}]"),
		testenv.Expect{
			Change: testenv.SpecChanged,
			Ports:  []string{"api:8080/TCP", "nfs:12049/TCP", "adapter-nfs:12049/TCP"},
			Owners: map[string][]string{"12049/TCP": {legacyUpdate}, "8080/TCP": {argoApply}},
		},
	}
	both := []string{"api:8080/TCP", "nfs:12049/TCP", "adapter-nfs:12049/TCP"}
	for name, then := range map[string][]testenv.Step{
		"an apply that does not touch the key keeps both": {
			us(shared("[{name: adapter-smb, containerPort: 1445, protocol: TCP}]")),
			testenv.Expect{Change: testenv.SpecChanged, Ports: append(both, "adapter-smb:1445/TCP")},
		},
		"a forced apply of the key collapses them": {
			forced(us(shared(adapterNFS))),
			testenv.Expect{
				Change: testenv.SpecChanged,
				Ports:  []string{"api:8080/TCP", "adapter-nfs:12049/TCP"},
				Owners: map[string][]string{"12049/TCP": {portsideApply}},
			},
		},
		"the static owner's forced sync drops the adapter port": {
			forced(argo("[{name: api, containerPort: 8080}, {name: nfs, containerPort: 12049}]")),
			testenv.Expect{
				Change: testenv.SpecChanged,
				Ports:  []string{"api:8080/TCP", "nfs:12049/TCP"},
				Owners: map[string][]string{"12049/TCP": {argoApply}},
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			facts(slices.Concat(begin, then)...).Run(t, testenv.Shared(t))
		})
	}
}

func TestFact15_KubectlEditRenamesOurItem(t *testing.T) {
	t.Parallel()
	renamed := []testenv.Step{
		argo(static), us(shared(adapterNFS)),
		edit(testenv.KubectlEdit, func(u *unstructured.Unstructured) {
			testenv.EditContainer(u, dittofs, func(c map[string]any) {
				ports := c["ports"].([]any)
				ports[2].(map[string]any)["name"] = "mine"
			})
		}),
		testenv.Expect{
			Ports:  []string{"api:8080/TCP", "nfs:2049/TCP", "mine:12049/TCP"},
			Owners: map[string][]string{"12049/TCP": {portsideApply}, "12049/TCP.name": {editUpdate}},
		},
	}
	for name, then := range map[string][]testenv.Step{
		"applying the name conflicts": {
			refused(us(shared(adapterNFS)), testenv.Conflict(`conflict with "kubectl-edit"`, nameField)),
		},
		"applying the item without a name keeps it": {
			us(shared("[{containerPort: 12049, protocol: TCP}]")),
			testenv.Expect{
				Change: testenv.NothingChanged,
				Ports:  []string{"api:8080/TCP", "nfs:2049/TCP", "mine:12049/TCP"},
				Owners: map[string][]string{"12049/TCP": {portsideApply}},
			},
		},
		"applying nothing deletes it": {
			us(metadataOnly),
			testenv.Expect{Change: testenv.SpecChanged, Ports: []string{"api:8080/TCP", "nfs:2049/TCP"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			facts(slices.Concat(renamed, then)...).Run(t, testenv.Shared(t))
		})
	}
}
