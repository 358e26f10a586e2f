package install_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/cmd/portside/internal/install"
	"github.com/portside-dev/portside/testenv"
)

// groups are what an installation consists of, and what is deleted together.
var groups = map[string][]string{
	"namespace":  {"Namespace"},
	"RBAC":       {"ServiceAccount", "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"},
	"policies":   {"ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding", "MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding"},
	"Deployment": {"Deployment", "PodDisruptionBudget", "Service"},
	crdGroup:     {"CustomResourceDefinition"},
}

const crdGroup = "CRD"

// TestUninstall removes an installation, one group of objects after the other,
// while a workload has ports of ours: no pod restarts, the ports stay, and no
// namespace is stuck.
//
// Ten of the 120 orders show it: of each two groups, the one and the other goes
// first, and each of the four without the CRD goes at each place. What a deletion
// comes to depends on whether one other group is gone, and never on two:
//
//   - the namespace takes the ServiceAccount, the Roles in it and the Deployment
//     along, and is gone only once they are;
//   - the policies know the ServiceAccount by its name, whether or not it is
//     there, and the name policy asks RBAC about whoever writes under ours;
//   - the pods of the Deployment lose what RBAC granted, or the CRD that they
//     watch;
//   - the CRD takes the AdapterSets along, which the guard is about too.
func TestUninstall(t *testing.T) {
	cp := testenv.WithControllers(t)
	rest := slices.Sorted(maps.Keys(groups))
	rest = slices.DeleteFunc(rest, func(group string) bool { return group == crdGroup })
	// The CRD is one for all installations, so those that delete it come one
	// after the other, with an AdapterSet; and the others leave it.
	for _, order := range [][]string{slices.Concat([]string{crdGroup}, rest), slices.Concat(rest, []string{crdGroup})} {
		t.Run(strings.Join(order, ", "), func(t *testing.T) {
			i := working(t, cp)
			i.mustApply(i.argo(), adapterSet(dittofs))
			i.uninstall(order)
			testenv.Eventually(t, "the CRD to be gone", func(ctx context.Context) error {
				out, err := i.Kubectl(ctx, "", "", "get", "crd", "adaptersets.portside.dev", "--ignore-not-found", "-o", "name")
				if err != nil || out != "" {
					return fmt.Errorf("it is there: %s %w", out, err)
				}
				return nil
			})
		})
	}
	t.Run("without the CRD", func(t *testing.T) {
		for first := range rest {
			order := slices.Concat(rest[first:], rest[:first])
			back := slices.Clone(order)
			slices.Reverse(back)
			for _, order := range [][]string{order, back} {
				t.Run(strings.Join(order, ", "), func(t *testing.T) {
					t.Parallel()
					working(t, cp).uninstall(order)
				})
			}
		}
	})
}

// working is an installation where pods run and a workload has a port of ours.
func working(t *testing.T, cp *testenv.ControlPlane) *installation {
	t.Helper()
	i := prepared(t, cp, install.Options{})
	i.apply(i.manifests())
	i.kubectl("", "wait", "--for=condition=Established", "crd/adaptersets.portside.dev")
	i.mustApply(i.argo(), declared(workload.StatefulSet, static))
	testenv.Eventually(t, "a pass", func(ctx context.Context) error {
		_, err := i.applier().Apply(ctx, i.target(workload.StatefulSet), apply.Desired{Container: dittofs, Adapters: []apply.Adapter{nfs}})
		return err
	})
	return i
}

// uninstall deletes what was installed, the groups in an order, and checks what
// is left.
func (i *installation) uninstall(order []string) {
	i.t.Helper()
	ctx := i.t.Context()
	before := i.WaitRolledOut(i.t, workload.StatefulSet.Kind, i.workloads, dittofs)
	starts := i.PodStarts(i.workloads)
	i.deleteAll(order)
	after := i.WaitRolledOut(i.t, workload.StatefulSet.Kind, i.workloads, dittofs)
	if after.GetGeneration() != before.GetGeneration() || i.PodStarts(i.workloads) != starts {
		i.t.Errorf("generation %d and %d starts of pods; %d and %d before", after.GetGeneration(), i.PodStarts(i.workloads), before.GetGeneration(), starts)
	}
	i.expectPorts(workload.StatefulSet, dittofs, "api:8080/TCP", ":2049/TCP", "adapter-nfs:12049/TCP")
	// What is left of us is an entry, which stands in nobody's way.
	i.mustApply(i.argo(), declared(workload.StatefulSet, `[{name: api, containerPort: 8080, protocol: TCP}]`))
	if err := i.admin.CoreV1().Namespaces().Delete(ctx, i.workloads, metav1.DeleteOptions{}); err != nil {
		i.t.Fatal(err)
	}
	for _, namespace := range []string{i.system, i.workloads} {
		testenv.Eventually(i.t, "the namespace "+namespace+" to be gone", func(ctx context.Context) error {
			if _, err := i.admin.CoreV1().Namespaces().Get(ctx, namespace, metav1.GetOptions{}); !apierrors.IsNotFound(err) {
				return fmt.Errorf("it is there: %w", err)
			}
			return nil
		})
	}
}

// deleteAll deletes the objects of these groups, and waits for none to be gone.
func (i *installation) deleteAll(order []string) {
	i.t.Helper()
	objects := i.manifests()
	if len(order) == len(groups) {
		for _, o := range objects {
			if !slices.ContainsFunc(order, func(group string) bool { return slices.Contains(groups[group], o.GetKind()) }) {
				i.t.Errorf("%s is in no group", o.GetKind())
			}
		}
	}
	for _, group := range order {
		var names []*unstructured.Unstructured
		for _, o := range objects {
			if slices.Contains(groups[group], o.GetKind()) {
				names = append(names, o)
			}
		}
		i.kubectl(text(i.t, names), "delete", "--ignore-not-found", "--wait=false", "-f", "-")
	}
}
