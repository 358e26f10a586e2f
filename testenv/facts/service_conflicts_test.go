package facts_test

import (
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/portside-dev/portside/testenv"
)

const conflictsOfOne = "Apply failed with 2 conflicts: conflicts with \"owner\":\n- .spec.ports[port=2049,protocol=\"TCP\"].name\n- .spec.ports[port=2049,protocol=\"TCP\"].targetPort"

// editServicePorts replaces the ports of a Service.
func editServicePorts(ports string) func(*unstructured.Unstructured) {
	return func(u *unstructured.Unstructured) { testenv.SetPorts(u, "", ports) }
}

// patchService patches the Service as kubectl edit does.
func patchService(patch string) testenv.Patch {
	return testenv.Patch{Manager: testenv.KubectlEdit, Type: types.JSONPatchType, Data: patch}
}

func TestServiceFact13_OneKeyConflicts(t *testing.T) {
	t.Parallel()
	serviceScenario(declareService("", "[{name: nfs, port: 2049, targetPort: 2049}]"), refused(contributePorts(nfsPort), testenv.Conflict(conflictsOfOne))).Run(t, testenv.Shared(t))
	serviceScenario(declareService("", apiPort), contributePorts(nfsPort), patchService(`[{"op":"replace","path":"/spec/ports/1/targetPort","value":9999}]`),
		refused(contributePorts(nfsPort), testenv.Conflict(`Apply failed with 1 conflict: conflict with "kubectl-edit" using v1: .spec.ports[port=2049,protocol="TCP"].targetPort`)),
	).Run(t, testenv.Shared(t))
}

func TestServiceFact14_UnnamedItemWithTargetPortDiverts(t *testing.T) {
	t.Parallel()
	const owners = "[{name: api, port: 8080}, {name: nfs, port: 2049}]"
	serviceScenario(declareService("", owners),
		contributePorts("[{port: 2049, protocol: TCP, targetPort: 12049}]"),
		testenv.Expect{Ports: []string{"api:8080/TCP->8080", "nfs:2049/TCP->12049"}},
		declareService("", owners), testenv.Expect{Change: testenv.NothingChanged},
		contribute(serviceMetadata), testenv.Expect{Ports: []string{"api:8080/TCP->8080", "nfs:2049/TCP->2049"}},
	).Run(t, testenv.Shared(t))
}

func TestServiceFact15_UnnamedPortTakesName(t *testing.T) {
	t.Parallel()
	named := "[{name: nfs, port: 2049, targetPort: 2049}]"
	serviceScenario(declareService("", "[{port: 2049}]"), contributePorts(nfsPort),
		testenv.Expect{Ports: []string{"extra-nfs:2049/TCP->12049"}, Owners: map[string][]string{"2049/TCP": {ownerApply, contributorApply}, "2049/TCP.name": {contributorApply}}},
		refused(declareService("", named), testenv.Conflict(".name", ".targetPort")),
		contribute(serviceMetadata), testenv.Expect{Ports: []string{":2049/TCP->2049"}},
		declareService("", named),
	).Run(t, testenv.Shared(t))
}

func TestServiceFact16_OneNameTwice(t *testing.T) {
	t.Parallel()
	serviceScenario(declareService("", "[{name: extra-nfs, port: 3049}]"),
		refused(contributePorts(nfsPort), testenv.Invalid(`spec.ports[1].name: Duplicate value: "extra-nfs"`)),
	).Run(t, testenv.Shared(t))
}

func TestServiceFact18_ForcedNameLeavesKeyShared(t *testing.T) {
	t.Parallel()
	serviceScenario(declareService("", apiPort), contributePorts(nfsPort),
		forced(declareService("", "[{name: api, port: 8080}, {name: nfs, port: 2049, targetPort: 2049}]")),
		testenv.Expect{Owners: map[string][]string{
			"2049/TCP": {ownerApply, contributorApply}, "2049/TCP.port": {ownerApply, contributorApply}, "2049/TCP.protocol": {contributorApply},
			"2049/TCP.name": {ownerApply}, "2049/TCP.targetPort": {ownerApply}}},
		refused(contributePorts(nfsPort), testenv.Conflict(conflictsOfOne)),
	).Run(t, testenv.Shared(t))
}

func TestServiceFact19_RenamedAndRetargeted(t *testing.T) {
	t.Parallel()
	t.Run("name", func(t *testing.T) {
		t.Parallel()
		serviceScenario(declareService("", apiPort), contributePorts(nfsPort), patchService(`[{"op":"replace","path":"/spec/ports/1/name","value":"backup"}]`),
			refused(contributePorts(nfsPort), testenv.Conflict(".name")),
			contributePorts("[{port: 2049, protocol: TCP, targetPort: 12049}]"), testenv.Expect{Change: testenv.NothingChanged},
		).Run(t, testenv.Shared(t))
	})
	t.Run("targetPort", func(t *testing.T) {
		t.Parallel()
		serviceScenario(declareService("", apiPort), contributePorts(nfsPort), patchService(`[{"op":"replace","path":"/spec/ports/1/targetPort","value":9999}]`),
			refused(contributePorts(nfsPort), testenv.Conflict(".targetPort")),
			contributePorts("[{name: extra-nfs, port: 2049, protocol: TCP}]"),
			testenv.Expect{Change: testenv.NothingChanged, Ports: []string{"api:8080/TCP->8080", "extra-nfs:2049/TCP->9999"}},
		).Run(t, testenv.Shared(t))
	})
}

func TestServiceFact20_OmittedTargetPort(t *testing.T) {
	t.Parallel()
	const omitted = "[{name: extra-nfs, port: 2049, protocol: TCP}]"
	defaulted := testenv.Expect{Change: testenv.SpecChanged, Ports: []string{"api:8080/TCP->8080", "extra-nfs:2049/TCP->2049"}, Owners: map[string][]string{"2049/TCP.targetPort": {}}}
	serviceScenario(declareService("", apiPort), contributePorts(omitted), defaulted,
		contributePorts(omitted), testenv.Expect{Change: testenv.NothingChanged},
		contributePorts(nfsPort), testenv.Expect{Change: testenv.SpecChanged},
		contributePorts("[{name: extra-nfs, port: 2049, protocol: TCP, targetPort: nfs}]"), testenv.Expect{Change: testenv.SpecChanged},
		contributePorts(nfsPort), testenv.Expect{Change: testenv.SpecChanged},
		contributePorts(omitted), defaulted,
	).Run(t, testenv.Shared(t))
}

func TestServiceFact21_RefusalsListed(t *testing.T) {
	t.Parallel()
	const invalid = "{name: extra-nfs, port: 2049, protocol: TCP}, {name: x.y, port: 2050, protocol: TCP}"
	serviceScenario(declareService("", "[{name: extra-nfs, port: 3049}, {name: nfs, port: 2051}]"),
		refused(contributePorts("["+invalid+"]"), testenv.Invalid(
			`[spec.ports[2].name: Duplicate value: "extra-nfs", spec.ports[3].name: Invalid value: "x.y": must not contain dots]`)),
		// A conflict hides them.
		refused(contributePorts("["+invalid+", {name: extra-smb, port: 2051, protocol: TCP}]"), testenv.Conflict(`Apply failed with 1 conflict: conflict with "owner": .spec.ports[port=2051,protocol="TCP"].name`)),
	).Run(t, testenv.Shared(t))
}
