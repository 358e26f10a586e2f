package facts_test

import (
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"

	"github.com/portside-dev/portside/testenv"
)

func TestServiceFact07_OmittedProtocol(t *testing.T) {
	t.Parallel()
	serviceScenario(declareService("", "[{name: api, port: 8080}, {name: nfs, port: 2049}]"),
		testenv.Expect{Owners: map[string][]string{"2049/TCP": {ownerApply}, "2049/TCP.protocol": {}}},
		refused(contributePorts(nfsPort), testenv.Conflict("Apply failed with 1 conflict", `.spec.ports[port=2049,protocol="TCP"].name`)),
		declareService("", "[{name: api, port: 8080}, {name: nfs, port: 2049, protocol: TCP}]"),
		testenv.Expect{Change: testenv.MetadataChanged, Owners: map[string][]string{"2049/TCP": {ownerApply}, "2049/TCP.protocol": {ownerApply}}},
	).Run(t, testenv.Shared(t))
}

func TestServiceFact08_TwoProtocolsOnOneNumber(t *testing.T) {
	t.Parallel()
	udp := declareService(ofNodePort, "[{name: dns, port: 53, protocol: UDP}]")
	tcp := contributePorts("[{name: dns-tcp, port: 53, protocol: TCP}]")
	serviceScenario(udp, tcp,
		testenv.Expect{
			Ports:  []string{"dns:53/UDP->53", "dns-tcp:53/TCP->53"},
			Owners: map[string][]string{"53/UDP": {ownerApply}, "53/TCP": {contributorApply}},
		},
		udp, testenv.Expect{Change: testenv.NothingChanged},
		tcp, testenv.Expect{Change: testenv.NothingChanged},
		contributePorts("[{name: dns-tcp, port: 53, protocol: TCP, targetPort: 5353}]"),
		testenv.Expect{Ports: []string{"dns:53/UDP->53", "dns-tcp:53/TCP->5353"}},
		contribute(serviceMetadata), testenv.Expect{Ports: []string{"dns:53/UDP->53"}},
		tcp, testenv.Expect{Ports: []string{"dns:53/UDP->53", "dns-tcp:53/TCP->53"}},
	).Run(t, testenv.Shared(t))
}

func TestServiceFact17_ChangingCoOwnedPort(t *testing.T) {
	t.Parallel()
	coOwned := testenv.Steps{
		declareService("", apiPort), contributePorts(nfsPort), by(third, contributePorts(nfsPort)),
		testenv.Expect{Owners: map[string][]string{"2049/TCP": {contributorApply, thirdApply}}},
	}
	renumbered := contributePorts("[{name: extra-nfs, port: 2050, protocol: TCP, targetPort: 12049}]")
	t.Run("number", func(t *testing.T) {
		t.Parallel()
		duplicate := testenv.Invalid(`Duplicate value: "extra-nfs"`)
		serviceScenario(coOwned, refused(renumbered, duplicate), refused(by(third, forced(renumbered)), duplicate)).Run(t, testenv.Shared(t))
	})
	t.Run("targetPort", func(t *testing.T) {
		t.Parallel()
		retargeted := by(third, contributePorts(nfsOther))
		serviceScenario(coOwned, refused(retargeted, testenv.Conflict(`conflict with "contributor"`, ".targetPort")),
			forced(retargeted), testenv.Expect{Owners: map[string][]string{"2049/TCP.targetPort": {thirdApply}}},
			refused(contributePorts(nfsPort), testenv.Conflict(`conflict with "third"`, ".targetPort")),
		).Run(t, testenv.Shared(t))
	})
}

func TestServiceFact43_ReplacingTheList(t *testing.T) {
	t.Parallel()
	replacement, err := yaml.YAMLToJSON([]byte(serviceDeclared("", apiPort)))
	if err != nil {
		t.Fatal(err)
	}
	for name, replace := range map[string]testenv.Step{
		"JSON merge patch": testenv.Patch{
			Manager: testenv.KubectlEdit, Type: types.MergePatchType,
			Data: `{"spec":{"ports":[{"name":"api","port":8080,"protocol":"TCP"}]}}`,
		},
		"kubectl replace": run(string(replacement), "replace", "--filename=-"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			serviceScenario(declareService("", apiPort), contributePorts(nfsPort), replace,
				testenv.Expect{Ports: []string{"api:8080/TCP->8080"}, Owners: map[string][]string{"2049/TCP": {}}},
			).Run(t, testenv.Shared(t))
		})
	}
	t.Run("not kubectl apply --server-side", func(t *testing.T) {
		t.Parallel()
		serviceScenario(run(serviceDeclared("", apiPort), "apply", "--server-side", "--filename=-"), contributePorts(nfsPort),
			run(serviceDeclared("", "[{name: api, port: 8081}]"), "apply", "--server-side", "--filename=-"),
			testenv.Expect{Ports: []string{"extra-nfs:2049/TCP->12049", "api:8081/TCP->8081"}, Owners: map[string][]string{"2049/TCP": {contributorApply}}},
		).Run(t, testenv.Shared(t))
	})
}

func TestServiceFact44_ReadModifyWrite(t *testing.T) {
	t.Parallel()
	begin := testenv.Steps{declareService(ofNodePort, apiPort), contributePorts(nfsPort)}
	t.Run("with the port leaves its owner", func(t *testing.T) {
		t.Parallel()
		serviceScenario(begin, edit(operator, func(u *unstructured.Unstructured) { u.SetLabels(map[string]string{"edited": "true"}) }),
			testenv.Expect{Change: testenv.MetadataChanged, Owners: map[string][]string{"2049/TCP": {contributorApply}}},
		).Run(t, testenv.Shared(t))
	})
	t.Run("without the port removes it", func(t *testing.T) {
		t.Parallel()
		serviceScenario(begin, edit(operator, editServicePorts("[{name: api, port: 8080, protocol: TCP}]")),
			testenv.Expect{Ports: []string{"api:8080/TCP->8080"}},
		).Run(t, testenv.Shared(t))
	})
	t.Run("with another number takes the port", func(t *testing.T) {
		t.Parallel()
		serviceScenario(begin,
			edit(operator, func(u *unstructured.Unstructured) {
				ports, _, _ := unstructured.NestedSlice(u.Object, "spec", "ports")
				ports[1].(map[string]any)["port"] = int64(2050)
				_ = unstructured.SetNestedSlice(u.Object, ports, "spec", "ports")
			}),
			testenv.Expect{Owners: map[string][]string{"2050/TCP": {operatorUpdate}, "2050/TCP.nodePort": {operatorUpdate}}},
			refused(contributePorts(nfsPort), testenv.Invalid(`Duplicate value: "extra-nfs"`)),
		).Run(t, testenv.Shared(t))
	})
}
