package check_test

import (
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/portside-dev/portside/cmd/portside/internal/install"
)

func TestReplicas(t *testing.T) {
	t.Parallel()
	s := installed(t)
	ns, name := s.options.Namespace, s.options.FieldManager
	pods := "; see: kubectl describe pods -n " + ns + " -l app.kubernetes.io/instance=" + name
	for _, test := range []struct{ name, status, want string }{
		{"some ready", `{"status":{"readyReplicas":1}}`, "Warning Replicas Deployment " + ns + "/" + name + ": 1 of 2 replicas are ready" + pods},
		{"none ready", `{"status":{"readyReplicas":0}}`, "Error Replicas Deployment |: 0 of 2 replicas are ready" + pods},
		{"no pods", `{"status":{"conditions":[{"type":"ReplicaFailure","status":"True","reason":"FailedCreate","message":"exceeded quota"}]}}`,
			"Error Replicas Deployment |: 0 of 2 replicas are ready: exceeded quota" + pods},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := s.in(t)
			s.deployment(test.status)
			s.expect(test.want)
		})
	}
	t.Run("scaled to 0", func(t *testing.T) {
		s := s.in(t)
		s.kubectl("", "scale", "deployment", "-n", ns, name, "--replicas=0")
		s.expect("Error Replicas Deployment |: scaled to 0, so AdapterSets are not reconciled; run: kubectl scale deployment " + name + " -n " + ns + " --replicas 2")
	})
	t.Run("no Deployment", func(t *testing.T) {
		s := s.in(t)
		s.kubectl("", "delete", "deployment", "-n", ns, name)
		s.expect("Warning Replicas no Deployment with the label app.kubernetes.io/instance=" + name + " in namespace " + ns + ": AdapterSets will not be reconciled; run: portside install --image IMAGE")
	})
	t.Run("no Deployment for AdapterSets", func(t *testing.T) {
		s := s.in(t)
		s.workload("files")
		s.adapterSet("files", "files")
		s.expect("Error Replicas no Deployment |: 1 AdapterSets are not reconciled; run: portside install --image IMAGE")
	})
	t.Run("in another namespace", func(t *testing.T) {
		s := s.in(t)
		other := &site{s.ControlPlane, t, install.Options{Namespace: s.Namespace(t), FieldManager: name, WatchNamespace: s.options.WatchNamespace}}
		other.apply(func(o *unstructured.Unstructured) bool { return o.GetKind() == "Deployment" })
		s.expect("Warning Replicas Deployment " + other.options.Namespace + "/" + name + ": not in namespace " + ns + "|run: portside check --namespace " + other.options.Namespace + " --field-manager " + name + " --watch-namespace ")
	})
}
