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

// groups are the objects of an installation that are deleted together.
var groups = map[string][]string{
	"namespace":  {"Namespace"},
	"RBAC":       {"ServiceAccount", "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"},
	"policies":   {"ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding", "MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding"},
	"Deployment": {"Deployment", "PodDisruptionBudget", "Service"},
	crdGroup:     {"CustomResourceDefinition"},
}

const crdGroup = "CRD"

// TestUninstall removes an installation, one group of objects after the other, while a
// workload has ports of portside. No pod restarts, the ports stay, and no namespace is
// stuck.
//
// Ten of the 120 orders suffice: of each two groups either one is removed first, and
// each of the four without the CRD is removed at each place. The effect of a removal
// depends on at most one other group:
//
//   - the namespace includes the ServiceAccount, the Roles in it and the Deployment, and
//     is deleted only after they are;
//   - the policies identify the ServiceAccount by its name, whether or not it exists,
//     and the name policy asks RBAC about managers that write under the field manager;
//   - the pods of the Deployment lose their permissions, or the CRD that they watch;
//   - the CRD includes the AdapterSets, which the guard covers too.
func TestUninstall(t *testing.T) {
	cp := testenv.WithControllers(t)
	rest := slices.Sorted(maps.Keys(groups))
	rest = slices.DeleteFunc(rest, func(group string) bool { return group == crdGroup })
	// All installations share the CRD, so the cases that delete it, with an
	// AdapterSet, run one after the other. The others keep it.
	for _, order := range [][]string{slices.Concat([]string{crdGroup}, rest), slices.Concat(rest, []string{crdGroup})} {
		t.Run(strings.Join(order, ", "), func(t *testing.T) {
			i := working(t, cp)
			i.mustApply(i.argo(), adapterSet(dittofs))
			i.uninstall(order)
			testenv.Eventually(t, "the CRD to be deleted", func(ctx context.Context) error {
				out, err := i.Kubectl(ctx, "", "", "get", "crd", "adaptersets.portside.dev", "--ignore-not-found", "-o", "name")
				if err != nil || out != "" {
					return fmt.Errorf("still found: %s %w", out, err)
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

// working returns an installation with running pods and a workload with a port of
// portside.
func working(t *testing.T, cp *testenv.ControlPlane) *installation {
	t.Helper()
	i := prepared(t, cp, install.Options{})
	i.apply(i.manifests())
	i.kubectl("", "wait", "--for=condition=Established", "crd/adaptersets.portside.dev")
	i.mustApply(i.argo(), declared(workload.StatefulSet, static))
	testenv.Eventually(t, "a reconciliation", func(ctx context.Context) error {
		_, err := i.applier().Apply(ctx, i.target(workload.StatefulSet), apply.Desired{Container: dittofs, Adapters: []apply.Adapter{nfs}})
		return err
	})
	return i
}

// uninstall deletes the groups in an order and checks what is left.
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
	// portside's entry is left, which conflicts with no manager.
	i.mustApply(i.argo(), declared(workload.StatefulSet, `[{name: api, containerPort: 8080, protocol: TCP}]`))
	if err := i.admin.CoreV1().Namespaces().Delete(ctx, i.workloads, metav1.DeleteOptions{}); err != nil {
		i.t.Fatal(err)
	}
	for _, namespace := range []string{i.system, i.workloads} {
		testenv.Eventually(i.t, "the namespace "+namespace+" to be deleted", func(ctx context.Context) error {
			if _, err := i.admin.CoreV1().Namespaces().Get(ctx, namespace, metav1.GetOptions{}); !apierrors.IsNotFound(err) {
				return fmt.Errorf("still found: %w", err)
			}
			return nil
		})
	}
}

// deleteAll deletes the objects of these groups without waiting.
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
