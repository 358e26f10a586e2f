package facts_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/portside-dev/portside/testenv"
)

// serviceDeclared returns a Service as its owner declares it, with more fields of its
// spec and a YAML list of ports.
func serviceDeclared(spec, ports string) string {
	return fmt.Sprintf("{apiVersion: v1, kind: Service, metadata: {name: files}, spec: {%sselector: {app: files}, ports: %s}}", spec, ports)
}

// servicePorts returns the configuration of a manager that owns only ports of the
// Service.
func servicePorts(ports string) string {
	return fmt.Sprintf("{apiVersion: v1, kind: Service, metadata: {name: files}, spec: {ports: %s}}", ports)
}

const (
	serviceMetadata = "{apiVersion: v1, kind: Service, metadata: {name: files}}"

	ofNodePort     = "type: NodePort, "
	ofLoadBalancer = "type: LoadBalancer, "
	ofHeadless     = "clusterIP: None, "
	ofExternalName = "type: ExternalName, externalName: files.example.com, "

	apiPort  = "[{name: api, port: 8080}]"
	nfsPort  = "[{name: extra-nfs, port: 2049, protocol: TCP, targetPort: 12049}]"
	nfsOther = "[{name: extra-nfs, port: 2049, protocol: TCP, targetPort: 12050}]"
	twoPorts = "[{name: extra-smb, port: 445, protocol: TCP, targetPort: 1445}, {name: extra-nfs, port: 2049, protocol: TCP, targetPort: 12049}]"
	unnamed  = "[{port: 8080}]"
)

func serviceScenario(steps ...testenv.Step) testenv.Scenario {
	return testenv.Scenario{Kind: "Service", Name: files, Steps: steps}
}

// declareService is the owner's apply of a Service with these fields of its spec.
func declareService(spec, ports string) testenv.Apply {
	return testenv.Apply{Manager: owner, Object: serviceDeclared(spec, ports)}
}

// contributePorts is the contributor's apply of ports of the Service.
func contributePorts(ports string) testenv.Apply { return contribute(servicePorts(ports)) }

// serviceTypes are the fields of a spec by the type of the Service.
var serviceTypes = map[string]string{
	"ClusterIP": "", "NodePort": ofNodePort, "LoadBalancer": ofLoadBalancer, "headless": ofHeadless, "ExternalName": ofExternalName,
}

// eachType runs a scenario for each of these types of Services.
func eachType(t *testing.T, types string, scenario func(spec string) testenv.Scenario) {
	t.Helper()
	for name := range strings.FieldsSeq(types) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if name == "LoadBalancer" {
				notOnExisting(t, testenv.Shared(t), needsLoadBalancer)
			}
			scenario(serviceTypes[name]).Run(t, testenv.Shared(t))
		})
	}
}

// liveNodePorts returns the node ports of the Service by the names of its ports.
func liveNodePorts(ctx context.Context, cp *testenv.ControlPlane, ns string) (map[string]int64, error) {
	live, err := cp.Manager("testenv").Get(ctx, "Service", ns, files)
	if err != nil {
		return nil, err
	}
	return testenv.NodePorts(live), nil
}

func TestServiceFact01_Entries(t *testing.T) {
	t.Parallel()
	item := `.spec.ports[port=2049,protocol="TCP"]`
	serviceScenario(declareService(ofNodePort, apiPort), contributePorts(nfsPort),
		testenv.Expect{
			Ports:  []string{"api:8080/TCP->8080", "extra-nfs:2049/TCP->12049"},
			Owners: map[string][]string{"2049/TCP": {contributorApply}, "2049/TCP.nodePort": {}, "8080/TCP": {ownerApply}, "8080/TCP.nodePort": {}, "": {}},
		},
		testenv.Do{What: "the contributor's entry", Func: func(ctx context.Context, cp *testenv.ControlPlane, ns string) error {
			live, err := cp.Manager(contributor).Get(ctx, "Service", ns, files)
			if err != nil {
				return err
			}
			paths, err := testenv.Entry(live, contributor, "Apply")
			if err != nil {
				return err
			}
			return isExactly(item, item+".name", item+".port", item+".protocol", item+".targetPort")(paths)
		}},
	).Run(t, testenv.Shared(t))
}

func TestServiceFact02_ReapplyChangesNothing(t *testing.T) {
	t.Parallel()
	eachType(t, "ClusterIP NodePort LoadBalancer headless ExternalName", func(spec string) testenv.Scenario {
		return serviceScenario(
			declareService(spec, apiPort), contributePorts(twoPorts),
			contributePorts(twoPorts), testenv.Expect{Change: testenv.NothingChanged},
			declareService(spec, apiPort), testenv.Expect{Change: testenv.NothingChanged},
		)
	})
}

func TestServiceFact03_NoGeneration(t *testing.T) {
	t.Parallel()
	serviceScenario(declareService("", apiPort), contributePorts(nfsPort), testenv.Expect{Change: testenv.SpecChanged},
		testenv.Do{What: "the generation", Func: func(ctx context.Context, cp *testenv.ControlPlane, ns string) error {
			live, err := cp.Manager("testenv").Get(ctx, "Service", ns, files)
			if err == nil && live.GetGeneration() != 0 {
				return fmt.Errorf("generation %d", live.GetGeneration())
			}
			return err
		}},
	).Run(t, testenv.Shared(t))
}

