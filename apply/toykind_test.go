package apply_test

import (
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	applycorev1 "k8s.io/client-go/applyconfigurations/core/v1"
	applymetav1 "k8s.io/client-go/applyconfigurations/meta/v1"
	"k8s.io/client-go/dynamic"
	appsclient "k8s.io/client-go/kubernetes/typed/apps/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	corev1 "k8s.io/api/core/v1"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/port"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/testenv"
)

// toy is a kind that no package of portside knows.
var toy = workload.Definition{
	Kind:     workload.Kind{Group: "toys.portside.dev", Kind: "Rollout"},
	Version:  "v1",
	Resource: "rollouts",
	New: func() workload.Object {
		u := &unstructured.Unstructured{}
		u.SetGroupVersionKind(schema.GroupVersionKind{Group: "toys.portside.dev", Version: "v1", Kind: "Rollout"})
		return u
	},
	Read: func(object workload.Object) (workload.State, error) {
		var r struct {
			Spec struct {
				Replicas int32                  `json:"replicas"`
				Template corev1.PodTemplateSpec `json:"template"`
			} `json:"spec"`
		}
		content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
		if err != nil {
			return workload.State{}, err
		}
		err = runtime.DefaultUnstructuredConverter.FromUnstructured(content, &r)
		return workload.State{Template: &r.Spec.Template, Restarts: r.Spec.Replicas}, err
	},
	Configure: func(meta *applymetav1.ObjectMetaApplyConfiguration, template *applycorev1.PodTemplateSpecApplyConfiguration) any {
		configuration := map[string]any{"apiVersion": "toys.portside.dev/v1", "kind": "Rollout", "metadata": meta}
		if template != nil {
			configuration["spec"] = map[string]any{"template": template}
		}
		return configuration
	},
}

// TestWithKind applies and releases the ports of a kind that is defined here, with the
// clients of client-go and of controller-runtime.
func TestWithKind(t *testing.T) {
	t.Parallel()
	cp := testenv.Shared(t)
	if err := cp.InstallCRD(t.Context(), "testdata/rollout-crd.yaml"); err != nil {
		t.Fatal(err)
	}
	for name, reach := range clients(t, cp) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			applier, err := apply.New(reach, apply.WithKind(&toy))
			if err != nil {
				t.Fatal(err)
			}
			dynamicClient, err := dynamic.NewForConfig(cp.Config())
			if err != nil {
				t.Fatal(err)
			}
			namespace := cp.Namespace(t)
			rollouts := dynamicClient.Resource(schema.GroupVersionResource{Group: "toys.portside.dev", Version: "v1", Resource: "rollouts"}).Namespace(namespace)
			if _, err := rollouts.Patch(t.Context(), dittofs, types.ApplyYAMLPatchType, []byte(`
apiVersion: toys.portside.dev/v1
kind: Rollout
metadata: {name: dittofs}
spec: {replicas: 2, template: {spec: {containers: [{name: dittofs, image: "dittofs:1", ports: [{name: api, containerPort: 8080}]}]}}}`),
				metav1.PatchOptions{FieldManager: testenv.ArgoCD}); err != nil {
				t.Fatal(err)
			}
			target := workload.Target{Kind: toy.Kind, Namespace: namespace, Name: dittofs}
			expect := func(what string, result apply.Result, err error, outcome apply.Outcome, live ...string) {
				t.Helper()
				if err != nil || result.Outcome != outcome {
					t.Fatalf("%s: %s, %v", what, result.Outcome, err)
				}
				if got := portsOf(result.After); !slices.Equal(got, live) {
					t.Errorf("%s: ports %q, want %q", what, got, live)
				}
			}
			desired := apply.Desired{Adapters: []apply.Adapter{nfs}}
			result, err := applier.Apply(t.Context(), target, desired)
			expect("apply", result, err, apply.Applied, "api:8080/TCP", "adapter-nfs:12049/TCP")
			if s := result.Ports[0]; s.State != port.Owned || result.After.Restarts != 2 || !result.UpToDate {
				t.Errorf("the port is %+v, of %+v", s, result)
			}
			again, err := applier.Apply(t.Context(), target, desired)
			expect("apply again", again, err, apply.Unchanged, "api:8080/TCP", "adapter-nfs:12049/TCP")
			if again.ResourceVersion != result.ResourceVersion {
				t.Errorf("a second apply stored something")
			}
			result, err = applier.Apply(t.Context(), target, apply.Desired{Adapters: []apply.Adapter{at(nfs, 2049)}})
			expect("renumber", result, err, apply.Applied, "api:8080/TCP", "adapter-nfs:2049/TCP")
			result, err = applier.Release(t.Context(), target, false)
			expect("release", result, err, apply.Applied, "api:8080/TCP")
			result, err = applier.Apply(t.Context(), workload.Target{Kind: toy.Kind, Namespace: namespace, Name: "other"}, desired)
			if err != nil || result.Outcome != apply.TargetNotFound {
				t.Errorf("a missing one: %s, %v", result.Outcome, err)
			}
		})
	}
	unknown, err := newApplier(t, cp).Apply(t.Context(), workload.Target{Kind: toy.Kind, Namespace: "default", Name: "x"}, apply.Desired{})
	if unknown.Outcome != apply.Failed || err == nil || !strings.Contains(err.Error(), "kind Rollout.toys.portside.dev is not known; known are StatefulSet.apps") {
		t.Errorf("without the definition: %s, %v", unknown.Outcome, err)
	}
}

// clients returns a client of each library.
func clients(t *testing.T, cp *testenv.ControlPlane) map[string]workload.Client {
	t.Helper()
	apps, err := appsclient.NewForConfig(cp.Config())
	if err != nil {
		t.Fatal(err)
	}
	direct, err := client.New(cp.Config(), client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return map[string]workload.Client{"client-go": workload.ClientGo(apps), "controller-runtime": workload.ControllerRuntime(direct)}
}
