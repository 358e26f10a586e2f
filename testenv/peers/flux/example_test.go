package flux_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	kustomizev1 "github.com/fluxcd/kustomize-controller/api/v1"
	"github.com/fluxcd/pkg/ssa/utils"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/peers/compat"
)

const examples = "../../../examples"

// example decodes an example strictly: unknown and duplicate fields are errors.
func example(t *testing.T, path string, into any) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(examples, path))
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.UnmarshalStrict(text, into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// kustomization returns the example's Kustomization, with which the tests apply.
func kustomization(t *testing.T) *kustomizev1.Kustomization {
	t.Helper()
	object := &kustomizev1.Kustomization{}
	example(t, "flux/kustomization.yaml", object)
	return object
}

func TestExampleHasItsSource(t *testing.T) {
	t.Parallel()
	object, source := kustomization(t), &sourcev1.GitRepository{}
	example(t, "flux/gitrepository.yaml", source)
	if ref := object.Spec.SourceRef; ref.Kind != source.Kind || ref.Name != source.Name || object.Namespace != source.Namespace {
		t.Errorf("the Kustomization names the source %s %s/%s, which does not exist", ref.Kind, ref.Namespace, ref.Name)
	}
	for _, kind := range []struct{ got, want string }{
		{object.Kind, kustomizev1.KustomizationKind}, {object.APIVersion, kustomizev1.GroupVersion.String()},
		{source.Kind, sourcev1.GitRepositoryKind}, {source.APIVersion, sourcev1.GroupVersion.String()},
	} {
		if kind.got != kind.want {
			t.Errorf("the example has %s, want %s", kind.got, kind.want)
		}
	}
}

// TestExampleSyncs applies examples/dittofs by the example's Kustomization.
func TestExampleSyncs(t *testing.T) {
	t.Parallel()
	s := compat.NewSite(t, testenv.Shared(t))
	r, err := newReconciler(s.ControlPlane, kustomization(t))
	compat.Must(t, err)
	sync := func() (objects []*unstructured.Unstructured) {
		for _, path := range []string{"dittofs/configmap.yaml", "dittofs/networkpolicy.yaml", "dittofs/service.yaml", "dittofs/statefulset.yaml"} {
			text, err := os.ReadFile(filepath.Join(examples, path))
			compat.Must(t, err)
			read, err := utils.ReadObjects(bytes.NewReader(text))
			compat.Must(t, err)
			objects = append(objects, read...)
		}
		compat.Must(t, r.prepare(objects, s.Namespace))
		changes, err := r.apply(t.Context(), objects)
		compat.Must(t, err)
		if got := len(changes.Entries); got != 9 {
			t.Errorf("%d objects were applied: %s", got, changes)
		}
		return objects
	}
	sync()
	adapters := []apply.Adapter{compat.Adapter("nfs", 12049), compat.Adapter("smb", 1445)}
	if result := s.Reconcile(adapters...); compat.State(result, "nfs") != "Owned" || compat.State(result, "smb") != "Owned" {
		t.Errorf("the adapters are %v", result.Ports)
	}
	before := s.Live()
	for _, object := range sync() {
		if inSync, err := r.inSync(t.Context(), object); err != nil || !inSync {
			t.Errorf("%s is in sync: %t, %v", object.GetName(), inSync, err)
		}
	}
	s.Reconcile(adapters...)
	if after := s.Live(); after.GetResourceVersion() != before.GetResourceVersion() {
		t.Errorf("the second sync changed the workload: %q", compat.Ports(after))
	}
}
