package install_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/cmd/portside/internal/install"
	"github.com/portside-dev/portside/testenv"
)

// TestUninstall removes an installation in several orders, one object after the
// other, while a workload has ports of ours: no pod restarts, the ports stay,
// and no namespace is stuck.
func TestUninstall(t *testing.T) {
	cp := testenv.WithControllers(t)
	t.Run("the CRD first, with an AdapterSet", func(t *testing.T) {
		i := working(t, cp)
		i.mustApply(i.argo(), adapterSet(dittofs))
		i.kubectl("", "delete", "--wait=false", "crd", "adaptersets.portside.dev")
		i.uninstall(func(*unstructured.Unstructured) int { return 0 })
		testenv.Eventually(t, "the CRD to be gone", func(ctx context.Context) error {
			out, err := i.Kubectl(ctx, "", "", "get", "crd", "adaptersets.portside.dev", "--ignore-not-found", "-o", "name")
			if err != nil || out != "" {
				return fmt.Errorf("it is there: %s %w", out, err)
			}
			return nil
		})
	})
	// The CRD is one for all installations, so the others leave it.
	t.Run("orders", func(t *testing.T) {
		for name, order := range map[string]func(*unstructured.Unstructured) int{
			"as printed": func(*unstructured.Unstructured) int { return 0 },
			"policies first": func(o *unstructured.Unstructured) int {
				return place(o.GetKind(), "ValidatingAdmissionPolicy", "MutatingAdmissionPolicy")
			},
			"roles first": func(o *unstructured.Unstructured) int {
				return place(o.GetKind(), "ClusterRole", "Role", "ServiceAccount")
			},
			"the namespace last": func(o *unstructured.Unstructured) int { return -place(o.GetKind(), "Namespace") },
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				working(t, cp).uninstall(order)
			})
		}
	})
}

// place is where a kind is among the first; the others come after.
func place(kind string, first ...string) int {
	if at := slices.Index(first, kind); at >= 0 {
		return at
	}
	return len(first)
}

// working is an installation where pods run and a workload has a port of ours.
func working(t *testing.T, cp *testenv.ControlPlane) *installation {
	t.Helper()
	i := prepared(t, cp, install.Options{})
	i.apply(i.manifests())
	i.kubectl("", "wait", "--for=condition=Established", "crd/adaptersets.portside.dev")
	i.mustApply(i.argo(), declared(apply.StatefulSet, static))
	testenv.Eventually(t, "a pass", func(ctx context.Context) error {
		_, err := i.applier().Pass(ctx, i.target(apply.StatefulSet), apply.Wanted{Adapters: []apply.Adapter{nfs}})
		return err
	})
	return i
}

// uninstall deletes what was installed, in an order, and checks what is left.
func (i *installation) uninstall(order func(*unstructured.Unstructured) int) {
	i.t.Helper()
	ctx := i.t.Context()
	before := i.WaitRolledOut(i.t, string(apply.StatefulSet), i.workloads, dittofs)
	starts := i.PodStarts(i.workloads)
	objects := i.manifests()
	slices.SortStableFunc(objects, func(a, b *unstructured.Unstructured) int { return order(a) - order(b) })
	for _, o := range objects {
		if o.GetKind() != "CustomResourceDefinition" { // the test that is about it deletes it
			i.kubectl("", "delete", "--ignore-not-found", "--wait=false", "-n", o.GetNamespace(), o.GetKind(), o.GetName())
		}
	}
	after := i.WaitRolledOut(i.t, string(apply.StatefulSet), i.workloads, dittofs)
	if after.GetGeneration() != before.GetGeneration() || i.PodStarts(i.workloads) != starts {
		i.t.Errorf("generation %d and %d starts of pods; %d and %d before", after.GetGeneration(), i.PodStarts(i.workloads), before.GetGeneration(), starts)
	}
	i.expectPorts(apply.StatefulSet, dittofs, "api:8080/TCP", ":2049/TCP", "adapter-nfs:12049/TCP")
	// What is left of us is an entry, which stands in nobody's way.
	i.mustApply(i.argo(), declared(apply.StatefulSet, `[{name: api, containerPort: 8080, protocol: TCP}]`))
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
