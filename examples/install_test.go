package examples_test

import (
	"slices"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
)

// decoded returns the first object of an example, decoded into its type.
func decoded[T any](t *testing.T, path string) *T {
	t.Helper()
	into := new(T)
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(read(t, documents(t, path)[0]).Object, into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return into
}

// TestNetworkPolicy checks that the policy selects portside's pods and that its ingress
// rules name ports that the pods have.
func TestNetworkPolicy(t *testing.T) {
	deployment := decoded[appsv1.Deployment](t, "install/deployment.yaml")
	policy := decoded[networkingv1.NetworkPolicy](t, "install/networkpolicy.yaml")
	selector, err := metav1.LabelSelectorAsSelector(&policy.Spec.PodSelector)
	if err != nil || selector.Empty() || !selector.Matches(labels.Set(deployment.Spec.Template.Labels)) || policy.Namespace != deployment.Namespace {
		t.Errorf("the policy does not select portside's pods: %v", err)
	}
	if want := []networkingv1.PolicyType{networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress}; !slices.Equal(policy.Spec.PolicyTypes, want) {
		t.Errorf("policy types %q, want %q", policy.Spec.PolicyTypes, want)
	}
	for _, rule := range policy.Spec.Ingress {
		for _, port := range rule.Ports {
			if !slices.ContainsFunc(deployment.Spec.Template.Spec.Containers[0].Ports, func(p corev1.ContainerPort) bool { return p.Name == port.Port.StrVal }) {
				t.Errorf("the pods have no port %s", port.Port)
			}
		}
	}
}

// TestDeploymentMemoryLimit checks that GOMEMLIMIT is the memory limit of the container.
func TestDeploymentMemoryLimit(t *testing.T) {
	container := decoded[appsv1.Deployment](t, "install/deployment.yaml").Spec.Template.Spec.Containers[0]
	at := slices.IndexFunc(container.Env, func(e corev1.EnvVar) bool { return e.Name == "GOMEMLIMIT" })
	if container.Resources.Limits.Memory().IsZero() || at < 0 || container.Env[at].ValueFrom.ResourceFieldRef.Resource != "limits.memory" {
		t.Errorf("limits %v, environment %v", container.Resources.Limits, container.Env)
	}
}
