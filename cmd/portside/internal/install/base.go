package install

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
	sigsyaml "sigs.k8s.io/yaml"

	manifests "github.com/portside-dev/portside/examples/install"
)

// The files that not every installation has.
const (
	namespaceFile     = "namespace.yaml"
	metricsFile       = "rbac/metrics.yaml"
	metricsReaderFile = "rbac/metrics-reader.yaml"
	discoveryFile     = "rbac/discovery.yaml"
	nameFile          = "policy/name.yaml"
	leftoverFile      = "policy/leftover.yaml"
	guards            = "policy/guard" // what their files begin with
)

// discoveryBindingFile is a RoleBinding for one namespace. The list does not have
// it: an installation has one for each namespace that opts in.
const discoveryBindingFile = "rbac/discovery-binding.yaml"

// document is an object and the file that it comes from.
type document struct {
	file string
	*unstructured.Unstructured
}

// base reads the manifests as they are, in their order.
func base() ([]document, error) {
	text, err := manifests.Manifests.ReadFile(manifests.Base)
	if err != nil {
		return nil, err
	}
	var list struct {
		Resources []string `json:"resources"`
	}
	if err := sigsyaml.Unmarshal(text, &list); err != nil {
		return nil, fmt.Errorf("%s: %w", manifests.Base, err)
	}
	var all []document
	for _, file := range list.Resources {
		documents, err := read(file)
		if err != nil {
			return nil, err
		}
		all = append(all, documents...)
	}
	return all, nil
}

func read(file string) ([]document, error) {
	text, err := manifests.Manifests.ReadFile(file)
	if err != nil {
		return nil, err
	}
	objects, err := decode(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	var all []document
	for _, object := range objects {
		all = append(all, document{file, object})
	}
	return all, nil
}

func decode(text []byte) ([]*unstructured.Unstructured, error) {
	var objects []*unstructured.Unstructured
	for reader := yaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text))); ; {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return objects, nil
		}
		if err != nil {
			return nil, err
		}
		object := &unstructured.Unstructured{}
		if err := sigsyaml.Unmarshal(document, &object.Object); err != nil {
			return nil, err
		}
		if len(object.Object) > 0 { // and not comments alone
			objects = append(objects, object)
		}
	}
}