func TestServiceFact04_UnnamedPortForbidsAnother(t *testing.T) {
	t.Parallel()
	serviceScenario(declareService("", unnamed),
		refused(contributePorts(nfsPort), testenv.Invalid(`Service "files" is invalid: spec.ports[0].name: Required value`)),
		refused(contributePorts("[{port: 2049, protocol: TCP}]"), testenv.Invalid("[spec.ports[0].name: Required value, spec.ports[1].name: Required value]")),
	).Run(t, testenv.Shared(t))
}

func TestServiceFact05_SecondPortForbidsUnnamed(t *testing.T) {
	t.Parallel()
	serviceScenario(declareService(ofHeadless, "[]"), contributePorts(nfsPort),
		refused(forced(declareService(ofHeadless, unnamed)), testenv.Invalid("spec.ports[1].name: Required value")),
		contribute(serviceMetadata), declareService(ofHeadless, apiPort), contributePorts(nfsPort),
		refused(forced(declareService(ofHeadless, unnamed)), testenv.Invalid("spec.ports[0].name: Required value")),
	).Run(t, testenv.Shared(t))
}

func TestServiceFact09_OneKeyTwice(t *testing.T) {
	t.Parallel()
	const twice = "[{name: a, port: 2049, protocol: TCP, targetPort: 1}, {name: b, port: 2049, protocol: TCP, targetPort: 2}]"
	serviceScenario(declareService("", apiPort),
		refused(contributePorts(twice), &testenv.Refusal{Code: 500, Text: []string{`duplicate entries for key [port=2049,protocol="TCP"]`}}),
		testenv.Update{Manager: testenv.KubectlEdit, Mutate: editServicePorts(twice), Refused: testenv.Invalid("spec.ports[1]: Duplicate value")},
	).Run(t, testenv.Shared(t))
}

func TestServiceFact10_Validation(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		port    string
		refused []string
	}{
		"a name of 63 characters":               {"{name: " + strings.Repeat("a", 63) + ", port: 2049}", nil},
		"a name of digits":                      {`{name: "2049", port: 2049}`, nil},
		"a name with a double hyphen":           {"{name: extra--nfs, port: 2049}", nil},
		"a name of 64 characters":               {"{name: " + strings.Repeat("a", 64) + ", port: 2049}", []string{"spec.ports[1].name: Invalid value", "must be no more than 63"}},
		"a name in upper case":                  {"{name: NFS, port: 2049}", []string{`spec.ports[1].name: Invalid value: "NFS"`, "a lowercase RFC 1123 label"}},
		"a name with a dot":                     {"{name: a.b, port: 2049}", []string{`spec.ports[1].name: Invalid value: "a.b"`, "must not contain dots"}},
		"the number 65536":                      {"{name: nfs, port: 65536}", []string{"spec.ports[1].port: Invalid value: 65536", "must be between 1 and 65535"}},
		"a protocol in lower case":              {"{name: nfs, port: 2049, protocol: tcp}", []string{`spec.ports[1].protocol: Unsupported value: "tcp"`}},
		"an application protocol with a prefix": {"{name: nfs, port: 2049, appProtocol: example.com/nfs}", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			apply := contributePorts("[" + test.port + "]")
			if test.refused != nil {
				apply = refused(apply, testenv.Invalid(test.refused...))
			}
			serviceScenario(declareService("", apiPort), apply).Run(t, testenv.Shared(t))
		})
	}
}

func TestServiceFact11_TargetPortNames(t *testing.T) {
	t.Parallel()
	for target, why := range map[string]string{
		"extra-789012345": "", "extra-7890123456": "must be no more than 15 characters", `"12049"`: "must contain at least one letter", "a--b": "must not contain consecutive hyphens",
	} {
		t.Run(target, func(t *testing.T) {
			t.Parallel()
			apply := contributePorts("[{name: extra-nfs, port: 2049, protocol: TCP, targetPort: " + target + "}]")
			if why != "" {
				apply = refused(apply, testenv.Invalid("spec.ports[1].targetPort: Invalid value", why))
			}
			serviceScenario(declareService("", apiPort), apply).Run(t, testenv.Shared(t))
		})
	}
}

func TestServiceFact12_AppliedOrderWins(t *testing.T) {
	t.Parallel()
	serviceScenario(declareService("", apiPort), contributePorts(twoPorts),
		testenv.Expect{Ports: []string{"api:8080/TCP->8080", "extra-smb:445/TCP->1445", "extra-nfs:2049/TCP->12049"}},
		contributePorts("[{name: extra-nfs, port: 2049, protocol: TCP, targetPort: 12049}, {name: extra-smb, port: 445, protocol: TCP, targetPort: 1445}]"),
		testenv.Expect{Change: testenv.SpecChanged, Ports: []string{"api:8080/TCP->8080", "extra-nfs:2049/TCP->12049", "extra-smb:445/TCP->1445"}},
	).Run(t, testenv.Shared(t))
}
