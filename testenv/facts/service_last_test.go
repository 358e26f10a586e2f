package facts_test

import (
	"fmt"
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"github.com/portside-dev/portside/testenv"
)

func withUID(uid, spec string) testenv.Apply {
	return contribute(fmt.Sprintf("{apiVersion: v1, kind: Service, metadata: {name: files, uid: %s}%s}", uid, spec))
}

func TestServiceFact29_MissingService(t *testing.T) {
	t.Parallel()
	const uid, ports = "11111111-2222-3333-4444-555555555555", ", spec: {ports: " + nfsPort + "}"
	t.Run("is created without a uid", func(t *testing.T) {
		t.Parallel()
		serviceScenario(refused(contribute(serviceMetadata), testenv.Invalid("spec.ports: Required value")), testenv.Expect{Gone: true},
			contributePorts(nfsPort), testenv.Expect{Ports: []string{"extra-nfs:2049/TCP->12049"}}).Run(t, testenv.Shared(t))
	})
	t.Run("is not created with a uid", func(t *testing.T) {
		t.Parallel()
		serviceScenario(refused(withUID(uid, ports), testenv.Conflict("uid mismatch")), testenv.Expect{Gone: true}).Run(t, testenv.Shared(t))
	})
	t.Run("recreated, refuses the old uid", func(t *testing.T) {
		t.Parallel()
		serviceScenario(declareService("", apiPort),
			refused(withUID(uid, ports), testenv.Invalid("metadata.uid: Invalid value", "field is immutable")),
			refused(withUID(uid, ""), testenv.Invalid("metadata.uid: Invalid value", "field is immutable"))).Run(t, testenv.Shared(t))
	})
}

func TestServiceFact30_FirstPort(t *testing.T) {
	t.Parallel()
	eachType(t, "ClusterIP NodePort LoadBalancer", func(spec string) testenv.Scenario {
		return serviceScenario(refused(declareService(spec, "[]"), testenv.Invalid("spec.ports: Required value")), testenv.Expect{Gone: true})
	})
	eachType(t, "headless ExternalName", func(spec string) testenv.Scenario {
		return serviceScenario(declareService(spec, "[]"), contributePorts(nfsPort), testenv.Expect{Ports: []string{"extra-nfs:2049/TCP->12049"}})
	})
}

func TestServiceFact31_OwnerDropsItsPorts(t *testing.T) {
	t.Parallel()
	for name, dropped := range map[string]string{
		"an empty list": serviceDeclared("", "[]"), "no list": "{apiVersion: v1, kind: Service, metadata: {name: files}, spec: {selector: {app: files}}}",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			serviceScenario(declareService("", apiPort), contributePorts(nfsPort), by(owner, testenv.Apply{Object: dropped}),
				testenv.Expect{Ports: []string{"extra-nfs:2049/TCP->12049"}}).Run(t, testenv.Shared(t))
		})
	}
}

func TestServiceFact32_LastPort(t *testing.T) {
	t.Parallel()
	last := func(spec string) testenv.Steps {
		return testenv.Steps{declareService(spec, apiPort), contributePorts(nfsPort), declareService(spec, "[]")}
	}
	remove := testenv.Patch{Manager: contributor, Type: types.JSONPatchType, Data: `[{"op":"remove","path":"/spec/ports/0"}]`}
	eachType(t, "ClusterIP NodePort LoadBalancer", func(spec string) testenv.Scenario {
		kept := testenv.Invalid(`Service "files" is invalid: spec.ports: Required value`)
		refusedRemove := remove
		refusedRemove.Refused = kept
		return serviceScenario(last(spec),
			refused(contribute(serviceMetadata), kept), refused(contributePorts("[]"), kept), refusedRemove,
			declareService(spec, apiPort), contribute(serviceMetadata), testenv.Expect{Ports: []string{"api:8080/TCP->8080"}})
	})
	eachType(t, "headless ExternalName", func(spec string) testenv.Scenario {
		return serviceScenario(last(spec), contribute(serviceMetadata), testenv.Expect{Ports: []string{}}, contributePorts(nfsPort), remove, testenv.Expect{Ports: []string{}})
	})
}

func TestServiceFact33_MovingPortToOwnedKey(t *testing.T) {
	t.Parallel()
	serviceScenario(declareService("", "[{name: nfs, port: 111, targetPort: 2049}]"), contributePorts(nfsPort),
		refused(declareService("", "[{name: nfs, port: 2049, targetPort: 2049}]"), testenv.Conflict("Apply failed with 2 conflicts", ".name", ".targetPort")),
	).Run(t, testenv.Shared(t))
}

func TestServiceFact34_GivingUpNameOfUnnamedPort(t *testing.T) {
	t.Parallel()
	serviceScenario(declareService("", "[{port: 2049}]"), contributePorts(twoPorts),
		testenv.Expect{Owners: map[string][]string{"2049/TCP": {ownerApply, contributorApply}, "2049/TCP.name": {contributorApply}}},
		refused(contributePorts("[{name: extra-smb, port: 445, protocol: TCP, targetPort: 1445}]"), testenv.Invalid("spec.ports[1].name: Required value")),
		contribute(serviceMetadata), testenv.Expect{Ports: []string{":2049/TCP->2049"}},
	).Run(t, testenv.Shared(t))
}
