package testenv_test

import (
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/portside-dev/portside/testenv"
)

const conflictsOfOne = "Apply failed with 2 conflicts: conflicts with \"argocd-controller\":\n- .spec.ports[port=2049,protocol=\"TCP\"].name\n- .spec.ports[port=2049,protocol=\"TCP\"].targetPort"

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
	serviceFacts(argoService("", "[{name: nfs, port: 2049, targetPort: 2049}]"), refused(ourPorts(nfsPort), testenv.Conflict(conflictsOfOne))).Run(t, testenv.Shared(t))
	serviceFacts(argoService("", apiPort), ourPorts(nfsPort), patchService(`[{"op":"replace","path":"/spec/ports/1/targetPort","value":9999}]`),
		refused(ourPorts(nfsPort), testenv.Conflict(`Apply failed with 1 conflict: conflict with "kubectl-edit" using v1: .spec.ports[port=2049,protocol="TCP"].targetPort`)),
	).Run(t, testenv.Shared(t))
}

func TestServiceFact14_UnnamedItemWithTargetPortDiverts(t *testing.T) {
	t.Parallel()
	const owners = "[{name: api, port: 8080}, {name: nfs, port: 2049}]"
	serviceFacts(argoService("", owners),
		ourPorts("[{port: 2049, protocol: TCP, targetPort: 12049}]"),
		testenv.Expect{Ports: []string{"api:8080/TCP->8080", "nfs:2049/TCP->12049"}},
		argoService("", owners), testenv.Expect{Change: testenv.NothingChanged},
		us(serviceMetadata), testenv.Expect{Ports: []string{"api:8080/TCP->8080", "nfs:2049/TCP->2049"}},
	).Run(t, testenv.Shared(t))
}

func TestServiceFact15_UnnamedStaticPortTakesOurName(t *testing.T) {
	t.Parallel()
	named := "[{name: nfs, port: 2049, targetPort: 2049}]"
	serviceFacts(argoService("", "[{port: 2049}]"), ourPorts(nfsPort),
		testenv.Expect{Ports: []string{"adapter-nfs:2049/TCP->12049"}, Owners: map[string][]string{"2049/TCP": {argoApply, portsideApply}, "2049/TCP.name": {portsideApply}}},
		refused(argoService("", named), testenv.Conflict(".name", ".targetPort")),
		us(serviceMetadata), testenv.Expect{Ports: []string{":2049/TCP->2049"}},
		argoService("", named),
	).Run(t, testenv.Shared(t))
}

func TestServiceFact16_OneNameTwice(t *testing.T) {
	t.Parallel()
	serviceFacts(argoService("", "[{name: adapter-nfs, port: 3049}]"),
		refused(ourPorts(nfsPort), testenv.Invalid(`spec.ports[1].name: Duplicate value: "adapter-nfs"`)),
	).Run(t, testenv.Shared(t))
}

func TestServiceFact18_OwnerForcesItsNameOnOurKey(t *testing.T) {
	t.Parallel()
	serviceFacts(argoService("", apiPort), ourPorts(nfsPort),
		forced(argoService("", "[{name: api, port: 8080}, {name: nfs, port: 2049, targetPort: 2049}]")),
		testenv.Expect{Owners: map[string][]string{
			"2049/TCP": {argoApply, portsideApply}, "2049/TCP.port": {argoApply, portsideApply}, "2049/TCP.protocol": {portsideApply},
			"2049/TCP.name": {argoApply}, "2049/TCP.targetPort": {argoApply}}},
		refused(ourPorts(nfsPort), testenv.Conflict(conflictsOfOne)),
	).Run(t, testenv.Shared(t))
}

func TestServiceFact19_RenamedAndRetargeted(t *testing.T) {
	t.Parallel()
	t.Run("name", func(t *testing.T) {
		t.Parallel()
		serviceFacts(argoService("", apiPort), ourPorts(nfsPort), patchService(`[{"op":"replace","path":"/spec/ports/1/name","value":"backup"}]`),
			refused(ourPorts(nfsPort), testenv.Conflict(".name")),
			ourPorts("[{port: 2049, protocol: TCP, targetPort: 12049}]"), testenv.Expect{Change: testenv.NothingChanged},
		).Run(t, testenv.Shared(t))
	})
	t.Run("targetPort", func(t *testing.T) {
		t.Parallel()
		serviceFacts(argoService("", apiPort), ourPorts(nfsPort), patchService(`[{"op":"replace","path":"/spec/ports/1/targetPort","value":9999}]`),
			refused(ourPorts(nfsPort), testenv.Conflict(".targetPort")),
			ourPorts("[{name: adapter-nfs, port: 2049, protocol: TCP}]"),
			testenv.Expect{Change: testenv.NothingChanged, Ports: []string{"api:8080/TCP->8080", "adapter-nfs:2049/TCP->9999"}},
		).Run(t, testenv.Shared(t))
	})
}

func TestServiceFact20_OmittedTargetPort(t *testing.T) {
	t.Parallel()
	const omitted = "[{name: adapter-nfs, port: 2049, protocol: TCP}]"
	defaulted := testenv.Expect{Change: testenv.SpecChanged, Ports: []string{"api:8080/TCP->8080", "adapter-nfs:2049/TCP->2049"}, Owners: map[string][]string{"2049/TCP.targetPort": {}}}
	serviceFacts(argoService("", apiPort), ourPorts(omitted), defaulted,
		ourPorts(omitted), testenv.Expect{Change: testenv.NothingChanged},
		ourPorts(nfsPort), testenv.Expect{Change: testenv.SpecChanged},
		ourPorts("[{name: adapter-nfs, port: 2049, protocol: TCP, targetPort: nfs}]"), testenv.Expect{Change: testenv.SpecChanged},
		ourPorts(nfsPort), testenv.Expect{Change: testenv.SpecChanged},
		ourPorts(omitted), defaulted,
	).Run(t, testenv.Shared(t))
}

func TestServiceFact21_RefusalsListed(t *testing.T) {
	t.Parallel()
	const invalid = "{name: adapter-nfs, port: 2049, protocol: TCP}, {name: x.y, port: 2050, protocol: TCP}"
	serviceFacts(argoService("", "[{name: adapter-nfs, port: 3049}, {name: nfs, port: 2051}]"),
		refused(ourPorts("["+invalid+"]"), testenv.Invalid(
			`[spec.ports[2].name: Duplicate value: "adapter-nfs", spec.ports[3].name: Invalid value: "x.y": must not contain dots]`)),
		// A conflict hides them.
		refused(ourPorts("["+invalid+", {name: adapter-smb, port: 2051, protocol: TCP}]"), testenv.Conflict(`Apply failed with 1 conflict: conflict with "argocd-controller": .spec.ports[port=2051,protocol="TCP"].name`)),
	).Run(t, testenv.Shared(t))
}
