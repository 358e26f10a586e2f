package testenv_test

import (
	"fmt"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"github.com/portside-dev/portside/testenv"
)

const workloadYAML = `
apiVersion: apps/v1
kind: %s
metadata: {name: dittofs}
spec:
  selector: {matchLabels: {app: dittofs}}
  template:
    metadata: {labels: {app: dittofs}}
    spec:
      containers:
      - {name: dittofs, image: dittofs, ports: [{name: api, containerPort: 8080}]}
`

func TestPlayerCountsTheStartsOfARollout(t *testing.T) {
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
			if _, err := argo.Apply(t.Context(), fmt.Sprintf(workloadYAML, test.kind)); err != nil {
				t.Fatal(err)
			}
			if test.kind != "DaemonSet" {
				patch(t, argo, test.kind, ns, `{"spec":{"replicas":2}}`)
			}
			wantStarts(t, cp, test.kind, ns, test.pods, 1)

			patch(t, argo, test.kind, ns, `{"spec":{"template":{"metadata":{"annotations":{"changed":"true"}}}}}`)
			wantStarts(t, cp, test.kind, ns, 2*test.pods, 2)
		})
	}
}

// TestAddNode: a DaemonSet that tolerates the node's taint has a pod on it, and
// another has not.
func TestAddNode(t *testing.T) {
	t.Parallel()
	cp := testenv.WithControllers(t)
	ns := cp.Namespace(t)
	cp.AddNode(t, ns)
	argo := cp.Manager(testenv.ArgoCD).In(ns)
	if _, err := argo.Apply(t.Context(), fmt.Sprintf(workloadYAML, "DaemonSet")); err != nil {
		t.Fatal(err)
	}
	wantStarts(t, cp, "DaemonSet", ns, 1, 1)
	patch(t, argo, "DaemonSet", ns, `{"spec":{"template":{"spec":{"tolerations":[{"operator":"Exists","key":"`+ns+`"}]}}}}`)
	wantStarts(t, cp, "DaemonSet", ns, 3, 2)
	pods, err := cp.Kubectl(t.Context(), ns, "", "get", "pods", "-o", "jsonpath={.items[*].spec.nodeName}")
	if err != nil || !strings.Contains(pods, ns) || !strings.Contains(pods, "testenv") {
		t.Errorf("the pods run on %q: %v", pods, err)
	}
}

func patch(t *testing.T, m *testenv.Manager, kind, ns, data string) {
	t.Helper()
	if _, err := m.Patch(t.Context(), kind, ns, "dittofs", types.MergePatchType, []byte(data)); err != nil {
		t.Fatal(err)
	}
}

func wantStarts(t *testing.T, cp *testenv.ControlPlane, kind, ns string, starts, revisions int) {
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
