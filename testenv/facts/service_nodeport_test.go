package facts_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/portside-dev/portside/testenv"
)

// nodePort is a step after which the node port of a port, now of this name, is the one
// that it had before it under another, or is not.
func nodePort(step testenv.Apply, was, is string, kept bool) testenv.Do {
	return testenv.Do{What: step.String(), Func: func(ctx context.Context, cp *testenv.ControlPlane, ns string) error {
		before, err := liveNodePorts(ctx, cp, ns)
		if err != nil {
			return err
		}
		if _, err := cp.Manager(step.Manager).In(ns).Apply(ctx, step.Object); err != nil {
			return err
		}
		after, err := liveNodePorts(ctx, cp, ns)
		if err == nil && (before[was] == 0 || (after[is] == before[was]) != kept) {
			err = fmt.Errorf("node ports %v, then %v", before, after)
		}
		return err
	}}
}

func ofNFS(name string, number, target int) testenv.Apply {
	return contributePorts(fmt.Sprintf("[{name: %s, port: %d, protocol: TCP, targetPort: %d}]", name, number, target))
}

func TestServiceFact22_NodePortStays(t *testing.T) {
	t.Parallel()
	eachType(t, "NodePort LoadBalancer", func(spec string) testenv.Scenario {
		const nfs = "extra-nfs"
		return serviceScenario(declareService(spec, apiPort), contributePorts(nfsPort),
			nodePort(ofNFS(nfs, 2049, 12049), nfs, nfs, true),
			nodePort(ofNFS(nfs, 2049, 12050), nfs, nfs, true),
			nodePort(ofNFS("extra-nfs4", 2049, 12050), nfs, "extra-nfs4", true),
			nodePort(ofNFS("extra-nfs4", 2050, 12050), "extra-nfs4", "extra-nfs4", true),
			nodePort(contributePorts("[{name: extra-nfs4, port: 2050, protocol: UDP, targetPort: 12050}]"), "extra-nfs4", "extra-nfs4", true),
			nodePort(declareService(spec, apiPort), "extra-nfs4", "extra-nfs4", true),
			nodePort(declareService(spec, "[{name: api, port: 8081}]"), "extra-nfs4", "extra-nfs4", true),
		)
	})
}

func TestServiceFact23_NodePortByKeyElseName(t *testing.T) {
	t.Parallel()
	serviceScenario(declareService(ofNodePort, apiPort), contributePorts(nfsPort),
		nodePort(ofNFS("extra-nfs4", 2050, 12049), "extra-nfs", "extra-nfs4", false),
		contributePorts(twoPorts),
		// The key of another port: the node port stays with the key.
		nodePort(contributePorts("[{name: extra-nfs, port: 445, protocol: TCP}, {name: extra-smb, port: 446, protocol: TCP}]"), "extra-smb", "extra-nfs", true),
	).Run(t, testenv.Shared(t))
}

func TestServiceFact24_NodePortOfRemovedPort(t *testing.T) {
	t.Parallel()
	var was int64
	serviceScenario(declareService(ofNodePort, apiPort), contributePorts(nfsPort),
		testenv.Do{What: "the node port", Func: func(ctx context.Context, cp *testenv.ControlPlane, ns string) error {
			live, err := liveNodePorts(ctx, cp, ns)
			was = live["extra-nfs"]
			return err
		}},
		contribute(serviceMetadata),
		testenv.Do{What: "another port takes the number", Func: func(ctx context.Context, cp *testenv.ControlPlane, ns string) error {
			_, err := cp.Manager(third).In(ns).Apply(ctx, servicePorts(fmt.Sprintf("[{name: third, port: 1, nodePort: %d}]", was)))
			return err
		}},
		contributePorts(nfsPort),
		testenv.Do{What: "another node port", Func: func(ctx context.Context, cp *testenv.ControlPlane, ns string) error {
			live, err := liveNodePorts(ctx, cp, ns)
			if err == nil && (live["third"] != was || live["extra-nfs"] == was) {
				err = fmt.Errorf("node ports %v, was %d", live, was)
			}
			return err
		}},
	).Run(t, testenv.Shared(t))
}

func TestServiceFact26_DryRunNodePort(t *testing.T) {
	t.Parallel()
	cp := testenv.Shared(t)
	ns := cp.Namespace(t)
	serviceScenario(declareService(ofNodePort, apiPort)).RunIn(t, cp, ns)
	body, err := testenv.Object(servicePorts(nfsPort))
	if err != nil {
		t.Fatal(err)
	}
	patch, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := kubernetes.NewForConfigOrDie(cp.Config()).CoreV1().Services(ns).Patch(t.Context(), files, types.ApplyYAMLPatchType, patch,
		metav1.PatchOptions{FieldManager: contributor, DryRun: []string{metav1.DryRunAll}})
	if err != nil {
		t.Fatal(err)
	}
	if number := answer.Spec.Ports[1].NodePort; number <= 32767 {
		t.Errorf("a dry run answers the node port %d, want one outside the range", number)
	}
}

func TestServiceFact27_PinnedNodePorts(t *testing.T) {
	t.Parallel()
	cp := testenv.Shared(t)
	ns := cp.Namespace(t)
	serviceScenario(declareService(ofNodePort, apiPort)).RunIn(t, cp, ns)
	live, err := liveNodePorts(t.Context(), cp, ns)
	if err != nil {
		t.Fatal(err)
	}
	pinned := fmt.Sprintf("[{name: extra-nfs, port: 2049, protocol: TCP, nodePort: %d}]", live["api"])
	serviceScenario(
		refused(contributePorts(pinned), &testenv.Refusal{Code: 500, Text: []string{"duplicate nodePort: {TCP "}}),
		by("git", testenv.Apply{Object: strings.Replace(serviceDeclared(ofNodePort, pinned), "name: files", "name: other", 1), Refused: testenv.Invalid(
			fmt.Sprintf("spec.ports[0].nodePort: Invalid value: %d: provided port is already allocated", live["api"]))}),
	).RunIn(t, cp, ns)
}
