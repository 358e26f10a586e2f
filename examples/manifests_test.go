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

	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/testenv"
)

const (
	adapterSet = "AdapterSet"
	// crd is the one example of a kind that client-go does not know.
	crd = "CustomResourceDefinition"
	// kustomization lists others; who prints them tests it.
	kustomization = "kustomization.yaml"
)

// elsewhere are the folders of manifests that other tools read: the chart's
// generator, testenv/peers and testenv/monitoring decode them by the tools' own
// types.
var elsewhere = []string{"argocd", "chart", "flux", "helm", "monitoring"}

// manifestFiles are all YAML files below this folder but those that other tools
// read.
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
		t.Fatalf("the example manifests: %q, %v", files, err)
	}
	return files
}

// documents are the documents of a file, comments and all.
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

// TestManifestsAreStrict decodes every example into its type: no field that is
// unknown or there twice.
func TestManifestsAreStrict(t *testing.T) {
	strict := serializer.NewCodecFactory(scheme.Scheme, serializer.EnableStrict).UniversalDeserializer()
	for _, path := range manifestFiles(t) {
		for i, document := range documents(t, path) {
			switch read(t, document).GetKind() {
			case crd:
				continue // generated, and TestManifestsAreAccepted has the server decode it strictly
			case adapterSet:
				if _, err := v1alpha1.ReadFiles([]string{path}, false, nil); err != nil {
					t.Error(err)
				}
				continue
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

// TestManifestsAreAccepted applies every example by the real kubectl to a real
// API server, which stores none of them but what others need: the namespaces
// and the CRD.
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

// TestAdapterSetsNameWhatIsThere follows the references of the AdapterSets to
// the other manifests.
func TestAdapterSetsNameWhatIsThere(t *testing.T) {
	for _, path := range manifestFiles(t) {
		if !strings.HasPrefix(filepath.Base(path), "adapterset") {
			continue
		}
		docs, err := v1alpha1.ReadFiles([]string{path}, false, nil)
		if err != nil {
			t.Error(err)
			continue
		}
		for _, doc := range docs {
			ref := doc.Set.Spec.TargetRef
			workload := read(t, documents(t, filepath.Join(filepath.Dir(path), strings.ToLower(ref.Kind)+".yaml"))[0])
			if ref.Kind != workload.GetKind() || ref.Name != workload.GetName() || doc.Set.Namespace != workload.GetNamespace() {
				t.Errorf("%s targets %s %s/%s, which is not there", doc, ref.Kind, doc.Set.Namespace, ref.Name)
			}
			if got := testenv.Ports(workload, doc.Set.Spec.Container); len(got) == 0 {
				t.Errorf("%s names the container %q, which has no ports", doc, doc.Set.Spec.Container)
			}
		}
	}
}

// TestRecordings compares the recordings with those that the reader of them is
// tested with.
func TestRecordings(t *testing.T) {
	recordings, err := filepath.Glob("dittofs/adapters-*.json")
	if err != nil || len(recordings) != 3 {
		t.Fatalf("the recordings: %q, %v", recordings, err)
	}
	for _, path := range recordings {
		ours, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		theirs, err := os.ReadFile(filepath.Join("../cmd/portside/internal/discovery/httpapi/testdata", filepath.Base(path)))
		if err != nil || !bytes.Equal(ours, theirs) {
			t.Errorf("%s is not the recording that the source is tested with: %v", path, err)
		}
	}
}
