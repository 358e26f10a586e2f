package facts_test

import (
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"github.com/portside-dev/portside/testenv"
)

const staticNFS = "[{name: nfs, port: 2049, targetPort: 2049}]"

const smbPort = "[{name: extra-smb, port: 445, protocol: TCP, targetPort: 1445}]"

func TestServiceFact35_PruningUnowned(t *testing.T) {
	t.Parallel()
	unowned := func(spec string) testenv.Steps {
		return testenv.Steps{declareService(spec, staticNFS), contributePorts(smbPort), testenv.Disown{Manager: owner}}
	}
	t.Run("ClusterIP refuses it", func(t *testing.T) {
		t.Parallel()
		serviceScenario(unowned(""), refused(contribute(serviceMetadata), testenv.Invalid("spec.ports: Required value"))).Run(t, testenv.Shared(t))
	})
	t.Run("headless loses the unowned port", func(t *testing.T) {
		t.Parallel()
		serviceScenario(unowned(ofHeadless), contribute(serviceMetadata), testenv.Expect{Ports: []string{}}).Run(t, testenv.Shared(t))
	})
	t.Run("a third owner keeps it", func(t *testing.T) {
		t.Parallel()
		serviceScenario(unowned(ofHeadless), by(third, contributePorts("[{name: third, port: 1}]")), contribute(serviceMetadata),
			testenv.Expect{Ports: []string{"nfs:2049/TCP->2049", "third:1/TCP->1"}}).Run(t, testenv.Shared(t))
	})
}

func TestServiceFact36_ListOutlivesItems(t *testing.T) {
	t.Parallel()
	begin := func(spec string) testenv.Steps {
		return testenv.Steps{
			testenv.Apply{Manager: owner, Object: serviceDeclared(spec, "[]")},
			testenv.Update{Manager: "op", Mutate: editServicePorts("[{name: api, port: 8080, protocol: TCP, targetPort: 8080}]")},
			contributePorts(smbPort),
			testenv.Patch{Manager: "op", Type: types.JSONPatchType, Data: `[{"op":"remove","path":"/spec/ports/0"}]`},
			testenv.Expect{Ports: []string{"extra-smb:445/TCP->1445"}, Owners: map[string][]string{"": {"op/Update"}}},
		}
	}
	serviceScenario(begin(ofHeadless), contribute(serviceMetadata), testenv.Expect{Ports: []string{}},
		refused(contributePorts(smbPort), testenv.Conflict(`conflict with "op" using v1: .spec.ports`))).Run(t, testenv.Shared(t))
	serviceScenario(begin(ofHeadless), testenv.Patch{Manager: contributor, Type: types.JSONPatchType, Data: `[{"op":"remove","path":"/spec/ports/0"}]`},
		testenv.Expect{Ports: []string{}, Owners: map[string][]string{"": {}}}, contributePorts(smbPort)).Run(t, testenv.Shared(t))
}

func TestServiceFact38_EmptiedManagedFields(t *testing.T) {
	t.Parallel()
	emptied := testenv.Steps{declareService("", apiPort), contributePorts(nfsPort),
		testenv.Patch{Manager: "reset", Type: types.JSONPatchType, Data: `[{"op":"replace","path":"/metadata/managedFields","value":[{}]}]`}}
	t.Run("metadata alone fills them", func(t *testing.T) {
		t.Parallel()
		serviceScenario(emptied, contribute(serviceMetadata), testenv.Expect{Change: testenv.MetadataChanged, Owners: map[string][]string{"2049/TCP": {"before-first-apply/Update"}}}).Run(t, testenv.Shared(t))
	})
	t.Run("the same port", func(t *testing.T) {
		t.Parallel()
		serviceScenario(emptied, contributePorts(nfsPort)).Run(t, testenv.Shared(t))
	})
	t.Run("another target port", func(t *testing.T) {
		t.Parallel()
		serviceScenario(emptied, refused(contributePorts(nfsOther), testenv.Conflict(`"before-first-apply" using v1`, ".targetPort"))).Run(t, testenv.Shared(t))
	})
}

func TestServiceFact39_UnownedPorts(t *testing.T) {
	t.Parallel()
	unowned := func(spec, ports string) testenv.Steps {
		return testenv.Steps{declareService(spec, apiPort), contributePorts(ports), testenv.Disown{Manager: contributor}}
	}
	t.Run("stay with the owner's port", func(t *testing.T) {
		t.Parallel()
		serviceScenario(unowned("", nfsPort), declareService("", apiPort), testenv.Expect{Change: testenv.NothingChanged},
			refused(declareService("", "[]"), testenv.Invalid("spec.ports: Required value"))).Run(t, testenv.Shared(t))
	})
	t.Run("are taken by an apply", func(t *testing.T) {
		t.Parallel()
		serviceScenario(unowned("", "[{name: nfs, port: 2049, protocol: TCP, targetPort: 2049}]"), contributePorts(nfsPort),
			testenv.Expect{Ports: []string{"api:8080/TCP->8080", "extra-nfs:2049/TCP->12049"}}).Run(t, testenv.Shared(t))
	})
}

func TestServiceFact41_KubectlMergesPortsByNumber(t *testing.T) {
	t.Parallel()
	clientSide := testenv.KubectlClientSideApply + "/Update"
	serviceScenario(run(serviceDeclared(ofNodePort, apiPort), "apply", "--filename=-"), contributePorts(nfsPort),
		run(serviceDeclared(ofNodePort, "[{name: api, port: 8080}, {name: nfs-udp, port: 2049, protocol: UDP}]"), "apply", "--filename=-"),
		testenv.Expect{
			Ports:  []string{"api:8080/TCP->8080", "nfs-udp:2049/UDP->12049"},
			Owners: map[string][]string{"2049/TCP": {}, "2049/UDP": {clientSide}, "2049/UDP.nodePort": {clientSide}},
		},
		contributePorts(nfsPort),
		testenv.Expect{Ports: []string{"api:8080/TCP->8080", "nfs-udp:2049/UDP->12049", "extra-nfs:2049/TCP->12049"}},
	).Run(t, testenv.Shared(t))
}
