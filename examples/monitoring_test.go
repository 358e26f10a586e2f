package examples_test

import (
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/portside-dev/portside/testenv"
)

// TestMonitoringCertificate checks that portside serves the certificate of the Secret
// whose ca.crt Prometheus trusts, and that Prometheus verifies the name of portside's
// Service.
func TestMonitoringCertificate(t *testing.T) {
	built, err := testenv.Shared(t).Kubectl(t.Context(), "", "", "kustomize", "monitoring")
	if err != nil {
		t.Fatal(err)
	}
	objects := map[string]*unstructured.Unstructured{}
	for document := range strings.SplitSeq(built, "\n---\n") {
		o := read(t, []byte(document))
		objects[o.GetKind()] = o
	}
	var deployment appsv1.Deployment
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(objects["Deployment"].Object, &deployment); err != nil {
		t.Fatal(err)
	}
	pod := deployment.Spec.Template.Spec
	container := pod.Containers[0]
	if len(container.VolumeMounts) != 1 || len(pod.Volumes) != 1 || container.VolumeMounts[0].Name != pod.Volumes[0].Name ||
		!slices.Contains(container.Args, "--metrics-cert-dir="+container.VolumeMounts[0].MountPath) {
		t.Fatalf("args %q, mounts %v, volumes %v", container.Args, container.VolumeMounts, pod.Volumes)
	}
	endpoints, _, _ := unstructured.NestedSlice(objects["ServiceMonitor"].Object, "spec", "endpoints")
	for _, endpoint := range endpoints {
		tls, _, _ := unstructured.NestedMap(endpoint.(map[string]any), "tlsConfig")
		secret, _, _ := unstructured.NestedString(tls, "ca", "secret", "name")
		if service := objects["Service"]; secret != pod.Volumes[0].Secret.SecretName || tls["serverName"] != service.GetName()+"."+service.GetNamespace()+".svc" {
			t.Errorf("tlsConfig is %v", tls)
		}
	}
}
