package testenv_test

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/fixture"
)

func workload(kind string, options ...fixture.Option) *unstructured.Unstructured {
	return fixture.Workload(kind, dittofs, append(options, fixture.Container(dittofs, "api:8080"))...)
}

func TestPodStarts(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		kind string
		pods int
	}{{"StatefulSet", 2}, {"Deployment", 2}, {"DaemonSet", 1}} {
		t.Run(test.kind, func(t *testing.T) {
			t.Parallel()
			cp := testenv.WithControllers(t)
			ns := cp.Namespace(t)
			argo := cp.Manager(testenv.ArgoCD).In(ns)
			var options []fixture.Option
			if test.kind != "DaemonSet" {
				options = append(options, fixture.Spec("replicas: 2"))
			}
			argo.MustApply(t, workload(test.kind, options...))
			expectStarts(t, cp, test.kind, ns, test.pods, 1)

			patch(t, argo, test.kind, ns, `{"spec":{"template":{"metadata":{"annotations":{"changed":"true"}}}}}`)
			expectStarts(t, cp, test.kind, ns, 2*test.pods, 2)
		})
	}
}

// TestAddNode expects a pod on the node for a DaemonSet that tolerates its taint,
// and none for another.
func TestAddNode(t *testing.T) {
	t.Parallel()
	cp := testenv.WithControllers(t)
	ns := cp.Namespace(t)
	cp.AddNode(t, ns)
	argo := cp.Manager(testenv.ArgoCD).In(ns)
	argo.MustApply(t, workload("DaemonSet"))
	expectStarts(t, cp, "DaemonSet", ns, 1, 1)
	patch(t, argo, "DaemonSet", ns, `{"spec":{"template":{"spec":{"tolerations":[{"operator":"Exists","key":"`+ns+`"}]}}}}`)
	expectStarts(t, cp, "DaemonSet", ns, 3, 2)
	nodes := cp.MustKubectl(t, ns, "", "get", "pods", "-o", "jsonpath={.items[*].spec.nodeName}")
	if !strings.Contains(nodes, ns) || !strings.Contains(nodes, "testenv") {
		t.Errorf("the pods run on %q", nodes)
	}
}

func patch(t *testing.T, m *testenv.Manager, kind, ns, data string) {
	t.Helper()
	m.MustPatch(t, kind, ns, "dittofs", types.MergePatchType, []byte(data))
}

func expectStarts(t *testing.T, cp *testenv.ControlPlane, kind, ns string, starts, revisions int) {
	t.Helper()
	cp.WaitRolledOut(t, kind, ns, "dittofs")
	if got := cp.PodStarts(ns); got != starts {
		t.Errorf("%d pods have started in the namespace, want %d", got, starts)
	}
	if got := cp.WorkloadPodStarts(kind, ns, "dittofs"); got != starts {
		t.Errorf("%d pods of the %s have started, want %d", got, kind, starts)
	}
	if got := cp.Revisions(t, kind, ns, "dittofs"); len(got) != revisions {
		t.Errorf("revisions %v, want %d", got, revisions)
	}
}
