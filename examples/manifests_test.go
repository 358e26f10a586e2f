package examples_test

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/kubernetes/scheme"
	sigsyaml "sigs.k8s.io/yaml"

	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/testenv"
)

const (
	adapterSet = "AdapterSet"
	// crd is a kind that client-go's scheme does not know.
	crd = "CustomResourceDefinition"
	// kustomization lists other manifests; the tests of the command that prints them
	// cover it.
	kustomization = "kustomization.yaml"
)

// elsewhere are the folders of manifests for other tools. testenv/peers and
// testenv/monitoring test them with the tools' own types. Recordings are no manifests.
var elsewhere = []string{"argocd", "chart", "flux", "helm", "monitoring", "testdata"}

// manifestFiles returns all YAML files below this folder, except kustomizations and
// those that are tested elsewhere.
func manifestFiles(t *testing.T) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && slices.Contains(elsewhere, path) {
			return fs.SkipDir
		}
		if err == nil && !entry.IsDir() && filepath.Ext(path) == ".yaml" && entry.Name() != kustomization {
			files = append(files, path)
		}
		return err
	})
	if err != nil || len(files) == 0 {
		t.Fatalf("cannot find the example manifests: found %q, %v", files, err)
	}
	return files
}

// documents returns the YAML documents of a file, with their comments.
func documents(t *testing.T, path string) [][]byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var all [][]byte
	for reader := yaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text))); ; {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		all = append(all, document)
	}
}

func read(t *testing.T, document []byte) *unstructured.Unstructured {
	t.Helper()
	object, err := testenv.Object(document)
	if err != nil {
		t.Fatal(err)
	}
	return object
}

// TestManifestsAreStrict checks that every example decodes into its type without
// unknown or duplicate fields.
func TestManifestsAreStrict(t *testing.T) {
	strict := serializer.NewCodecFactory(scheme.Scheme, serializer.EnableStrict).UniversalDeserializer()
	for _, path := range manifestFiles(t) {
		for i, document := range documents(t, path) {
			switch read(t, document).GetKind() {
			case crd, adapterSet:
				continue // TestManifestsAreAccepted has the server decode them strictly
			}
			object, _, err := strict.Decode(document, nil, nil)
			if err != nil {
				t.Errorf("%s: document %d: %v", path, i+1, err)
				continue
			}
			if named, err := meta.Accessor(object); err != nil || named.GetName() == "" {
				t.Errorf("%s: document %d has no name: %v", path, i+1, err)
			}
		}
	}
}

// TestManifestsAreAccepted applies every example to a real API server with the real
// kubectl, as a server-side dry run. Only the namespaces and the CRD are stored, which
// the other examples need.
func TestManifestsAreAccepted(t *testing.T) {
	cp := testenv.Shared(t)
	for _, path := range manifestFiles(t) {
		for _, document := range documents(t, path) {
			if kind := read(t, document).GetKind(); kind == "Namespace" || kind == crd {
				kubectlApply(t, cp, path, document)
			}
		}
	}
	testenv.Eventually(t, "the CRD to be served", func(ctx context.Context) error {
		_, err := cp.Kubectl(ctx, "default", "", "get", "adaptersets")
		return err
	})
	for _, path := range manifestFiles(t) {
		for _, document := range documents(t, path) {
			kubectlApply(t, cp, path, document, "--dry-run=server")
		}
	}
}

func kubectlApply(t *testing.T, cp *testenv.ControlPlane, path string, document []byte, flags ...string) {
	t.Helper()
	namespace := cmp.Or(read(t, document).GetNamespace(), "default")
	args := append([]string{"apply", "--server-side", "--validate=strict", "-f", "-"}, flags...)
	if _, err := cp.Kubectl(t.Context(), namespace, string(document), args...); err != nil {
		t.Errorf("%s: %v", path, err)
	}
}

// TestAdapterSetReferences checks that the target and the container of each AdapterSet
// exist in the manifest next to it.
func TestAdapterSetReferences(t *testing.T) {
	for _, path := range manifestFiles(t) {
		if !strings.HasPrefix(filepath.Base(path), "adapterset") {
			continue
		}
		for i, document := range documents(t, path) {
			var set v1alpha1.AdapterSet
			if err := sigsyaml.UnmarshalStrict(document, &set); err != nil {
				t.Errorf("%s: document %d: %v", path, i+1, err)
				continue
			}
			ref := set.Spec.TargetRef
			workload := read(t, documents(t, filepath.Join(filepath.Dir(path), strings.ToLower(ref.Kind)+".yaml"))[0])
			if ref.Kind != workload.GetKind() || ref.Name != workload.GetName() || set.Namespace != workload.GetNamespace() {
				t.Errorf("%s: document %d targets %s %s/%s, which does not exist", path, i+1, ref.Kind, set.Namespace, ref.Name)
			}
			if got := testenv.Ports(workload, set.Spec.Container); len(got) == 0 {
				t.Errorf("%s: document %d names the container %q, which has no ports", path, i+1, set.Spec.Container)
			}
		}
	}
}
