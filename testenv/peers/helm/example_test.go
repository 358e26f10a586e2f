package helm_test

import (
	"os"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/peers/compat"
	"github.com/portside-dev/portside/testenv/peers/helm"
)

// TestExample installs the chart with its default values, and has portside add the
// adapters of the AdapterSet next to it, whose target must be the chart's workload.
func TestExample(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../../examples/helm/adapterset.yaml")
	compat.Must(t, err)
	var set v1alpha1.AdapterSet
	compat.Must(t, yaml.UnmarshalStrict(text, &set))
	spec := set.Spec
	s := compat.NewSite(t, testenv.Shared(t))
	compat.Must(t, helm.Helm4{Chart: chartFolder}.Install(s, nil))
	live := s.Live()
	if containers := testenv.Containers(live); live.GetKind() != spec.TargetRef.Kind || live.GetName() != spec.TargetRef.Name || containers[0] != spec.Container {
		t.Errorf("the AdapterSet targets %s %s, container %s; the chart makes %s %s, %q",
			spec.TargetRef.Kind, spec.TargetRef.Name, spec.Container, live.GetKind(), live.GetName(), containers)
	}
	var adapters []apply.Adapter
	for _, a := range spec.Adapters {
		adapters = append(adapters, compat.Adapter(a.Type, int64(a.Port)))
	}
	s.Reconcile(adapters...)
	s.ExpectPorts("api:8080/TCP", "metrics:9090/TCP", "adapter-nfs:12049/TCP", "adapter-smb:1445/TCP")
}
