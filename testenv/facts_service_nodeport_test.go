package testenv_test

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
	return ourPorts(fmt.Sprintf("[{name: %s, port: %d, protocol: TCP, targetPort: %d}]", name, number, target))
}

func TestServiceFact22_NodePortStays(t *testing.T) {
	t.Parallel()
	eachType(t, "NodePort LoadBalancer", func(spec string) testenv.Scenario {
		const nfs = "adapter-nfs"
		return serviceFacts(argoService(spec, apiPort), ourPorts(nfsPort),
			nodePort(ofNFS(nfs, 2049, 12049), nfs, nfs, true),
			nodePort(ofNFS(nfs, 2049, 12050), nfs, nfs, true),
			nodePort(ofNFS("adapter-nfs4", 2049, 12050), nfs, "adapter-nfs4", true),
			nodePort(ofNFS("adapter-nfs4", 2050, 12050), "adapter-nfs4", "adapter-nfs4", true),
			nodePort(ourPorts("[{name: adapter-nfs4, port: 2050, protocol: UDP, targetPort: 12050}]"), "adapter-nfs4", "adapter-nfs4", true),
			nodePort(argoService(spec, apiPort), "adapter-nfs4", "adapter-nfs4", true),
			nodePort(argoService(spec, "[{name: api, port: 8081}]"), "adapter-nfs4", "adapter-nfs4", true),
		)
	})
}

func TestServiceFact23_NodePortByKeyElseName(t *testing.T) {
	t.Parallel()
	serviceFacts(argoService(ofNodePort, apiPort), ourPorts(nfsPort),
		nodePort(ofNFS("adapter-nfs4", 2050, 12049), "adapter-nfs", "adapter-nfs4", false),
		ourPorts(twoPorts),
		// The key of another of ours: its number stays with the key.
		nodePort(ourPorts("[{name: adapter-nfs, port: 445, protocol: TCP}, {name: adapter-smb, port: 446, protocol: TCP}]"), "adapter-smb", "adapter-nfs", true),
	).Run(t, testenv.Shared(t))
}

func TestServiceFact24_NodePortOfRemovedPort(t *testing.T) {
	t.Parallel()
	var was int64
	serviceFacts(argoService(ofNodePort, apiPort), ourPorts(nfsPort),
		testenv.Do{What: "the node port", Func: func(ctx context.Context, cp *testenv.ControlPlane, ns string) error {
			live, err := liveNodePorts(ctx, cp, ns)
			was = live["adapter-nfs"]
			return err
		}},
		us(serviceMetadata),
		testenv.Do{What: "another port takes the number", Func: func(ctx context.Context, cp *testenv.ControlPlane, ns string) error {
			_, err := cp.Manager(backup).In(ns).Apply(ctx, servicePorts(fmt.Sprintf("[{name: backup, port: 1, nodePort: %d}]", was)))
			return err
		}},
		ourPorts(nfsPort),
		testenv.Do{What: "another node port", Func: func(ctx context.Context, cp *testenv.ControlPlane, ns string) error {
			live, err := liveNodePorts(ctx, cp, ns)
			if err == nil && (live["backup"] != was || live["adapter-nfs"] == was) {
				err = fmt.Errorf("node ports %v, was %d", live, was)
			}
			return err
		}},
	).Run(t, testenv.Shared(t))
}

func TestServiceFact26_DryRunInventsNodePort(t *testing.T) {
	t.Parallel()
	cp := testenv.Shared(t)
	ns := cp.Namespace(t)
	serviceFacts(argoService(ofNodePort, apiPort)).RunIn(t, cp, ns)
	body, err := testenv.Object(servicePorts(nfsPort))
	if err != nil {
		t.Fatal(err)
	}
	patch, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := kubernetes.NewForConfigOrDie(cp.Config()).CoreV1().Services(ns).Patch(t.Context(), dittofs, types.ApplyYAMLPatchType, patch,
		metav1.PatchOptions{FieldManager: testenv.Portside, DryRun: []string{metav1.DryRunAll}})
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
	serviceFacts(argoService(ofNodePort, apiPort)).RunIn(t, cp, ns)
	live, err := liveNodePorts(t.Context(), cp, ns)
	if err != nil {
		t.Fatal(err)
	}
	pinned := fmt.Sprintf("[{name: adapter-nfs, port: 2049, protocol: TCP, nodePort: %d}]", live["api"])
	serviceFacts(
		refused(ourPorts(pinned), &testenv.Refusal{Code: 500, Text: []string{"duplicate nodePort: {TCP "}}),
		by("git", testenv.Apply{Object: strings.Replace(serviceDeclared(ofNodePort, pinned), "name: dittofs", "name: other", 1), Refused: testenv.Invalid(
			fmt.Sprintf("spec.ports[0].nodePort: Invalid value: %d: provided port is already allocated", live["api"]))}),
	).RunIn(t, cp, ns)
}
